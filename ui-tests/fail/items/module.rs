#[memscope::track]
mod inner {
    pub fn read() {}
}

fn main() {
    inner::read();
}
