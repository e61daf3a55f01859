#[memscope::track]
enum Shape {
    Round(f64),
    Flat,
}

fn main() {
    let _ = [Shape::Round(1.0), Shape::Flat];
}
