//! Return values of every form of function: `ret` takes no part in inference, borrows or the order of drops.
#![deny(warnings)]
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

macro_rules! bail {
    ($value:expr) => {
        return $value
    };
}

#[memscope::track(ret)]
fn unit(_text: String) {}

#[memscope::track(ret)]
fn written_unit(early: bool) -> () {
    if early {
        return;
    }
    drop(early.then(String::new))
}

#[memscope::track(ret)]
fn number(limit: u32) -> u32 {
    for i in 0..limit {
        if i > 3 {
            return i;
        }
    }
    limit + 1
}

#[memscope::track(ret)]
fn inferred(early: bool) -> Vec<String> {
    if early {
        return Vec::new();
    }
    let mut all = Default::default();
    if !early {
        all = ["a", "b"].into_iter().map(Into::into).collect();
    }
    all
}

#[memscope::track(ret)]
fn coerced(kind: u8) -> Box<dyn Debug> {
    match kind {
        0 => return Box::new(1),
        1 => Box::new("text"),
        2 => {
            let text = kind.to_string();
            Box::new(text)
        }
        _ => bail!(Box::new(())),
    }
}

#[memscope::track(ret)]
fn closures(double: bool) -> Box<dyn Fn(usize) -> usize> {
    if double { Box::new(|n| n * 2) } else { Box::new(|n| n.count_ones() as usize) }
}

#[memscope::track(ret)]
fn an_impl(double: bool) -> impl Fn(&str) -> usize + Clone {
    move |text| {
        if double {
            return text.len() * 2;
        }
        text.len()
    }
}

#[memscope::track(ret)]
fn an_iterator<'a>(text: &'a str, all: &mut Vec<&'a str>) -> impl Iterator<Item = &'a str> + use<'a> {
    if text.is_empty() {
        return "x".split(' ');
    }
    all.push(text);
    text.split(' ')
}

#[memscope::track(ret)]
fn a_debug_list(n: u8) -> Result<impl IntoIterator<Item = impl Debug>, std::num::ParseIntError> {
    let parsed: u8 = n.to_string().parse()?;
    Ok(vec![parsed])
}

#[memscope::track(ret)]
fn fallible(text: &str) -> Result<Vec<i32>, Box<dyn std::error::Error>> {
    let first = text.chars().next().ok_or("empty")?;
    if first == 'x' {
        Err("x")?
    }
    let all: Result<_, _> = text.split(' ').map(str::parse).collect();
    Ok(all?)
}

#[memscope::track(ret)]
fn optional(text: Option<&str>) -> Option<&str> {
    let text = text?;
    text.strip_prefix("a")
}

#[memscope::track(ret)]
fn borrowed<'a>(map: &'a mut HashMap<u8, String>, key: u8) -> &'a mut String {
    if key == 0 {
        return map.entry(key).or_default();
    }
    let slot = map.entry(key).or_insert_with(|| key.to_string());
    slot.push('!');
    slot
}

#[memscope::track(ret)]
fn reborrowed(all: &mut Vec<u8>) -> &mut [u8] {
    all.push(1);
    all
}

#[memscope::track(ret)]
fn generic<T: Clone + Display, const N: usize>(value: &T) -> [T; N] {
    std::array::from_fn(|_| value.clone())
}

#[memscope::track(ret)]
fn itself<T>(value: T) -> T {
    let moved = value;
    moved
}

#[memscope::track(ret)]
fn labelled(limit: usize) -> String {
    'out: {
        for i in 0..limit {
            if i == 2 {
                break 'out i.to_string();
            }
        }
        let found = loop {
            if limit > 100 {
                return "many".into();
            }
            break "few";
        };
        found.to_owned()
    }
}

#[memscope::track(ret)]
fn never_by_itself(n: u8) -> Vec<u8> {
    loop {
        if n > 1 {
            return vec![n];
        }
        if n == 1 {
            bail!(vec![]);
        }
        panic!("zero");
    }
}

#[memscope::track(ret)]
fn of_a_macro(n: usize) -> Vec<usize> {
    vec![n; n]
}

#[memscope::track(ret)]
fn of_a_macro_in_braces(n: usize) -> Vec<usize> {
    vec! { n; n }
}

#[memscope::track(ret)]
fn with_attribute(n: usize) -> Vec<usize> {
    #[allow(clippy::match_single_binding)]
    match n {
        n => vec![n],
    }
}

#[memscope::track(ret)]
fn temporary(cell: &std::cell::RefCell<Vec<String>>) -> usize {
    let guard = String::new();
    cell.borrow().len() + guard.len()
}

#[memscope::track(ret)]
fn temporary_in_a_container(cell: &std::sync::Mutex<Vec<String>>) -> Vec<String> {
    let extra = String::from("x");
    match cell.lock().unwrap().first() {
        Some(first) => vec![first.clone(), extra],
        None => vec![extra],
    }
}

#[memscope::track(ret)]
fn late(all: &[u8]) -> Option<Box<[u8]>> {
    let mut best = None;
    for part in all.chunks(2) {
        best = Some(part.into());
    }
    best
}

#[memscope::track(ret)]
fn function_pointer(up: bool) -> fn(u8) -> u8 {
    if up { |n| n + 1 } else { |n| n - 1 }
}

struct Store {
    names: Vec<String>,
}

#[memscope::track(ret)]
impl Store {
    fn new(names: &[&str]) -> Self {
        Self { names: names.iter().map(|&name| name.to_owned()).collect() }
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn take(self) -> Vec<String> {
        let Self { names } = self;
        names
    }

    fn fails(&self) -> ! {
        panic!("{}", self.names.len())
    }
}

#[memscope::track(ret)]
trait Named {
    type Name: From<&'static str>;

    fn name(&self) -> Self::Name {
        "unnamed".into()
    }
}

impl Named for Store {
    type Name = String;
}

#[memscope::track(ret)]
async fn asynchronous(text: &str) -> Result<Vec<u8>, std::num::ParseIntError> {
    let first: u8 = text.parse()?;
    if first == 0 {
        return Ok(Vec::new());
    }
    Ok(vec![first])
}

#[memscope::track(ret)]
async fn asynchronous_unit() {}

#[memscope::track(ret)]
async fn asynchronous_impl(n: u8) -> impl Debug {
    if n == 0 {
        return vec![1];
    }
    vec![n]
}

#[memscope::track(ret)]
fn a_future(n: u8) -> impl Future<Output = Vec<u8>> + Send {
    let twice = n * 2;
    async move { vec![n, twice] }
}

#[memscope::track(ret)]
fn a_boxed_future<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Box<dyn Debug>> + Send + 'a>> {
    Box::pin(async move { Box::new(text.len()) as Box<dyn Debug> })
}

#[memscope::track(ret)]
fn others_future(n: u8) -> Pin<Box<dyn Future<Output = Vec<u8>> + Send>> {
    let future = a_future(n);
    Box::pin(future)
}

fn done<T>(future: impl Future<Output = T> + Send) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!(),
    }
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    unit(String::new());
    written_unit(true);
    written_unit(false);
    assert_eq!((number(2), number(9)), (3, 4));
    assert_eq!((inferred(true).len(), inferred(false).len()), (0, 2));
    assert_eq!(
        [0, 1, 2, 3].map(|kind| format!("{:?}", coerced(kind))),
        ["1", "\"text\"", "\"2\"", "()"]
    );
    assert_eq!((closures(true)(3), closures(false)(3)), (6, 2));
    assert_eq!((an_impl(true)("a"), an_impl(false).clone()("a")), (2, 1));
    let mut all = Vec::new();
    assert_eq!(an_iterator("a b", &mut all).count() + an_iterator("", &mut all).count(), 3);
    assert_eq!(format!("{:?}", a_debug_list(3).unwrap().into_iter().next()), "Some(3)");
    assert_eq!(fallible("1 2").unwrap(), [1, 2]);
    assert!(["", "x", "1 y"].iter().all(|text| fallible(text).is_err()));
    assert_eq!([optional(None), optional(Some("ab")), optional(Some("b"))], [None, Some("b"), None]);
    let mut map = HashMap::new();
    assert_eq!((borrowed(&mut map, 0).len(), borrowed(&mut map, 7).as_str()), (0, "7!"));
    assert_eq!(reborrowed(&mut vec![0]), [0, 1]);
    assert_eq!(generic::<_, 2>(&"x"), ["x", "x"]);
    assert_eq!(itself("x".to_owned()), "x");
    assert_eq!([1, 3, 101].map(labelled), ["few", "2", "2"]);
    assert_eq!((never_by_itself(2), never_by_itself(1)), (vec![2], vec![]));
    assert!(std::panic::catch_unwind(|| never_by_itself(0)).is_err());
    assert_eq!((of_a_macro(2), of_a_macro_in_braces(1)), (vec![2, 2], vec![1]));
    assert_eq!(with_attribute(1), [1]);
    assert_eq!(temporary(&Default::default()), 0);
    assert_eq!(temporary_in_a_container(&Default::default()), ["x"]);
    assert_eq!(late(&[1, 2, 3]).unwrap().len(), 1);
    assert_eq!((function_pointer(true)(1), function_pointer(false)(1)), (2, 0));
    let store = Store::new(&["a"]);
    assert_eq!((store.names().len(), store.name().len()), (1, 7));
    let fails = std::panic::AssertUnwindSafe(|| store.fails());
    assert!(std::panic::catch_unwind(fails).is_err());
    assert_eq!(store.take(), ["a"]);
    assert_eq!(done(asynchronous("7")), Ok(vec![7]));
    assert_eq!(done(asynchronous("0")), Ok(vec![]));
    assert!(done(asynchronous("x")).is_err());
    done(asynchronous_unit());
    assert_eq!(format!("{:?}{:?}", done(asynchronous_impl(0)), done(asynchronous_impl(2))), "[1][2]");
    assert_eq!(done(a_future(2)), [2, 4]);
    assert_eq!(format!("{:?}", done(a_boxed_future("ab"))), "2");
    assert_eq!(done(others_future(2)), [2, 4]);
}
