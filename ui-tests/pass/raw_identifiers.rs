//! Raw identifiers, everywhere a name can be.
#![allow(non_camel_case_types)]

#[memscope::track]
struct r#struct<r#T> {
    r#type: Vec<r#T>,
    r#match: memscope::Probe<Self>,
}

#[memscope::track]
fn r#fn(r#in: String, (r#as, r#mut): (String, String)) -> usize {
    let r#let = r#in.clone();
    let (r#use, r#dyn) = (r#as, r#mut);
    r#let.len() + r#use.len() + r#dyn.len()
}

fn main() {
    memscope::track_var!(let r#loop = r#struct::<u8> { r#type: vec![1], r#match: memscope::Probe::new() });
    assert_eq!(r#loop.r#type.len(), 1);
    let _ = &r#loop.r#match;
    assert_eq!(r#fn("a".into(), ("b".into(), "c".into())), 3);
}
