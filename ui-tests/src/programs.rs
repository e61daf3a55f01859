//! Random functions, each written twice: as it is, and with the attribute. What they do must be the same.
//!
//! A function makes, moves, shows, replaces and drops values that note all of it in a trace. Which branch is taken is
//! decided by a counter, which both versions count alike. Only variables of the innermost block are moved, so that every
//! program passes the borrow checker.

use std::fmt::Write;

/// What a program is made from.
#[derive(Debug, Clone, Copy)]
pub struct Seed(pub u64);

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

/// Writes a program that runs so many functions with and without the attribute, and fails where the traces differ.
#[must_use]
pub fn program(seed: Seed, functions: usize) -> String {
    let mut seed = seed;
    let bodies: Vec<String> = (0..functions).map(|_| Body::random(&mut seed)).collect();
    let mut text = format!("{PRELUDE}\n");
    for (module, whole, attribute) in [
        ("plain", "", ""),
        ("tracked", "", "    #[memscope::track]\n"),
        ("within", "#[memscope::track]\n", ""),
        ("returns", "", "    #[memscope::track(ret)]\n"),
        ("sampled", "", "    #[memscope::track(ret, deep, sample = 1/3)]\n"),
    ] {
        let _ = writeln!(text, "{whole}mod {module} {{\n    use super::*;");
        for (number, body) in bodies.iter().enumerate() {
            let _ = writeln!(
                text,
                "{attribute}    pub fn f{number}(a: Noisy, (mut b, c): (Noisy, Noisy), _: Noisy) -> Given \
                 {{\n{body}    }}"
            );
        }
        text += "}\n";
    }
    text += "fn main() {\n    std::panic::set_hook(Box::new(|_| {}));\n";
    for number in 0..functions {
        let _ = writeln!(
            text,
            "    same({number}, plain::f{number}, \
             [tracked::f{number}, within::f{number}, returns::f{number}, sampled::f{number}]);"
        );
    }
    text + "}\n"
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

fn same(number: usize, plain: Function, others: [Function; 4]) {
    let expected = trace(plain);
    assert!(expected.len() > 8, "{number}: {expected:?}");
    for other in others {
        assert!(expected == trace(other), "{number}: {expected:#?}");
    }
}
"#;

/// A function's body on its way.
struct Body<'a> {
    seed: &'a mut Seed,
    text: String,
    /// The variables of each open block that hold a value.
    blocks: Vec<Vec<String>>,
    variables: usize,
    values: u32,
    /// Statements that may still be written.
    budget: usize,
    /// Where `return` and `?` would leave something else than the function.
    enclosed: usize,
}

impl<'a> Body<'a> {
    fn random(seed: &'a mut Seed) -> String {
        let blocks = vec![vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]];
        let budget = 6 + seed.below(18);
        let mut body = Self {
            seed,
            text: String::new(),
            blocks,
            variables: 0,
            values: 10,
            budget,
            enclosed: 0,
        };
        while body.budget > 0 {
            body.statement();
        }
        let tail = body.tail();
        body.line(&tail);
        body.text
    }

    fn line(&mut self, line: &str) {
        let indent = "    ".repeat(self.blocks.len() + 1);
        let _ = writeln!(self.text, "{indent}{line}");
    }

    fn value(&mut self) -> String {
        self.values += 1;
        format!("mk({})", self.values)
    }

    fn number(&mut self) -> u32 {
        self.values += 1;
        self.values
    }

    fn name(&mut self) -> String {
        self.variables += 1;
        // Shadowing now and then.
        format!("v{}", self.variables - self.seed.below(2).min(self.variables - 1))
    }

    fn declared(&mut self, name: &str) {
        // What is shadowed cannot be named any more.
        for block in &mut self.blocks {
            block.retain(|other| other != name);
        }
        self.blocks.last_mut().expect("the body's block").push(name.to_owned());
    }

    /// Any variable that holds a value.
    fn visible(&mut self) -> Option<String> {
        let all: Vec<&String> = self.blocks.iter().flatten().collect();
        (!all.is_empty()).then(|| all[self.seed.below(all.len())].clone())
    }

    /// A variable of the innermost block, which holds no value afterwards.
    fn moved(&mut self) -> Option<String> {
        let block = self.blocks.last_mut()?;
        if block.is_empty() {
            return None;
        }
        let at = self.seed.below(block.len());
        Some(block.swap_remove(at))
    }

    /// Writes statements between braces.
    fn block(&mut self, open: &str, close: &str, inside: impl FnOnce(&mut Self)) {
        self.line(open);
        self.blocks.push(Vec::new());
        inside(self);
        for _ in 0..1 + self.seed.below(3) {
            self.statement();
        }
        self.blocks.pop();
        self.line(close);
    }

    fn tail(&mut self) -> String {
        let value = self.value();
        match self.seed.below(6) {
            0 => "None".to_owned(),
            1 => format!("maybe({value}.id())"),
            2 => match self.moved() {
                Some(name) => format!("Some({name})"),
                None => format!("Some({value})"),
            },
            3 => format!("match {value} {{ ref v if v.id() > 5 => maybe(see(v)), v => Some(v) }}"),
            4 => format!(
                "if let Some(v) = maybe({value}.id()) {{ Some(v) }} else {{ Some({value}) }}"
            ),
            _ => format!("Some({value})"),
        }
    }

    fn statement(&mut self) {
        self.budget = self.budget.saturating_sub(1);
        let deep = self.blocks.len() > 4 || self.budget == 0;
        match self.seed.below(if deep { 17 } else { 28 }) {
            0 | 1 => self.declare(|body| body.value()),
            2 => {
                self.declare(|body| format!("each(maybe({})).unwrap_or_else(|v| v)", body.number()))
            }
            3 => self.declare(|body| match body.moved() {
                Some(name) => name,
                None => body.value(),
            }),
            4 if self.enclosed == 0 => self.declare(|body| format!("maybe({})?", body.number())),
            5 if self.enclosed == 0 => {
                let (name, number) = (self.name(), self.number());
                let tail = self.value();
                self.line(&format!(
                    "let Some({name}) = maybe({number}) else {{ return Some({tail}) }};"
                ));
                self.declared(&name);
            }
            6 => {
                let (left, right) = (self.value(), self.value());
                let (a, b) = (self.name(), format!("w{}", self.variables));
                self.line(&format!("let ({a}, mut {b}) = ({left}, {right});"));
                self.declared(&a);
                self.declared(&b);
            }
            7 => {
                let (left, right) = (self.value(), self.value());
                let (whole, name) = (format!("p{}", self.values), self.name());
                self.line(&format!("let {whole} = Pair {{ left: {left}, right: {right} }};"));
                // The other field stays where it is, and is dropped with it.
                self.line(&format!("let Pair {{ left: {name}, .. }} = {whole};"));
                self.declared(&name);
            }
            8 | 9 => {
                if let Some(name) = self.visible() {
                    self.line(&format!("see(&{name});"));
                }
            }
            10 => {
                if let Some(name) = self.moved() {
                    self.line(&format!("drop({name});"));
                }
            }
            11 => {
                let (name, first, second) = (self.name(), self.value(), self.value());
                self.line(&format!("let mut {name} = {first};"));
                self.line(&format!("if flag() {{ {name} = {second}; }}"));
                self.declared(&name);
            }
            12 => {
                let (name, value) = (format!("r{}", self.values), self.value());
                self.line(&format!("let {name} = &{value};"));
                self.line(&format!("see({name});"));
            }
            13 => {
                let value = self.value();
                self.line(&format!("see(&{value});"));
            }
            14 => {
                let value = self.value();
                let pattern = ["_", "_guard", "ref r"][self.seed.below(3)];
                self.line(&format!("let {pattern} = {value};"));
            }
            15 => {
                let (list, value) = (format!("l{}", self.values), self.value());
                let first = self.moved().unwrap_or_else(|| "mk(0)".to_owned());
                self.line(&format!("let mut {list} = vec![{first}, {value}];"));
                self.line(&format!("if flag() {{ {list}.pop(); }}"));
            }
            16 => {
                let number = self.number();
                self.line(&format!("if flag() && flag() && flag() {{ panic!(\"at {number}\") }}"));
            }
            17 => self.block("{", "}", |_| {}),
            18 => {
                self.block("if flag() {", "} else {", |_| {});
                self.blocks.push(Vec::new());
                self.statement();
                self.blocks.pop();
                self.line("}");
            }
            19 => self.block("for _ in 0..2 {", "}", |body| {
                body.declare(|body| body.value());
                body.line("if flag() { continue; }");
            }),
            20 => {
                let name = self.name();
                let (early, late) = (self.value(), self.value());
                self.line(&format!("let {name} = 'out: {{"));
                self.blocks.push(Vec::new());
                self.statement();
                self.line(&format!("if flag() {{ break 'out {early}; }}"));
                self.statement();
                self.line(&late);
                self.blocks.pop();
                self.line("};");
                self.declared(&name);
            }
            21 => {
                let value = self.value();
                self.block("'again: loop {", "}", |body| {
                    body.line(&format!("let v = {value};"));
                    body.line("if flag() { break 'again; }");
                    body.line("if v.id() > 1_000_000 { continue 'again; }");
                    body.line("if flag() { break; }");
                });
            }
            22 => {
                let number = self.number();
                self.block(&format!("if let Some(v) = maybe({number}) {{"), "} else {", |body| {
                    body.declared("v");
                });
                self.blocks.push(Vec::new());
                self.statement();
                self.blocks.pop();
                self.line("}");
            }
            23 => {
                let number = self.number();
                self.line(&format!("match maybe({number}) {{"));
                self.block("Some(v) if flag() => {", "}", |body| body.declared("v"));
                self.line("Some(v) => drop(v),");
                self.line("None => {}");
                self.line("}");
            }
            24 => {
                self.enclosed += 1;
                let name = format!("c{}", self.values);
                let taken = self.moved();
                self.block(
                    &format!("let {name} = {}|| {{", if taken.is_some() { "move " } else { "" }),
                    "};",
                    |body| {
                        if let Some(taken) = &taken {
                            body.line(&format!("let inner = {taken};"));
                            // What a `move` closure mentions it takes.
                            body.declared("inner");
                            for block in 0..body.blocks.len() - 1 {
                                body.blocks[block].retain(|_| false);
                            }
                        }
                    },
                );
                self.line(&format!("if flag() {{ {name}(); }}"));
                if taken.is_some() {
                    // Emptied above: nothing outside can be used from here on.
                    for block in &mut self.blocks {
                        block.clear();
                    }
                }
                self.enclosed -= 1;
            }
            25 => {
                let value = self.value();
                let name = format!("inner{}", self.values);
                self.line(&format!(
                    "fn {name}(v: Noisy, (a, _): (Noisy, Noisy)) -> u32 {{ let w = v; let x = mk(5); see(&a) + see(&w) }}"
                ));
                self.line(&format!("{name}({value}, (mk(6), mk(7)));"));
            }
            26 => {
                self.enclosed += 1;
                let kept = std::mem::take(&mut self.blocks);
                let depth = kept.len();
                self.blocks = vec![Vec::new(); depth];
                self.block("poll_twice(async move {", "});", |body| {
                    body.declare(|body| body.value());
                    body.line("Twice(false).await;");
                    body.declare(|body| body.value());
                    body.line("if flag() { Twice(false).await; }");
                });
                self.blocks = kept;
                self.enclosed -= 1;
            }
            _ if self.enclosed == 0 => {
                let value = self.value();
                self.line(&format!("if flag() && flag() {{ return Some({value}); }}"));
            }
            _ => {}
        }
    }

    fn declare(&mut self, init: impl FnOnce(&mut Self) -> String) {
        let init = init(self);
        let name = self.name();
        self.line(&format!("let {name} = {init};"));
        self.declared(&name);
    }
}
