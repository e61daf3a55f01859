//! What only edition 2024 has.

#[memscope::track]
fn chain(text: String, other: Option<String>) -> Option<String> {
    let joined = if let Some(other) = other
        && let length = other.len()
        && length > 1
    {
        let both = text.clone() + &other;
        both
    } else {
        let alone = text;
        return Some(alone);
    };
    while let Some(first) = joined.chars().next()
        && first != 'x'
    {
        let rest = joined[1..].to_owned();
        return Some(rest);
    }
    None
}

fn main() {
    assert_eq!(chain("a".into(), None).as_deref(), Some("a"));
    assert_eq!(chain("a".into(), Some("bc".into())).as_deref(), Some("bc"));
    assert_eq!(chain("x".into(), Some("bc".into())), None);
}
