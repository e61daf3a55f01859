struct Opaque;

fn main() {
    let value = memscope::tracked!(Opaque);
    println!("{value:?}");
    let other = value.clone();
    assert!(value == other);
}
