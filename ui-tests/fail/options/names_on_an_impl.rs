struct Store;

// Which of the functions is meant?
#[memscope::track(vars(text), skip(path))]
impl Store {
    fn read(&self, path: String) -> usize {
        let text = path.repeat(2);
        text.len()
    }
}

fn main() {
    Store.read(String::new());
}
