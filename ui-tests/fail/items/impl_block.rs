struct Store;

#[memscope::track]
impl Store {
    fn read(&self) -> String {
        String::new()
    }
}

fn main() {
    Store.read();
}
