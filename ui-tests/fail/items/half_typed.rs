#[memscope::track]
impl Store {
    fn read(&self) -> String {
        self.
    }
}

struct Store;

fn main() {}
