//! `Tracked`, the owning form, and the traits that it has.

use memscope::{Tracked, track_var, tracked};
use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::fmt;
use std::io::{Read, Write};
use std::task::{Context, Poll, Waker};

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl Error for Broken {}

fn length<T: AsRef<str>>(text: T) -> usize {
    text.as_ref().len()
}

fn forms<T: Clone>(value: T) -> Tracked<T> {
    track_var!(own copy = value.clone());
    track_var!(own mut typed: Vec<T> = Vec::new());
    typed.push(value);
    let expression = track_var!(own typed.pop());
    let other = tracked!(expression.clone());
    assert!(expression.is_some() && other.is_some() && typed.is_empty());
    copy
}

fn fallible(text: &str) -> Result<usize, Box<dyn Error>> {
    track_var!(own number = text.parse::<usize>()?);
    Ok(*number)
}

fn main() {
    assert_eq!(forms("a".to_owned()).into_inner(), "a");
    assert_eq!(fallible("12").unwrap(), 12);
    assert!(fallible("x").is_err());

    let mut list = tracked!(vec![3, 1]);
    list.push(2);
    list.sort_unstable();
    assert_eq!(*list, [1, 2, 3]);
    assert_eq!(format!("{list:?} {}", tracked!("x".to_owned())), "[1, 2, 3] x");
    assert_eq!(list, list.clone());
    assert!(tracked!(1) < tracked!(2));
    assert_eq!([tracked!(2), tracked!(1)].iter().max(), Some(&tracked!(2)));
    assert_eq!(length(tracked!("abc".to_owned())), 3);
    let borrowed: &Vec<i32> = list.borrow();
    assert_eq!(borrowed.len(), 3);
    list.extend([4]);
    for item in &mut list {
        *item += 1;
    }
    assert_eq!((&list).into_iter().sum::<i32>(), 14);
    assert_eq!(list.into_iter().rev().collect::<Tracked<Vec<_>>>().into_inner(), [5, 4, 3, 2]);
    assert!(Tracked::<String>::default().is_empty());
    assert_eq!(Tracked::from(7).into_inner(), 7);
    let set: HashSet<Tracked<String>> = HashSet::from([tracked!("a".to_owned())]);
    assert!(set.contains(&"a".to_owned()));
    let ordered: BTreeSet<Tracked<u8>> = [tracked!(2), tracked!(1)].into_iter().collect();
    assert_eq!(ordered.first().map(|first| **first), Some(1));
    let map = tracked!(HashMap::from([("a", 1)]));
    assert_eq!(map["a"], 1);

    let error: Box<dyn Error> = Box::new(tracked!(Broken));
    assert_eq!(error.to_string(), "broken");
    let mut bytes = tracked!(Vec::new());
    bytes.write_all(b"ab").unwrap();
    let mut text = String::new();
    tracked!(&bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, "ab");
    let mut future = tracked!(Box::pin(async { 5 }));
    let polled = std::pin::Pin::new(&mut future).poll_now();
    assert_eq!(polled, Poll::Ready(5));

    // Send where the value is, also across threads.
    let moved = std::thread::spawn(move || bytes.len());
    assert_eq!(moved.join().unwrap(), 2);
}

trait PollNow: std::future::Future {
    fn poll_now(self: std::pin::Pin<&mut Self>) -> Poll<Self::Output>;
}

impl<F: std::future::Future> PollNow for F {
    fn poll_now(self: std::pin::Pin<&mut Self>) -> Poll<Self::Output> {
        self.poll(&mut Context::from_waker(Waker::noop()))
    }
}
