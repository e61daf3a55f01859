//! Every form of function, and every place in one where a variable can be declared.
#![forbid(unsafe_op_in_unsafe_fn)]

use std::fmt::Display;
use std::num::ParseIntError;

#[memscope::track]
fn free(mut names: Vec<String>, extra: String) -> Vec<String> {
    let copy = extra.clone();
    names.push(copy);
    names
}

#[memscope::track]
fn fallible(text: String) -> Result<i32, ParseIntError> {
    let trimmed = text.trim().to_owned();
    let number: i32 = trimmed.parse()?;
    Ok(number)
}

#[memscope::track]
fn generic<T: Clone + Display, const N: usize>(value: T, array: [T; N]) -> String
where
    T: PartialEq,
{
    let copy = value.clone();
    let found = array.iter().position(|other| *other == copy);
    let text = format!("{copy} {found:?}");
    text
}

#[memscope::track]
fn with_impl_trait(items: impl IntoIterator<Item = String>) -> impl Iterator<Item = usize> {
    let all: Vec<String> = items.into_iter().collect();
    all.into_iter().map(|item| item.len())
}

#[memscope::track]
fn lifetimes<'a>(first: &'a str, owned: String) -> &'a str {
    let length = owned.len().min(first.len());
    let prefix = first[..length].to_owned();
    &first[..prefix.len()]
}

#[memscope::track]
unsafe fn not_safe(values: Vec<u8>) -> usize {
    let copy = values.clone();
    copy.len()
}

#[memscope::track]
extern "C" fn foreign(value: Box<u32>) -> u32 {
    let copy = value.clone();
    *copy
}

#[memscope::track]
fn control_flow(limit: usize) -> Option<String> {
    let found = 'search: loop {
        for i in 0..limit {
            let text = i.to_string();
            if text.len() > 1 {
                break 'search Some(text);
            }
        }
        break None;
    };
    let Some(found) = found else {
        return None;
    };
    let labelled = 'block: {
        let inner = found.clone();
        if inner.is_empty() {
            break 'block String::new();
        }
        inner
    };
    let matched = match labelled.as_str() {
        "10" => {
            let ten = String::from("ten");
            ten
        }
        other => other.to_owned(),
    };
    let measured = if let Some(first) = matched.chars().next() {
        let first = first.to_string();
        first + &matched
    } else {
        return Some(matched);
    };
    while let Some(character) = measured.chars().next() {
        let boxed = Box::new(character);
        return Some(format!("{boxed}{measured}"));
    }
    None
}

#[memscope::track]
fn nested() -> usize {
    fn inner() -> String {
        let untouched = String::from("inner");
        untouched
    }
    const LENGTH: usize = {
        let length = 3;
        length
    };
    let text = inner();
    let add = |other: String| {
        let joined = text.clone() + &other;
        joined.len()
    };
    let array = [0u8; {
        let n = LENGTH;
        n
    }];
    let folded = const {
        let n = 2;
        n + 1
    };
    add(String::from("!")) + array.len() + folded
}

struct Owner {
    text: String,
}

trait Describe {
    fn describe(self) -> String;

    fn provided(&self, other: String) -> String {
        other
    }
}

impl Owner {
    #[memscope::track]
    fn by_value(self) -> String {
        let text = self.text;
        text
    }

    #[memscope::track]
    fn by_reference(&mut self, more: String) -> &str {
        let joined = self.text.clone() + &more;
        self.text = joined;
        &self.text
    }

    #[memscope::track]
    fn by_box(self: Box<Self>) -> usize {
        let length = self.text.len();
        length
    }

    #[memscope::track]
    fn pinned(self: std::pin::Pin<&mut Self>) -> usize {
        let copy = self.text.clone();
        copy.len()
    }
}

impl Describe for Owner {
    #[memscope::track]
    fn describe(mut self) -> String {
        self.text.push('.');
        let text = self.text.clone();
        text
    }

    #[memscope::track]
    fn provided(&self, other: String) -> String {
        let joined = self.text.clone() + &other;
        joined
    }
}

fn main() {
    assert_eq!(free(vec!["a".into()], "b".into()), ["a", "b"]);
    assert_eq!(fallible(" 7 ".into()), Ok(7));
    assert!(fallible("seven".into()).is_err());
    assert_eq!(generic("b".to_owned(), ["a".to_owned(), "b".to_owned()]), "b Some(1)");
    assert_eq!(with_impl_trait(["ab".to_owned()]).collect::<Vec<_>>(), [2]);
    assert_eq!(lifetimes("abcdef", "xyz".into()), "abc");
    // SAFETY: the function has no conditions.
    assert_eq!(unsafe { not_safe(vec![1, 2]) }, 2);
    assert_eq!(foreign(Box::new(4)), 4);
    assert_eq!(control_flow(5), None);
    assert_eq!(control_flow(50).as_deref(), Some("ttten"));
    assert_eq!(nested(), 6 + 3 + 3);
    let owner = || Owner { text: "own".into() };
    assert_eq!(owner().by_value(), "own");
    assert_eq!(owner().by_reference("er".into()), "owner");
    assert_eq!(Box::new(owner()).by_box(), 3);
    assert_eq!(std::pin::pin!(owner()).as_mut().pinned(), 3);
    assert_eq!(owner().describe(), "own.");
    assert_eq!(owner().provided("!".into()), "own!");
}
