// The compiler's own errors, which `drop = off` makes go away: see `pass/own_drop.rs`.
#[memscope::track]
struct Size {
    width: u32,
}

#[memscope::track]
struct Reader<'a> {
    text: Option<&'a String>,
}

fn promoted() {
    let size: &'static Size = &Size { width: 1 };
    assert_eq!(size.width, 1);
}

fn dropped_before() {
    let mut reader = Reader { text: None };
    let text = String::from("a");
    reader.text = Some(&text);
}

fn main() {}
