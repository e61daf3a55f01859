#[memscope::track(vars(text), skip(text))]
fn read(name: String) -> usize {
    let text = name.repeat(2);
    text.len()
}

fn main() {
    read("a".to_owned());
}
