//! What a program expects the compiler to say may be left unsaid with hooks on; that is no warning.
#![deny(warnings)]

#[memscope::track]
struct Fields {
    text: String,
    #[expect(dead_code)]
    never_read: u8,
}

#[memscope::track]
fn variables(text: String) -> usize {
    #[expect(unused_variables)]
    let unused = text.clone();
    text.len()
}

#[memscope::track]
#[cfg_attr(all(), expect(unused_variables, reason = "as in an interface"))]
fn arguments(unused: String) -> usize {
    0
}

fn main() {
    let fields = Fields { text: String::from("a"), never_read: 1 };
    assert_eq!(variables(fields.text.clone()), 1);
    assert_eq!(arguments(String::new()), 0);
}
