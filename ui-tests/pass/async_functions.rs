//! Futures stay what they were: `Send`, `Sync`, `Unpin` where they can be, and as long-lived as their arguments.

use std::future::{self, Future};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

#[memscope::track]
async fn plain(text: String, other: &str) -> usize {
    let joined = text + other;
    future::ready(()).await;
    let copy = joined.clone();
    future::ready(()).await;
    joined.len() + copy.len()
}

#[memscope::track]
fn returns_a_block(text: String) -> impl Future<Output = Result<usize, String>> + Send {
    async move {
        let copy = text.clone();
        future::ready(()).await;
        let length = if copy.is_empty() { Err(text)? } else { copy.len() };
        Ok(length)
    }
}

#[memscope::track]
fn returns_a_box<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = String> + Send + 'a>> {
    let owned = text.to_owned();
    Box::pin(async move {
        let copy = owned.clone();
        future::ready(()).await;
        copy
    })
}

#[memscope::track]
async fn recursive(depth: u32) -> String {
    if depth == 0 {
        return String::new();
    }
    let inner = Box::pin(recursive(depth - 1));
    let text = inner.await;
    text + "x"
}

#[memscope::track]
async fn calls_async_closures(text: String) -> usize {
    let measure = async |more: &str| {
        let joined = text.clone() + more;
        future::ready(()).await;
        joined.len()
    };
    let once = measure("1").await;
    once + measure("22").await
}

struct Holder(String);

impl Holder {
    #[memscope::track]
    async fn borrowed(&mut self, more: String) -> &str {
        let joined = self.0.clone() + &more;
        future::ready(()).await;
        self.0 = joined;
        &self.0
    }
}

struct Lent<'a>(&'a str);

#[memscope::track]
impl<'a> Lent<'a> {
    async fn shared<const N: usize>(&self, more: &[u8; N]) -> (&'a str, usize) {
        future::ready(()).await;
        (self.0, more.len())
    }
}

/// A lifetime that nobody names is captured, too.
#[memscope::track]
async fn hidden(lent: Lent<'_>, twice: impl Fn(&str) -> String) -> String {
    twice(lent.0)
}

#[memscope::track]
async fn given_back<T>(text: &T) -> Result<impl Iterator<Item = char> + use<'_, T>, String>
where
    T: AsRef<str>,
{
    let count = text.as_ref().len();
    future::ready(()).await;
    if count == 0 {
        Err("nothing")?;
    }
    Ok(text.as_ref().chars())
}

trait Reads {
    async fn read(&self, at: &usize) -> Option<&str>;
    fn send(&self) -> impl Future<Output = usize> + Send;
}

impl Reads for Vec<String> {
    #[memscope::track]
    async fn read(&self, at: &usize) -> Option<&str> {
        self.get(*at).map(String::as_str)
    }

    #[memscope::track]
    async fn send(&self) -> usize {
        self.len()
    }
}

#[memscope::track]
async unsafe fn is_unsafe(pointer: *const u8) -> u8 {
    // SAFETY: the caller says so.
    unsafe { *pointer }
}

async fn calls(function: impl AsyncFn(&str) -> usize) -> usize {
    function("abc").await + function("d").await
}

#[memscope::track]
async fn counts(text: &str) -> usize {
    text.len()
}

/// The panics of the body are its own, wherever it is called.
#[memscope::track]
async fn panics() {
    None::<u8>.unwrap();
}

fn stays_shareable<F: Future + Send + Sync>(future: F) -> F {
    future
}

fn finish<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn main() {
    assert_eq!(finish(stays_shareable(plain("ab".into(), "c"))), 6);
    assert_eq!(finish(stays_shareable(returns_a_block("abc".into()))), Ok(3));
    assert_eq!(finish(returns_a_block(String::new())), Err(String::new()));
    assert_eq!(finish(returns_a_box("abc")), "abc");
    assert_eq!(finish(stays_shareable(calls_async_closures("ab".into()))), 7);
    assert_eq!(finish(recursive(3)), "xxx");
    assert_eq!(finish(Holder("a".into()).borrowed("b".into())), "ab");
    assert_eq!(finish(Lent("a").shared(&[1, 2])), ("a", 2));
    assert_eq!(finish(stays_shareable(hidden(Lent("a"), |text| text.repeat(2)))), "aa");
    assert_eq!(finish(given_back(&"ab")).map(Iterator::count), Ok(2));
    assert_eq!(finish(given_back(&String::new())).map(Iterator::count), Err("nothing".into()));
    let lines = vec![String::from("x")];
    assert_eq!(finish(lines.read(&0)), Some("x"));
    assert_eq!(finish(stays_shareable(lines.send())), 1);
    // SAFETY: it points to a number.
    assert_eq!(finish(unsafe { is_unsafe(&7) }), 7);
    assert_eq!(finish(calls(counts)), 4);
    std::panic::set_hook(Box::new(|info| {
        let line =
            include_str!("async_functions.rs").lines().position(|line| line.contains("unwrap();"));
        assert_eq!(info.location().unwrap().line() as usize, line.unwrap() + 1);
    }));
    assert!(std::panic::catch_unwind(|| finish(panics())).is_err());
    // Dropped before its end, at the first await.
    drop(plain("ab".into(), "c"));
}
