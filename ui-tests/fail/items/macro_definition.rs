#[memscope::track]
macro_rules! nothing {
    () => {};
}

fn main() {
    nothing!();
}
