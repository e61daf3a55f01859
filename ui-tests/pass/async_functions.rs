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
    // Dropped before its end, at the first await.
    drop(plain("ab".into(), "c"));
}
