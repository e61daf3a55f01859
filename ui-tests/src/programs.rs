//! Random functions, each written twice: as it is, and with the attribute. What they do must be the same.
//!
//! A function makes, moves, shows, replaces and drops values that note all of it in a trace. Which branch is taken is
//! decided by a counter, which both versions count alike. Only variables of the innermost block are moved, so that every
//! program passes the borrow checker. Declarations that `track_var!` is to stand around are marked, and it is left out of the
//! functions as they are.

mod body;

use body::Body;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Functions of a program.
const FUNCTIONS: usize = 20;

/// What a program is made from.
#[derive(Debug, Clone, Copy)]
struct Seed(u64);

impl Seed {
    /// Returns a number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        // splitmix64, https://prng.di.unimi.it/splitmix64.c
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % bound as u64) as usize
    }
}

/// Writes a program for each seed, or for those in `MEMSCOPE_SEED`, which has spaces between them, into a folder; returns their
/// files.
///
/// # Panics
///
/// If a file cannot be written, or the variable has what is no number.
#[must_use]
#[expect(clippy::unwrap_used, reason = "only tests call it")]
pub fn programs(seeds: &[u64], folder: &Path) -> Vec<PathBuf> {
    let others = std::env::var("MEMSCOPE_SEED")
        .map(|seeds| seeds.split_whitespace().map(|seed| seed.parse().unwrap()).collect());
    let written = |seed: u64| {
        let path = folder.join(format!("seed_{seed}.rs"));
        std::fs::write(&path, program(seed)).unwrap();
        path
    };
    others.unwrap_or_else(|_| seeds.to_vec()).into_iter().map(written).collect()
}

/// Writes a program that runs functions with and without the attribute, and fails where the traces differ.
fn program(number: u64) -> String {
    let mut seed = Seed(number);
    let functions: Vec<Function> = (0..FUNCTIONS).map(|_| Function::random(&mut seed)).collect();
    let mut text = format!("{PRELUDE}\n");
    for (module, whole, attribute) in [
        ("plain", "", ""),
        ("tracked", "", "#[memscope::track]"),
        ("within", "#[memscope::track]", ""),
        ("returns", "", "#[memscope::track(ret)]"),
        ("sampled", "", "#[memscope::track(ret, deep, sample = 1/3)]"),
    ] {
        let _ = writeln!(text, "{whole}\nmod {module} {{\n    use super::*;");
        for (number, function) in functions.iter().enumerate() {
            let written = function.written(&format!("{module}_{number}"), attribute);
            text += &match module {
                "plain" => written
                    .replace(TRACKED_NAME, "let _ = &")
                    .replace(&format!("{TRACKED}own"), "let")
                    .replace([TRACKED, END], ""),
                _ => written
                    .replace(TRACKED_NAME, "memscope::track_var!")
                    .replace(TRACKED, "memscope::track_var! { ")
                    .replace(END, " }"),
            };
        }
        text += "}\n";
    }
    let _ = writeln!(text, "fn main() {{\n    std::panic::set_hook(Box::new(|_| {{}}));");
    for (at, function) in functions.iter().enumerate() {
        let called = |module| function.called(module, &format!("{module}_{at}"));
        let others = ["tracked", "within", "returns", "sampled"].map(called).join(", ");
        let _ = writeln!(
            text,
            "    same(\"seed {number}, function {at}\", {}, [{others}]);",
            called("plain")
        );
    }
    text + "}\n"
}

/// Stand before and behind a declaration that `track_var!` is to stand around.
const TRACKED: char = '«';
const END: char = '»';
/// Stands before the name, in parentheses, of a variable to be tracked from there on; without it that is an expression.
const TRACKED_NAME: &str = "§";

/// How a function takes its first argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Free,
    Generic,
    /// A method with `self`.
    ByValue,
    /// A method with `&self`.
    ByReference,
    /// A method with `&mut self`.
    ByMutableReference,
}

struct Function {
    form: Form,
    body: String,
}

impl Function {
    fn random(seed: &mut Seed) -> Self {
        let forms = [
            Form::Free,
            Form::Free,
            Form::Generic,
            Form::ByValue,
            Form::ByReference,
            Form::ByMutableReference,
        ];
        let form = forms[seed.below(forms.len())];
        Self { form, body: Body::random(seed, form) }
    }

    /// The function, with an attribute on it or, if it is a method, on the impl block.
    fn written(&self, name: &str, attribute: &str) -> String {
        let (generics, first) = match self.form {
            Form::Free => ("", "a: Noisy"),
            Form::Generic => ("<T: Shown, U>", "a: T"),
            Form::ByValue => ("", "self"),
            Form::ByReference => ("", "&self"),
            Form::ByMutableReference => ("", "&mut self"),
        };
        let last = if self.form == Form::Generic { "last: U" } else { "_: Noisy" };
        let function = format!(
            "    pub fn {name}{generics}({first}, (mut b, c): (Noisy, Noisy), {last}) -> Given {{\n{}    }}\n",
            self.body
        );
        match self.form {
            Form::Free | Form::Generic => format!("    {attribute}\n{function}"),
            Form::ByValue => format!("    {attribute}\n    impl Noisy {{\n{function}    }}\n"),
            Form::ByReference | Form::ByMutableReference => {
                format!("    impl Noisy {{\n    {attribute}\n{function}    }}\n")
            }
        }
    }

    /// What calls it with arguments that are all by value.
    fn called(&self, module: &str, name: &str) -> String {
        match self.form {
            Form::Free | Form::Generic => format!("{module}::{name}"),
            _ => format!("|mut a, b, c| a.{name}(b, c)"),
        }
    }
}

const PRELUDE: &str = r#"#![allow(unused, unreachable_code, clippy::all)]
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static TRACE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

fn note(what: String) {
    TRACE.with_borrow_mut(|trace| trace.push(what));
}

struct Noisy(u32);

impl Drop for Noisy {
    fn drop(&mut self) {
        note(format!("drop {}", self.0));
    }
}

impl Noisy {
    fn id(&self) -> u32 {
        self.0
    }
}

trait Shown {
    fn shown(&self);
}

impl Shown for Noisy {
    fn shown(&self) {
        see(self);
    }
}

struct Pair {
    left: Noisy,
    right: Noisy,
}

fn mk(id: u32) -> Noisy {
    note(format!("make {id}"));
    Noisy(id)
}

fn see(value: &Noisy) -> u32 {
    note(format!("see {}", value.0));
    value.0
}

fn flag() -> bool {
    COUNT.set(COUNT.get() + 1);
    COUNT.get().wrapping_mul(2_654_435_761) % 7 < 3
}

fn maybe(id: u32) -> Option<Noisy> {
    if flag() { None } else { Some(mk(id)) }
}

fn each(value: Option<Noisy>) -> Result<Noisy, Noisy> {
    value.ok_or_else(|| mk(0))
}

struct Twice(bool);

impl std::future::Future for Twice {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        note("poll".to_owned());
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Polls at most twice, so that some futures are dropped on the way.
fn poll_twice<T>(future: impl std::future::Future<Output = T> + Send) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..2 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(value);
        }
    }
    None
}

/// Under a name that does not say that it is no container.
type Given = Option<Noisy>;
type Function = fn(Noisy, (Noisy, Noisy), Noisy) -> Given;

fn trace(function: Function) -> Vec<String> {
    COUNT.set(0);
    match std::panic::catch_unwind(|| function(mk(1), (mk(2), mk(3)), mk(4))) {
        Ok(value) => note(format!("gave {:?}", value.as_ref().map(Noisy::id))),
        Err(panic) => note(format!("panicked {:?}", panic.downcast_ref::<&str>())),
    }
    TRACE.take()
}

fn same(which: &str, plain: Function, others: [Function; 4]) {
    let expected = trace(plain);
    assert!(expected.len() > 8, "{which}: {expected:?}");
    for other in others {
        let other = trace(other);
        // The hook is set.
        if other != expected {
            eprintln!("{which}: without {expected:#?}, with {other:#?}");
            std::process::exit(1);
        }
    }
}
"#;
