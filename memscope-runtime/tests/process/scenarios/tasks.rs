//! Functions that call each other, and futures on an executor written by hand.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

#[memscope::track]
fn caller(inner: fn()) {
    inner();
}

#[memscope::track]
fn leaf() {}

#[memscope::track]
fn fails() {
    panic!("as it is to");
}

/// Its drop calls what returns and what unwinds, and polls a future of each.
struct CallsWhenDropped;

impl Drop for CallsWhenDropped {
    fn drop(&mut self) {
        leaf();
        let _ = catch_unwind(fails);
        assert!(poll(pin!(returns_at_once())).is_ready());
        let _ = catch_unwind(|| poll(pin!(fails_at_once())));
    }
}

#[memscope::track]
async fn returns_at_once() {}

#[memscope::track]
async fn fails_at_once() {
    panic!("as it is to");
}

/// Calls that begin while their thread unwinds.
pub(super) fn calls_unwinding() {
    std::panic::set_hook(Box::new(|_| {}));
    let unwound = catch_unwind(|| {
        let _calls = CallsWhenDropped;
        panic!("as it is to");
    });
    assert!(unwound.is_err());
}

pub(super) fn calls() {
    std::panic::set_hook(Box::new(|_| {}));
    caller(leaf);
    let _ = catch_unwind(|| caller(fails));
    leaf();
}

/// Is not ready the first time.
#[derive(Default)]
pub(super) struct Later(bool);

impl Future for Later {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[memscope::track]
async fn inner(text: String) -> usize {
    Later::default().await;
    text.len()
}

#[memscope::track]
async fn outer() -> Result<usize, Box<dyn std::error::Error>> {
    let len = inner("12".to_owned()).await;
    Later::default().await;
    Ok(len + "3".parse::<usize>()?)
}

#[memscope::track]
async fn dropped() {
    let held = vec![1];
    Later::default().await;
    drop(held);
}

#[memscope::track]
async fn fails_later() {
    Later::default().await;
    panic!("as it is to");
}

#[memscope::track]
fn returns_a_box() -> Pin<Box<dyn Future<Output = &'static str> + Send>> {
    Box::pin(async { "x" })
}

#[memscope::track]
fn returns_a_variable(n: u8) -> Pin<Box<dyn Future<Output = u8>>> {
    let future = async move {
        Later::default().await;
        n
    };
    Box::pin(future)
}

#[memscope::track]
fn returns_one_of_several(n: u8) -> impl Future<Output = u8> {
    if n == 0 {
        return Box::pin(async { 1 }) as Pin<Box<dyn Future<Output = u8>>>;
    }
    match n {
        1 => Box::pin(async move { n }),
        n => Box::pin(std::future::ready(n)),
    }
}

#[memscope::track]
async fn never_ends() -> ! {
    loop {
        Later::default().await;
    }
}

/// Polls what has ended.
pub(super) fn polled_again() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut returned = Box::pin(returns_at_once());
    assert!(poll(returned.as_mut()).is_ready());
    let mut unwound = Box::pin(fails_at_once());
    for _ in 0..2 {
        assert!(catch_unwind(AssertUnwindSafe(|| poll(unwound.as_mut()))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| poll(returned.as_mut()))).is_err());
    }
}

/// Functions that give futures in roundabout ways.
pub(super) fn futures() {
    let mut future = returns_a_variable(1);
    assert!(poll(future.as_mut()).is_pending());
    assert!(poll(future.as_mut()).is_ready());
    (0..3).for_each(|n| assert!(poll(pin!(returns_one_of_several(n)).as_mut()).is_ready()));
    let mut future = pin!(never_ends());
    (0..2).for_each(|_| assert!(poll(future.as_mut()).is_pending()));
}

pub(super) fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

pub(super) fn tasks() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut future = pin!(outer_that_moves());
    assert!(poll(future.as_mut()).is_pending());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(poll(future.as_mut()).is_pending());
            assert!(poll(future.as_mut()).is_ready());
        });
    });
    {
        let mut future = pin!(dropped());
        assert!(poll(future.as_mut()).is_pending());
    }
    let mut future = Box::pin(fails_later());
    assert!(poll(future.as_mut()).is_pending());
    let unwound = catch_unwind(AssertUnwindSafe(|| poll(future.as_mut())));
    assert!(unwound.is_err());
    assert!(poll(returns_a_box().as_mut()).is_ready());
}

/// The first, as it is polled: on two threads.
async fn outer_that_moves() {
    assert_eq!(outer().await.map_err(|_| ()), Ok(5));
}

#[memscope::track]
async fn named_by_tokio() -> Option<tokio::task::Id> {
    within().await;
    tokio::task::try_id()
}

#[memscope::track]
async fn within() {
    tokio::task::yield_now().await;
}

/// Tasks that tokio runs, and one that it only waits for; prints what the former are called.
pub(super) fn tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let tasks = [tokio::spawn(named_by_tokio()), tokio::spawn(named_by_tokio())];
        for (n, task) in tasks.into_iter().enumerate() {
            println!("id{n} {}", task.await.unwrap().unwrap());
        }
        assert_eq!(named_by_tokio().await, None);
    });
}
