//! Random bodies: statements that every form of function can have, and those about its first argument.

use super::{END, Form, Seed, TRACKED, TRACKED_NAME};
use std::fmt::Write;

/// A function's body on its way.
pub(super) struct Body<'a> {
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
    /// Returns a body's statements and its last expression.
    pub(super) fn random(seed: &'a mut Seed, form: Form) -> String {
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
