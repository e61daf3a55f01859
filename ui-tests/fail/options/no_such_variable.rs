#[memscope::track(vars(txet), args(nam), skip(missing))]
fn read(name: String) -> usize {
    let text = name.repeat(2);
    text.len()
}

fn main() {
    read("a".to_owned());
}
