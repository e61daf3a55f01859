//! Functions that return futures, in whatever way.
#![deny(warnings)]
#![forbid(unsafe_code)]

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// As in the crate futures.
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait FutureExt: Future + Sized {
    fn boxed<'a>(self) -> BoxFuture<'a, Self::Output>
    where
        Self: Send + 'a,
    {
        Box::pin(self)
    }
}

impl<F: Future> FutureExt for F {}

#[memscope::track]
fn behind_a_variable(text: String) -> impl Future<Output = usize> {
    let length = text.len();
    let future = async move {
        let copy = text.clone();
        length + copy.len()
    };
    future
}

#[memscope::track]
fn behind_a_pinned_variable(text: &str) -> Pin<Box<dyn Future<Output = usize> + '_>> {
    let future: Pin<Box<dyn Future<Output = usize> + '_>> = Box::pin(async { text.len() });
    future
}

#[memscope::track]
fn pinned_variable(text: &str) -> Pin<Box<dyn Future<Output = Box<dyn Debug>> + Send + '_>> {
    let future = async move { Box::new(text.len()) as _ };
    return Box::pin(future);
}

#[memscope::track]
fn several(n: u8) -> BoxFuture<'static, Result<u8, String>> {
    if n == 0 {
        return Box::pin(async { Err("zero".to_owned()) });
    }
    match n {
        1 => async move { Ok(n) }.boxed(),
        2 => Box::pin(std::future::ready(Ok(20))),
        n => {
            let half = n / 2;
            Pin::from(Box::new(async move {
                let checked = half.checked_sub(1).ok_or("none")?;
                Ok(checked)
            }))
        }
    }
}

#[memscope::track]
fn as_it_is_named(n: u8) -> Pin<Box<dyn Future<Output = u8>>> {
    let future = n + 1;
    Box::pin(async move { future }) as Pin<Box<dyn Future<Output = u8>>>
}

struct Service {
    name: String,
}

#[memscope::track]
impl Service {
    fn call<'a>(&'a self, more: &'a str) -> BoxFuture<'a, String> {
        let name = self.name.clone();
        let future = async move { name + more };
        Box::pin(future)
    }

    async fn serve(&self) -> ! {
        loop {
            let name = self.name.clone();
            std::future::pending::<()>().await;
            drop(name);
        }
    }
}

#[memscope::track]
async fn ends_in_another(service: &Service) -> ! {
    let _name = service.name.clone();
    service.serve().await
}

#[memscope::track]
async fn panics() -> ! {
    panic!("as it is to")
}

fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    std::pin::pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn done<T>(future: impl Future<Output = T>) -> T {
    match poll(future) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!(),
    }
}

fn is_send<T: Send>(value: T) -> T {
    value
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    assert_eq!(done(is_send(behind_a_variable("ab".into()))), 4);
    assert_eq!(done(behind_a_pinned_variable("ab")), 2);
    assert_eq!(format!("{:?}", done(is_send(pinned_variable("ab")))), "2");
    assert_eq!(done(several(0)), Err("zero".to_owned()));
    assert_eq!([1, 2, 9].map(|n| done(several(n))), [Ok(1), Ok(20), Ok(3)]);
    assert_eq!(done(as_it_is_named(1)), 2);
    let service = Service { name: "a".to_owned() };
    assert_eq!(done(service.call("b")), "ab");
    assert!(poll(is_send(service.serve())).is_pending());
    assert!(poll(is_send(ends_in_another(&service))).is_pending());
    assert!(std::panic::catch_unwind(|| poll(panics())).is_err());
}
