//! Async functions drop their arguments in the order in which they would without the attribute, whatever the patterns leave
//! unbound: also when they are dropped before their end, or before they are polled.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static LOG: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

struct Noisy(&'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        LOG.with_borrow_mut(|log| log.push(self.0));
    }
}

struct Pair {
    left: Noisy,
    right: Noisy,
}

struct Unit;

impl Drop for Unit {
    fn drop(&mut self) {
        LOG.with_borrow_mut(|log| log.push("unit"));
    }
}

struct Twice(bool);

impl Future for Twice {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

type Boxed = Pin<Box<dyn Future<Output = Option<Noisy>>>>;

fn see<T>(_: &T) {}

/// Writes methods twice, those without the attribute and those with it, and lists both. Each takes the same arguments.
macro_rules! twice {
    ($(async fn $name:ident($($arguments:tt)*) -> Option<Noisy> $body:tt)*) => {
        mod plain {
            use super::*;
            pub struct This(pub Noisy, pub Noisy);
            impl This {
                $(pub async fn $name($($arguments)*) -> Option<Noisy> $body)*
            }
        }
        mod tracked {
            use super::*;
            pub struct This(pub Noisy, pub Noisy);
            impl This {
                $(#[memscope::track] pub async fn $name($($arguments)*) -> Option<Noisy> $body)*
            }
        }
        mod selfless {
            use super::*;
            pub struct This(pub Noisy, pub Noisy);
            #[memscope::track(args = none)]
            impl This {
                $(pub async fn $name($($arguments)*) -> Option<Noisy> $body)*
            }
        }
        const METHODS: &[(&str, [fn() -> Boxed; 3])] = &[$((
            stringify!($name),
            [
                || call!(plain::$name),
                || call!(tracked::$name),
                || call!(selfless::$name),
            ],
        )),*];
    };
}

macro_rules! call {
    ($module:ident :: $name:ident) => {{
        let this = $module::This(Noisy("self.0"), Noisy("self.1"));
        let pair = Pair { left: Noisy("left"), right: Noisy("right") };
        Box::pin(this.$name(Noisy("a"), Noisy("b"), (Noisy("c.0"), Noisy("c.1")), pair, Unit, Noisy("z")))
    }};
}

#[deny(unused, clippy::all)]
#[allow(dead_code)]
mod methods {
    use super::*;

    twice! {
        async fn names(self, a: Noisy, mut b: Noisy, c: (Noisy, Noisy), pair: Pair, unit: Unit, z: Noisy) -> Option<Noisy> {
            let x = Noisy("x");
            Twice(false).await;
            b.0 = "changed";
            see(&(&self.0, &a, &c, &pair.left, &unit, &z));
            drop(x);
            Some(pair.right)
        }

        async fn unbound(self, a: Noisy, _: Noisy, (c, _): (Noisy, Noisy), Pair { left, .. }: Pair, _: Unit, z: Noisy) -> Option<Noisy> {
            let _x = Noisy("x");
            Twice(false).await;
            see(&(&a, &c, &left));
            Twice(false).await;
            Some(z)
        }

        async fn by_reference(self, a: Noisy, ref b: Noisy, (ref mut c, d): (Noisy, Noisy), Pair { left, ref right }: Pair, ref unit: Unit, z: Noisy) -> Option<Noisy> {
            Twice(false).await;
            c.0 = b.0;
            see(&(a, d, left, right, unit));
            Twice(false).await;
            Some(z)
        }

        async fn part_of_self(self, _: Noisy, b: Noisy, (_, mut c): (Noisy, Noisy), _: Pair, _: Unit, _z: Noisy) -> Option<Noisy> {
            let y = Noisy("y");
            Twice(false).await;
            c.0 = y.0;
            see(&(&b, &c));
            Some(self.1)
        }

        async fn borrowed_part_of_self(self, _: Noisy, _b: Noisy, _: (Noisy, Noisy), _: Pair, _: Unit, _: Noisy) -> Option<Noisy> {
            Twice(false).await;
            see(&self.1);
            None
        }

        async fn with_attributes(self, #[allow(unused_variables)] a: Noisy, #[cfg(any())] _: u8, #[cfg(all())] _: Noisy, #[expect(unused_variables)] (c, _): (Noisy, Noisy), #[expect(unused_mut)] Pair { mut left, .. }: Pair, _: Unit, z: Noisy) -> Option<Noisy> {
            see(&left);
            Twice(false).await;
            if left.0 == "left" { return Some(z); }
            None
        }
    }

    /// What is dropped by a future that is polled so many times.
    fn dropped(start: fn() -> Boxed, polls: usize) -> Vec<&'static str> {
        let mut future = start();
        for _ in 0..polls {
            let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(given) = polled {
                LOG.with_borrow_mut(|log| log.push("gives"));
                drop(given);
                break;
            }
        }
        LOG.with_borrow_mut(|log| log.push("let go"));
        drop(future);
        LOG.take()
    }

    pub fn compare_all() {
        for (name, [plain, tracked, without_arguments]) in METHODS {
            for polls in 0..4 {
                let expected = dropped(*plain, polls);
                assert!(expected.len() > 8, "{name}: {expected:?}");
                assert_eq!(expected.contains(&"gives"), polls == 3 || polls == 2 && name_awaits_once(name));
                assert_eq!(dropped(*tracked, polls), expected, "{name}, {polls} polls");
                assert_eq!(dropped(*without_arguments, polls), expected, "{name}, {polls} polls");
            }
        }
    }

    fn name_awaits_once(name: &str) -> bool {
        !matches!(name, "unbound" | "by_reference")
    }
}

fn main() {
    methods::compare_all();
}
