#[memscope::track]
#[derive(Clone, Copy)]
enum Level {
    Low,
    High,
}

fn main() {
    let _ = [Level::Low, Level::High];
}
