// What the compiler says of an annotated function points at the user's own tokens, and nowhere else.

#[memscope::track]
fn wrong_type(text: String) -> usize {
    let copy = text.clone();
    copy
}

#[memscope::track]
fn used_after_move(text: String) -> usize {
    let moved = text;
    text.len() + moved.len()
}

#[memscope::track]
fn unknown_name(text: String) -> usize {
    let length = txt.len();
    length
}

#[memscope::track]
fn outlives<'a>() -> &'a str {
    let text = String::new();
    &text
}

#[memscope::track]
fn borrowed_twice(mut list: Vec<u8>) {
    let first = &mut list;
    let second = &mut list;
    first.push(1);
    second.push(2);
}

fn main() {}
