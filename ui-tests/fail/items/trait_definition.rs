#[memscope::track]
pub trait Read {
    fn read(&self) -> String {
        String::new()
    }
}

fn main() {}
