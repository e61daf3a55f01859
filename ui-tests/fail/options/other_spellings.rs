// As other crates write it.
#[memscope::track(label = "x", skip_all, tag("io"), var(text))]
fn read(name: String) -> usize {
    let text = name.repeat(2);
    text.len()
}

fn main() {
    read("a".to_owned());
}
