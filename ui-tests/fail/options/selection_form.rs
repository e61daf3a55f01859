#[memscope::track(vars = some)]
fn read(name: String) -> usize {
    #[memscope::track(args)]
    fn inner(name: String) -> usize {
        name.len()
    }
    inner(name)
}

fn main() {
    read("a".to_owned());
}
