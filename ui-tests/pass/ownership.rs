//! Bodies in which variables are borrowed and moved in every way: what is recorded of that disturbs neither.
#![forbid(unsafe_code)]
#![deny(warnings)]

use std::collections::HashMap;
use std::future::Future;
use std::io::{BufWriter, Write};

#[derive(Debug, Default)]
struct Holder<'a> {
    list: Vec<&'a mut Vec<u8>>,
    count: usize,
}

impl<'a> Holder<'a> {
    fn add(&mut self, one: &'a mut Vec<u8>) -> usize {
        self.list.push(one);
        self.count += 1;
        self.count
    }

    fn finish(self) -> usize {
        self.list.iter().map(|one| one.len()).sum()
    }
}

fn pair<A, B>(a: A, b: B) -> (A, B) {
    (a, b)
}

/// A borrow for change that the statement uses for the last time before it moves the variable.
#[memscope::track]
fn used_until_the_move() -> Vec<(usize, Vec<u8>)> {
    let mut all = Vec::new();
    let mut a = vec![1_u8];
    let mut holder = Holder::default();
    holder.add(&mut a);
    all.push((holder.finish(), a));
    let mut b = vec![2_u8];
    let r = &mut b;
    r.push(3);
    all.push(pair(r.len(), b));
    let mut c = vec![4_u8];
    let mut push = || {
        c.push(5);
        c.len()
    };
    all.push((push(), c));
    let mut d = vec![6_u8];
    let mut iterator = d.iter_mut();
    all.push((usize::from(*iterator.next().unwrap()), d));
    let mut e = vec![7_u8];
    let first = &mut e[0];
    *first += 1;
    all.push((if *first == 8 { 1 } else { 2 }, e));
    let mut f = vec![9_u8];
    let first = &mut f[0];
    let result = (first.pow(2).into(), f);
    all.push(result);
    all
}

/// Borrows that live until the scope ends, some of them with a destructor.
#[memscope::track]
fn borrowed_until_the_end(mut out: Vec<u8>) -> usize {
    let mut buffer = Vec::with_capacity(4);
    buffer.push(1);
    std::hint::black_box(&buffer);
    let mut writer = BufWriter::new(&mut buffer);
    writer.write_all(&out).unwrap();
    out.push(1);
    let shared = &out;
    let length = shared.len();
    std::hint::black_box(&out);
    let again = shared.iter();
    length + again.count()
}

#[memscope::track]
fn partly_moved(pair: (Vec<u8>, String)) -> Vec<u8> {
    let mut other = pair;
    other.1.push('a');
    let text = other.1;
    std::hint::black_box(&other.0);
    std::hint::black_box(&text);
    other.0
}

#[memscope::track]
fn moved_again_and_again(count: u8) -> Vec<u8> {
    let mut v = vec![0];
    for i in 0..count {
        let mut next = v;
        next.push(i);
        v = next;
    }
    let w;
    if count > 1 {
        w = v;
    } else {
        w = vec![];
        drop(v);
    }
    w
}

#[memscope::track]
fn on_some_paths(text: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut parsed: Vec<u8> = Vec::new();
    let spare = vec![1_u8];
    loop {
        let number = text.parse()?;
        parsed.push(number);
        if parsed.len() > 2 {
            return Ok(parsed);
        }
        if number == 0 {
            break;
        }
        let Some(_) = parsed.first() else { return Ok(spare) };
    }
    let result = match parsed.len() {
        0 => spare,
        1 => {
            std::hint::black_box(&spare);
            parsed
        }
        _ => [parsed, spare].concat(),
    };
    Ok(result)
}

#[memscope::track]
fn shadowed(v: Vec<u8>) -> usize {
    let v = pair(1, v);
    let v = v.1;
    let count = |v: &Vec<u8>| v.len();
    let sum = count(&v);
    let v: HashMap<u8, Vec<u8>> = HashMap::from([(1, v)]);
    for v in v {
        std::hint::black_box(&v);
    }
    sum
}

#[memscope::track]
fn captured() -> usize {
    let v = vec![1_u8];
    let taking = move || v.len();
    let w = vec![2_u8];
    let lending = || w.len();
    let sum = taking() + lending();
    let x = (vec![3_u8], vec![4_u8]);
    let part = move || x.0.len();
    std::hint::black_box(&x.1);
    sum + part()
}

#[memscope::track]
async fn in_a_future(v: Vec<u8>, mut w: Vec<u8>) -> Vec<u8> {
    w.push(std::future::ready(1).await);
    std::hint::black_box(&w);
    let sent = async move { v };
    sent.await
}

#[memscope::track]
fn coerced(boxed: Box<u8>, list: Vec<u8>) -> Box<dyn Fn() -> usize> {
    let any: Box<dyn std::fmt::Debug> = boxed;
    let slice: Box<[u8]> = list.into();
    Box::new(move || format!("{any:?}").len() + slice.len())
}

macro_rules! two_of_a_name {
    ($own:ident) => {
        #[memscope::track]
        fn two_of_a_name() -> (Vec<u8>, String) {
            let $own = vec![1_u8];
            let v = String::from("a");
            std::hint::black_box(&$own);
            std::hint::black_box(&v);
            pair($own, v)
        }
    };
}

two_of_a_name!(v);

fn main() {
    assert_eq!(
        used_until_the_move(),
        [(1, vec![1]), (2, vec![2, 3]), (2, vec![4, 5]), (6, vec![6]), (1, vec![8]), (81, vec![9])]
    );
    assert_eq!(borrowed_until_the_end(vec![1]), 4);
    assert_eq!(partly_moved((vec![1], String::new())), [1]);
    assert_eq!(moved_again_and_again(2), [0, 0, 1]);
    assert_eq!(on_some_paths("3").unwrap(), [3, 3, 3]);
    assert_eq!(on_some_paths("0").unwrap(), [0]);
    assert!(on_some_paths("a").is_err());
    assert_eq!(shadowed(vec![1]), 1);
    assert_eq!(captured(), 3);
    let mut future = std::pin::pin!(in_a_future(vec![1], vec![]));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), std::task::Poll::Ready(vec![1]));
    assert_eq!(coerced(Box::new(12), vec![1])(), 3);
    assert_eq!(two_of_a_name(), (vec![1], "a".to_owned()));
}
