// Not an option.
#[memscope::track(sample = 0.01)]
fn read(name: String) -> usize {
    name.len()
}

fn main() {
    read("a".to_owned());
}
