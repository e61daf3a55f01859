#[memscope::track]
struct Text {
    length: u8,
    text: str,
}

#[memscope::track]
struct Boxed<T: ?Sized>(u8, T);

#[memscope::track]
struct Where<T>(u8, T)
where
    T: ?Sized;

fn main() {}
