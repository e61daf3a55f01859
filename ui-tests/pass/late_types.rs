//! Variables whose type is only decided further down: hooks take no part in type inference.

use std::collections::HashMap;
use std::error::Error;

#[derive(Debug, Default, Clone, PartialEq)]
struct Untracked {
    text: String,
}

#[memscope::track]
fn decided_at_the_end(text: &str) -> Result<Untracked, Box<dyn Error>> {
    let count = text.parse()?;
    let mut list = Vec::new();
    let mut element = Default::default();
    let result = Default::default();
    for _ in 0..count {
        list.push(element);
        element = Untracked { text: text.to_owned() };
    }
    assert_eq!(list.len(), count);
    Ok(result)
}

#[memscope::track]
fn decided_by_a_call(words: &[&str]) -> usize {
    let sizes = words.iter().map(|word| word.len()).collect();
    let total = words.iter().map(|word| word.len()).sum();
    let map = Default::default();
    let mut last = None;
    for word in words {
        last = Some(word.to_string());
    }
    takes(sizes, total, map);
    last.map_or(0, |last| last.len())
}

fn takes(sizes: Vec<usize>, total: usize, map: HashMap<String, u8>) {
    assert_eq!(sizes.iter().sum::<usize>(), total);
    assert!(map.is_empty());
}

#[memscope::track]
fn to_array<T: Clone, const N: usize>(value: T) -> [T; N] {
    let list: Vec<T> = vec![value; N];
    let Ok(array) = list.try_into() else { panic!("there are N") };
    array
}

#[memscope::track]
fn in_closures(text: &str) -> u32 {
    let convert = |part: &str| {
        let number = part.parse().unwrap_or_default();
        number
    };
    let boxed = Box::new(text.split(',').map(convert).max().unwrap_or_default());
    *boxed
}

fn main() {
    assert_eq!(decided_at_the_end("2").unwrap(), Untracked::default());
    assert_eq!(decided_by_a_call(&["a", "bc"]), 2);
    assert_eq!(to_array::<_, 2>(Untracked::default()).len(), 2);
    assert_eq!(in_closures("1,3,2"), 3);
    memscope::track_var!(let mut inbox = Vec::new());
    inbox.push(Untracked::default());
    memscope::track_var!(let number = "1".parse().unwrap());
    let _: u64 = number;
}
