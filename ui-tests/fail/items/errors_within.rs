// An error of the user's own is found where it was written.
struct Store;

#[memscope::track]
impl Store {
    fn read(&self) -> String {
        let text = String::new();
        let length: String = text.len();
        missing
    }
}

#[memscope::track]
mod inner {
    pub struct Page {
        text: Strin,
    }
}

fn main() {
    Store.read();
}
