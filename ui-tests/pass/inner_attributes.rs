//! Attributes in the braces of functions are theirs, whatever the hooks put around a body.
#![deny(unused_variables, unused_mut)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

#[memscope::track]
async fn plain(text: String) -> usize {
    #![allow(unused_variables)]
    //! It has words, too.
    #![cfg_attr(all(), allow(unused_mut))]
    let mut unused = text.clone();
    text.len()
}

#[memscope::track]
#[must_use]
async fn stays_async(text: String) -> usize {
    #![allow(unused_variables)]
    let unused = text.clone();
    text.len()
}

#[memscope::track]
fn not_async(text: &str) -> usize {
    #![allow(unused_variables)]
    let unused = text.to_owned();
    text.len()
}

struct Holder(String);

#[memscope::track]
impl Holder {
    #[cfg_attr(all(), doc = "Has an attribute under a condition.")]
    async fn length(&self) -> usize {
        #![allow(unused_variables)]
        let unused = self.0.clone();
        self.0.len()
    }

    async fn matches(&self) -> usize {
        #![allow(unused_variables)]
        match self.0.clone() {
            unused if unused.is_empty() => {}
            unused => {}
        }
        self.0.len()
    }
}

#[memscope::track]
fn gives_a_block(text: String) -> impl Future<Output = usize> {
    async move {
        #![allow(unused_variables)]
        let unused = text.clone();
        text.len()
    }
}

#[memscope::track]
fn gives_a_box(text: String) -> Pin<Box<dyn Future<Output = usize>>> {
    memscope::track_var!(let inner: Pin<Box<dyn Future<Output = usize>>> = Box::pin(async move {
        #![allow(unused_mut)]
        let mut length = text.len();
        length
    }));
    Box::pin(async {
        #![allow(unused_variables)]
        #![allow(unused_mut)]
        let mut unused = String::new();
        inner.await
    })
}

trait Measures {
    async fn provided(&self) -> usize;
}

#[memscope::track]
impl Measures for Holder {
    async fn provided(&self) -> usize {
        #![allow(unused_variables)]
        let unused = self.0.clone();
        self.0.len()
    }
}

#[memscope::track]
mod inner {
    #![allow(unused_variables)]

    pub(crate) async fn function() -> usize {
        #![allow(unused_mut)]
        let mut unused = String::from("x");
        1
    }
}

fn run(future: impl Future<Output = usize>) -> usize {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nothing is waited for"),
    }
}

fn main() {
    let holder = Holder("abc".to_owned());
    assert_eq!(run(plain("ab".to_owned())), 2);
    assert_eq!(run(stays_async("ab".to_owned())), 2);
    assert_eq!(not_async("ab"), 2);
    assert_eq!(run(gives_a_block("ab".to_owned())), 2);
    assert_eq!(run(gives_a_box("ab".to_owned())), 2);
    assert_eq!(run(holder.length()), 3);
    assert_eq!(run(holder.matches()), 3);
    assert_eq!(run(holder.provided()), 3);
    assert_eq!(run(inner::function()), 1);
}
