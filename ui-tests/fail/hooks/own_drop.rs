// The compiler's own error; the documentation of the attribute names it and the way out.
#[memscope::track]
struct Guard(String);

impl Drop for Guard {
    fn drop(&mut self) {}
}

fn main() {}
