// A cast needs an enum without a drop: `drop = off`.
#[memscope::track]
enum Level {
    Low = 1,
    High = 7,
}

fn main() {
    let _ = (Level::Low as u8, Level::High as u8);
}
