//! Functions whose return values are recorded, each left in every way.

use std::future::Future;
use std::panic::catch_unwind;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// How often each function is called.
pub(crate) const CALLS: u64 = 12;

macro_rules! bail {
    ($value:expr) => {
        return $value
    };
}

#[memscope::track(ret, vars = none)]
fn list(n: u64) -> Vec<u16> {
    let mut list = Vec::with_capacity(8);
    list.extend([1, 2]);
    match n % 4 {
        0 => return list,
        1 => bail!(list),
        2 => panic!("as it is to"),
        _ => list,
    }
}

#[memscope::track(ret)]
fn question_mark(text: &str) -> Option<Rc<u8>> {
    let number = text.parse().ok()?;
    Some(Rc::new(number))
}

#[memscope::track(ret)]
fn nothing() {}

#[memscope::track(ret)]
fn hidden(n: u64) -> impl FnOnce() -> u64 {
    if n == 0 {
        return Box::new(move || n) as Box<dyn FnOnce() -> u64>;
    }
    Box::new(move || n + 1)
}

#[memscope::track(ret)]
fn generic<T>(value: T) -> T {
    value
}

#[memscope::track(ret)]
async fn later(n: u64) -> Result<String, std::num::ParseIntError> {
    let text = n.to_string();
    if n.is_multiple_of(2) {
        "x".parse::<u64>()?;
    }
    Ok(text)
}

#[memscope::track(ret)]
async fn text() -> String {
    "abc".to_owned()
}

#[memscope::track(ret)]
fn in_a_destructor(fails: bool) -> u64 {
    assert!(!fails, "as it is to");
    7
}

struct CallsWhenDropped;

impl Drop for CallsWhenDropped {
    fn drop(&mut self) {
        in_a_destructor(false);
        assert!(catch_unwind(|| in_a_destructor(true)).is_err());
    }
}

fn poll<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!(),
    }
}

pub(super) fn returns() {
    std::panic::set_hook(Box::new(|_| {}));
    for n in 0..CALLS {
        let _ = catch_unwind(|| list(n));
        question_mark(if n % 3 == 0 { "x" } else { "7" });
        nothing();
        hidden(n)();
        generic(n);
        generic(n.to_string());
        let _ = poll(later(n));
        poll(text());
        drop(CallsWhenDropped);
        let unwound = catch_unwind(|| {
            let _calls = CallsWhenDropped;
            panic!("as it is to");
        });
        assert!(unwound.is_err());
    }
}
