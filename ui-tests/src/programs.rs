//! Random functions, each written twice: as it is, and with the attribute. What they do must be the same.
//!
//! A function makes, moves, shows, replaces and drops values that note all of it in a trace. Which branch is taken is
//! decided by a counter, which both versions count alike. Only variables of the innermost block are moved, so that every
//! program passes the borrow checker. Declarations that `track_var!` is to stand around are marked, and it is left out of the
//! functions as they are.

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

/// Writes a program for each seed, or for the one in `MEMSCOPE_SEED`, into a folder; returns their files.
///
/// # Panics
///
/// If a file cannot be written, or the variable is no number.
#[must_use]
#[expect(clippy::unwrap_used, reason = "only tests call it")]
pub fn programs(seeds: &[u64], folder: &Path) -> Vec<PathBuf> {
    let one = std::env::var("MEMSCOPE_SEED").map(|seed| vec![seed.parse().unwrap()]);
    let written = |seed: u64| {
        let path = folder.join(format!("seed_{seed}.rs"));
        std::fs::write(&path, program(seed)).unwrap();
        path
    };
    one.unwrap_or(seeds.to_vec()).into_iter().map(written).collect()
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

/// A function's body on its way.
struct Body<'a> {
    seed: &'a mut Seed,
    form: Form,
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
    fn random(seed: &'a mut Seed, form: Form) -> String {
        let arguments: &[&str] = match form {
            Form::Free => &["a", "b", "c"],
            Form::ByValue => &["self", "b", "c"],
            Form::Generic | Form::ByReference | Form::ByMutableReference => &["b", "c"],
        };
        let blocks = vec![arguments.iter().map(|&name| name.to_owned()).collect()];
        let budget = 6 + seed.below(18);
        let mut body = Self {
            seed,
            form,
            text: String::new(),
            blocks,
            variables: 0,
            values: 10,
            budget,
            enclosed: 0,
        };
        body.first();
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

    /// What is done with the first argument where it is not like other variables.
    fn first(&mut self) {
        let value = self.value();
        let line = match (self.form, self.seed.below(5)) {
            (Form::Free | Form::ByValue, _) => return,
            (Form::ByReference, _) => "see(self);".to_owned(),
            (Form::ByMutableReference, 0..3) => format!("if flag() {{ *self = {value}; }}"),
            (Form::ByMutableReference, _) => format!("let old = std::mem::replace(self, {value});"),
            (Form::Generic, 0) => "let taken = a; taken.shown();".to_owned(),
            (Form::Generic, 1) => format!("let pair = (a, {value}); pair.0.shown();"),
            (Form::Generic, 2) => "if flag() { drop(a); } drop(last);".to_owned(),
            (Form::Generic, 3) => {
                "let mut list = vec![last]; if flag() { list.clear(); return None; }".to_owned()
            }
            (Form::Generic, _) => format!("{TRACKED}let (x, y) = (a, last);{END} x.shown();"),
        };
        self.line(&line);
    }

    /// A statement with `track_var!`, or one about a borrowed `self`.
    fn tracking(&mut self) {
        match self.seed.below(5) {
            0 => {
                let (name, value) = (self.name(), self.value());
                self.line(&format!("{TRACKED}let mut {name} = {value};{END}"));
                self.declared(&name);
            }
            1 => {
                let (left, right) = (self.value(), self.value());
                let (a, b) = (self.name(), format!("w{}", self.variables));
                self.line(&format!("{TRACKED}let ({a}, {b}) = ({left}, {right});{END}"));
                self.declared(&a);
                self.declared(&b);
            }
            2 => {
                let (name, number) = (self.name(), self.number());
                if self.enclosed == 0 {
                    self.line(&format!("{TRACKED}let {name} = maybe({number})?;{END}"));
                    self.declared(&name);
                } else {
                    self.line(&format!("{TRACKED}let maybe{number} = maybe({number});{END}"));
                }
            }
            3 if self.enclosed == 0 => {
                if let Some(name) = self.visible() {
                    self.line(&format!("{TRACKED_NAME}({name});"));
                }
            }
            _ if matches!(self.form, Form::ByReference | Form::ByMutableReference)
                && self.enclosed == 0 =>
            {
                self.line("see(self);");
            }
            _ => {
                let (name, value) = (format!("o{}", self.values), self.value());
                self.line(&format!("{TRACKED}own {name} = {value};{END}"));
                self.line(&format!("see(&{name});"));
            }
        }
    }

    fn statement(&mut self) {
        self.budget = self.budget.saturating_sub(1);
        if self.seed.below(7) == 0 {
            return self.tracking();
        }
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
