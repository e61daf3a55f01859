#[memscope::track]
enum Handle {
    Open(String),
    Closed,
}

impl Drop for Handle {
    fn drop(&mut self) {}
}

fn main() {
    drop([Handle::Open(String::new()), Handle::Closed]);
}
