//! Async functions that are called in every way that there is.

use super::tasks::poll;
use std::future::Future;
use std::pin::{Pin, pin};

#[memscope::track]
async fn plain() {}

struct Greeter;

#[memscope::track]
impl Greeter {
    pub(crate) async fn method(&self, name: &str) -> usize
    where
        Self: Sized,
    {
        name.len()
    }
}

trait Greets {
    async fn greet(&self);

    async fn provided(&self) {
        self.greet().await;
    }
}

#[memscope::track]
impl Greets for Greeter {
    async fn greet(&self) {}
}

#[memscope::track]
trait Waves {
    async fn wave(&self) {}
}

impl Waves for Greeter {}

#[memscope::track]
#[must_use]
async fn has_another_attribute() -> u8 {
    1
}

#[memscope::track]
fn makes_a_block() -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async {})
}

#[memscope::track]
async fn ends_never() -> ! {
    std::future::pending().await
}

#[memscope::track]
async extern "Rust" fn has_an_abi() {}

#[memscope::track]
async fn takes(_: ()) {}

#[rustfmt::skip]
#[memscope::track]
pub(crate) async
fn
on_several_lines() {}

/// A function in a macro, whose signature ends in what the macro was given.
macro_rules! function {
    ($name:ident, $bound:ident) => {
        #[memscope::track]
        async fn $name<T>(_: T)
        where
            T: $bound,
        {
        }
    };
}

function!(made_by_a_macro, Copy);

type Unnamed = Pin<Box<dyn Future<Output = ()>>>;

/// Makes a future, and leaves it to others to poll.
#[memscope::track]
async fn maker(made: &mut Option<Unnamed>) {
    *made = Some(Box::pin(plain()));
}

async fn calls(function: impl AsyncFn(())) {
    function(()).await;
}

async fn calls_mutably(mut function: impl AsyncFnMut(())) {
    function(()).await;
}

async fn calls_once(function: impl AsyncFnOnce(())) {
    function(()).await;
}

fn run(future: impl Future) {
    let _ = poll(pin!(future));
}

/// Spawns each, with a line for each that says where, if that is to be known: [`crate::spawns`] looks for them here.
pub(super) fn spawns() {
    run(plain()); // known: plain
    run(Greeter.method("x")); // known: method
    run(Greeter.greet()); // known: greet
    run(Greeter.provided());
    run(Greeter.wave());
    assert!(poll(pin!(has_another_attribute())).is_ready());
    run(makes_a_block());
    run(ends_never());
    run(has_an_abi());
    let pointer: fn() -> _ = plain;
    run(pointer());
    std::iter::once(()).map(takes).for_each(run);
    for _ in 0..2 {
        run(plain()); // known: plain plain
    }
    let pointer: fn(u8) -> _ = made_by_a_macro;
    run(pointer(1));
    run(made_by_a_macro(2)); // known: made_by_a_macro
    let mut made = None;
    run(maker(&mut made)); // known: maker
    made.into_iter().for_each(run);
    run(calls(takes));
    run(calls_mutably(takes));
    run(calls_once(takes));
    let boxed: Box<dyn Fn(()) -> _> = Box::new(takes);
    run(boxed(()));
    std::iter::once(&Greeter).map(Greeter::greet).for_each(run);
    let pointer: fn(&'static Greeter) -> _ = Greeter::greet;
    run(pointer(&Greeter));
    let pointer: fn() -> _ = on_several_lines;
    run(pointer());
    run(on_several_lines()); // known: on_several_lines
    let pointer: fn() -> _ = has_another_attribute;
    assert!(poll(pin!(pointer())).is_ready());
}
