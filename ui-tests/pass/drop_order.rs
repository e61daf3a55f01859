//! The same functions with and without the attribute: their drops and other effects come in the same order.
//!
//! Some of these orders differ between editions (temporaries in a block's last expression and in `if let`), so
//! that braces or tokens of another edition would show.

use std::cell::RefCell;
use std::future::Future;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

/// What happened, in order.
#[derive(Default)]
struct Log(RefCell<Vec<String>>);

impl Log {
    fn note(&self, what: &str) {
        self.0.borrow_mut().push(what.to_owned());
    }

    /// A value that notes its drop.
    fn value(&self, name: &'static str) -> Value<'_> {
        self.note(&format!("new {name}"));
        Value { name, log: self }
    }
}

struct Value<'a> {
    name: &'static str,
    log: &'a Log,
}

impl Drop for Value<'_> {
    fn drop(&mut self) {
        self.log.note(&format!("drop {}", self.name));
    }
}

impl<'a> Value<'a> {
    fn see(&self) -> usize {
        self.log.note(&format!("see {}", self.name));
        self.name.len()
    }

    fn some(&self) -> Option<usize> {
        Some(self.see())
    }

    fn renamed(self, name: &'static str) -> Value<'a> {
        self.log.value(name)
    }

    fn fail(&self) -> Result<Value<'a>, Value<'a>> {
        Err(self.log.value("error"))
    }
}

struct Pair<'a> {
    left: Value<'a>,
    right: Value<'a>,
}

struct Borrows<'a, 'b> {
    borrowed: &'b Value<'a>,
    #[allow(dead_code)]
    owned: Value<'a>,
}

/// Writes each function twice, and a list of both.
macro_rules! twice {
    ($(fn $name:ident<$lifetime:lifetime>($($arguments:tt)*) -> usize $body:tt)*) => {
        mod plain {
            #[allow(unused_imports)]
            use super::*;
            $(pub fn $name<$lifetime>($($arguments)*) -> usize $body)*
        }
        mod tracked {
            #[allow(unused_imports)]
            use super::*;
            $(#[memscope::track] pub fn $name<$lifetime>($($arguments)*) -> usize $body)*
        }
        const FUNCTIONS: &[(&str, [for<'a> fn(&'a Log, Value<'a>, Pair<'a>) -> usize; 2])] =
            &[$((stringify!($name), [plain::$name, tracked::$name])),*];
    };
}

#[allow(unused_variables, unused_assignments, unused_mut, unused_unsafe)]
mod functions {
    use super::*;

    twice! {
        fn locals<'a>(log: &'a Log, a: Value<'a>, pair: Pair<'a>) -> usize {
            let b = log.value("b");
            let c = log.value("c");
            b.see() + c.see()
        }

        fn arguments<'a>(log: &'a Log, _: Value<'a>, Pair { left, right: _ }: Pair<'a>) -> usize {
            let b = log.value("b");
            left.see()
        }

        fn argument_patterns<'a>(log: &'a Log, mut a: Value<'a>, Pair { ref left, right }: Pair<'a>) -> usize {
            a = log.value("assigned");
            left.see() + right.see()
        }

        fn temporaries_in_the_last_expression<'a>(log: &'a Log, a: Value<'a>, _pair: Pair<'a>) -> usize {
            let b = log.value("b");
            log.value("temporary").see() + b.see()
        }

        fn temporaries_in_a_block<'a>(log: &'a Log, a: Value<'a>, _pair: Pair<'a>) -> usize {
            let n = {
                let b = log.value("b");
                log.value("temporary").see()
            };
            let c = log.value("c");
            match log.value("scrutinee").see() {
                0 => 0,
                m => { let d = log.value("d"); n + m }
            }
        }

        fn temporaries_in_if_let<'a>(log: &'a Log, a: Value<'a>, _pair: Pair<'a>) -> usize {
            let n = if let Some(0) = log.value("condition").some() {
                let b = log.value("b");
                1
            } else {
                let c = log.value("c");
                2
            };
            if let Some(m) = log.value("last").some() { let d = log.value("d"); n + m } else { n }
        }

        fn extended_temporaries<'a>(log: &'a Log, a: Value<'a>, _pair: Pair<'a>) -> usize {
            let b = &log.value("extended");
            let c = Borrows { borrowed: &log.value("in a struct"), owned: log.value("owned") };
            let (d, e) = (&log.value("in a tuple"), log.value("beside it"));
            let f = if b.see() > 0 { &log.value("in a branch") } else { b };
            let Borrows { borrowed, .. } = &c;
            b.see() + borrowed.see() + d.see() + f.see()
        }

        fn early_return<'a>(log: &'a Log, a: Value<'a>, pair: Pair<'a>) -> usize {
            let b = log.value("b");
            if b.see() > 0 {
                let c = log.value("c");
                return c.see() + pair.left.see();
            }
            let d = log.value("d");
            d.see()
        }

        fn question_mark<'a>(log: &'a Log, a: Value<'a>, pair: Pair<'a>) -> usize {
            fn inner<'a>(log: &'a Log, a: Value<'a>) -> Result<usize, Value<'a>> {
                let b = log.value("b");
                let c = log.value("temporary").fail()?;
                let d = log.value("d");
                Ok(d.see())
            }
            let result = inner(log, a).map_err(|error| error.renamed("renamed"));
            let closure = |v: Value<'a>| {
                let e = v.fail()?;
                Ok::<_, Value<'a>>(e.see())
            };
            let second = closure(pair.right);
            result.is_err() as usize + second.is_ok() as usize
        }

        fn breaks<'a>(log: &'a Log, a: Value<'a>, _pair: Pair<'a>) -> usize {
            let found = 'outer: loop {
                let b = log.value("b");
                for i in 0..4 {
                    let c = log.value("c");
                    if i == 0 { continue; }
                    let d = log.value("d");
                    if i == 1 { break 'outer log.value("broken out"); }
                }
            };
            let block = 'block: {
                let e = log.value("e");
                if e.see() > 0 { break 'block log.value("from the block").see(); }
                0
            };
            found.see() + block
        }

        fn moves<'a>(log: &'a Log, a: Value<'a>, pair: Pair<'a>) -> usize {
            let b = a;
            let c = Some(b);
            let Pair { left, right } = pair;
            let d = (c, left);
            let (e, _) = d;
            let f = move || { let inside = right; inside.see() };
            let n = f();
            let g = log.value("overwritten");
            drop(e);
            let g = g.renamed("shadowed");
            n + g.see()
        }

        fn partial_moves<'a>(log: &'a Log, a: Value<'a>, pair: Pair<'a>) -> usize {
            let whole = Pair { left: a, right: log.value("right") };
            let left = whole.left;
            let (x, y, _) = (log.value("x"), log.value("y"), log.value("z"));
            let (ref kept, moved) = (log.value("kept"), log.value("moved"));
            left.see() + kept.see()
        }

        fn let_else<'a>(log: &'a Log, a: Value<'a>, _pair: Pair<'a>) -> usize {
            let Some(b) = Some(log.value("b")) else { unreachable!() };
            let Some(n) = log.value("temporary").some() else { return 0 };
            let (Ok(c) | Err(c)) = log.value("source").fail();
            let Ok(d) = a.fail() else {
                let e = log.value("in else");
                return b.see() + n;
            };
            d.see()
        }

        fn ignored<'a>(log: &'a Log, a: Value<'a>, _pair: Pair<'a>) -> usize {
            let _ = log.value("dropped at once");
            let _b = log.value("dropped at the end");
            let _ = a;
            let late;
            let c = log.value("c");
            late = log.value("late");
            let mut replaced = log.value("replaced");
            replaced = log.value("replacement");
            c.see()
        }

        fn panics<'a>(log: &'a Log, a: Value<'a>, pair: Pair<'a>) -> usize {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let b = log.value("b");
                let c = log.value("c");
                let n: usize = if c.see() > 0 { std::panic::resume_unwind(Box::new(())) } else { 1 };
                n
            }));
            let d = log.value("d");
            outcome.is_err() as usize + a.see()
        }

        fn futures<'a>(log: &'a Log, a: Value<'a>, pair: Pair<'a>) -> usize {
            let future = async move {
                let b = log.value("b");
                std::future::ready(()).await;
                let c = log.value("c");
                log.value("temporary").see() + a.see()
            };
            let never = async move {
                let d = pair.left;
                std::future::pending::<()>().await;
                let e = log.value("never");
            };
            let mut context = Context::from_waker(Waker::noop());
            let ready = pin!(future).poll(&mut context).is_ready();
            let waits = pin!(never).poll(&mut context).is_pending();
            ready as usize + waits as usize
        }

        fn closures<'a>(log: &'a Log, a: Value<'a>, _pair: Pair<'a>) -> usize {
            let results = ["x", "y", "z"].map(|name| { let v = log.value(name); v.see() });
            let flow = results.iter().try_for_each(|n| {
                let v = log.value("step");
                if *n == 1 { ControlFlow::Break(v) } else { ControlFlow::Continue(()) }
            });
            let by_move = move || a;
            let b = by_move();
            b.see() + results.len()
        }

        fn unsafe_and_loops<'a>(log: &'a Log, a: Value<'a>, _pair: Pair<'a>) -> usize {
            let mut list = unsafe { let b = log.value("b"); vec![b] };
            while list.len() < 3 { let c = log.value("c"); list.push(c); }
            for v in list.drain(..1) { let d = v; d.see(); }
            list.into_iter().rev().map(|v| { let e = v; e.see() }).sum()
        }
    }

    pub fn compare_all() {
        for (name, [plain, tracked]) in FUNCTIONS {
            let [plain, tracked] = [plain, tracked].map(|function| {
                let log = Log::default();
                let pair = Pair { left: log.value("left"), right: log.value("right") };
                let result = function(&log, log.value("a"), pair);
                log.note(&format!("result {result}"));
                log.0.into_inner()
            });
            assert!(plain.iter().filter(|what| what.starts_with("drop")).count() >= 3, "{plain:?}");
            assert_eq!(plain, tracked, "{name}");
        }
    }
}

fn main() {
    functions::compare_all();
}
