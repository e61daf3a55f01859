//! The options in `#[memscope::track(...)]`: one grammar, whatever the attribute stands on.

use crate::errors::Errors;
use crate::nearest::nearest;
use crate::rate::one_in;
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{LitStr, Path, Token};

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// What sites are called instead of the item's own name.
    pub(crate) name: Option<LitStr>,
    /// Where memscope is, if not at `::memscope`.
    pub(crate) krate: Option<Path>,
    /// What becomes of a type's drop.
    pub(crate) drop: DropOption,
    /// `deep`: the contents of containers are read too.
    pub(crate) deep: bool,
    /// `skip`: the item is left as it is.
    pub(crate) skip_item: Option<Ident>,
    /// `skip(a, b)`: variables and arguments that are left out.
    pub(crate) skip: Option<Selection>,
    /// Which variables are tracked.
    pub(crate) vars: Option<Selection>,
    /// Which arguments are tracked.
    pub(crate) args: Option<Selection>,
    /// `ret`: what functions return is recorded. Holds the option's name, for errors.
    pub(crate) ret: Option<Ident>,
    /// Of how many values one is recorded.
    pub(crate) one_in: u32,
    /// What every site is tagged with.
    pub(crate) tags: Vec<LitStr>,
    /// The names of the options that were given.
    pub(crate) given: Vec<Ident>,
}

/// Who writes the `impl Drop` in which a type's drop hook stands.
#[derive(Debug, Clone, Default)]
pub(crate) enum DropOption {
    /// The attribute.
    #[default]
    Written,
    /// Nobody: drops of the type are not recorded, unless an `impl Drop` of its own has the attribute.
    Off,
    /// The user, with the attribute on it. Holds the word that says so, for errors.
    Own(Ident),
}

impl DropOption {
    fn of(word: &Ident) -> Option<Self> {
        Some(match word.to_string().as_str() {
            "on" => Self::Written,
            "off" => Self::Off,
            "own" => Self::Own(word.clone()),
            _ => return None,
        })
    }
}

/// A choice among variables or arguments.
#[derive(Debug, Clone)]
pub(crate) enum Selection {
    All,
    None,
    These(Vec<Ident>),
}

impl Selection {
    /// The names that it consists of, if it does.
    pub(crate) fn names(&self) -> &[Ident] {
        match self {
            Self::These(names) => names,
            Self::All | Self::None => &[],
        }
    }

    /// Whether it includes a name.
    pub(crate) fn includes(&self, name: &Ident) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            // Not by `==`, which tells `r#v` from `v`.
            Self::These(names) => names.iter().any(|one| one.unraw() == name.unraw()),
        }
    }
}

/// An option: its name, what its value is, and how it is written.
struct Key {
    name: &'static str,
    takes: &'static str,
    form: &'static str,
}

const KEYS: [Key; 10] = [
    Key { name: "name", takes: "a text in quotes", form: "name = \"...\"" },
    Key { name: "skip", takes: "nothing, or names in parentheses", form: "skip(a, b)" },
    Key { name: "vars", takes: "`all`, `none` or names in parentheses", form: "vars(a, b)" },
    Key { name: "args", takes: "`all`, `none` or names in parentheses", form: "args(a, b)" },
    Key { name: "ret", takes: "nothing", form: "ret" },
    Key { name: "tags", takes: "texts in quotes, in parentheses", form: "tags(\"io\", \"cache\")" },
    Key { name: "deep", takes: "nothing", form: "deep" },
    Key { name: "sample", takes: "a rate, a number not more than 1", form: "sample = 0.01" },
    Key { name: "drop", takes: "`on`, `off` or `own`", form: "drop = off" },
    Key { name: "crate", takes: "a path, not in quotes", form: "crate = path::to::memscope" },
];

/// What other libraries call an option, or what one would think it is called.
const MEANT: [(&[&str], &str); 6] = [
    (&["label", "rename", "site"], "name"),
    (&["skip_all", "ignore", "exclude", "except"], "skip"),
    (&["only", "variables", "locals", "let"], "vars"),
    (&["arguments", "params", "parameters", "inputs"], "args"),
    (&["return", "returns", "returned", "output", "result"], "ret"),
    (&["path", "krate", "memscope"], "crate"),
];

impl Options {
    /// Reads what stands in the attribute's parentheses. What is wrong is left out of the result.
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        for entry in entries(tokens, errors) {
            options.read_entry(entry, errors);
        }
        options.find_contradictions(errors);
        options
    }

    fn read_entry(&mut self, entry: TokenStream, errors: &mut Errors) {
        let Ok((key, value)) = split.parse2(entry.clone()) else {
            let help = format!("an option is written {}", forms());
            return errors.push(entry, "expected an option", &help);
        };
        let name = key.unraw().to_string();
        let Some(known) = KEYS.iter().find(|known| known.name == name) else {
            return unknown(&key, &name, errors);
        };
        if self.given.contains(&key) {
            let wrong = format!("the option `{name}` is given twice");
            return errors.push(key, &wrong, "remove one of them");
        }
        self.given.push(key.clone());
        if let ("sample", Value::Is(written)) = (known.name, &value) {
            match one_in(written) {
                Ok(one_in) => self.one_in = one_in,
                Err((wrong, help)) => errors.push(written, &wrong, &help),
            }
            return;
        }
        let (takes, help) = (value.wanted_by(known), value.help_for(known));
        if self.understand(&key, known.name, value).is_none() {
            errors.push(entry, &format!("the option `{name}` takes {takes}"), &help);
        }
    }

    /// Takes an option over; `None` if its value is not of its form.
    fn understand(&mut self, key: &Ident, name: &str, value: Value) -> Option<()> {
        match (name, value) {
            ("name", Value::Is(value)) => self.name = Some(text(value)?),
            ("crate", Value::Is(value)) => {
                self.krate = Some(Path::parse_mod_style.parse2(value).ok()?);
            }
            ("drop", Value::Is(value)) => {
                self.drop = DropOption::of(&syn::parse2(value).ok()?)?;
            }
            ("deep", Value::None) => self.deep = true,
            ("skip", Value::None) => self.skip_item = Some(key.clone()),
            ("skip", Value::List(list)) => self.skip = Some(these(list)?),
            ("vars", value) => self.vars = Some(selection(value)?),
            ("args", value) => self.args = Some(selection(value)?),
            ("ret", Value::None) => self.ret = Some(key.clone()),
            ("tags", Value::List(list)) => {
                let texts = Punctuated::<LitStr, Token![,]>::parse_terminated.parse2(list).ok()?;
                self.tags = texts.into_iter().collect();
                let blank = |tag: &LitStr| tag.value().trim().is_empty();
                if self.tags.is_empty() || self.tags.iter().any(blank) {
                    return None;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn find_contradictions(&mut self, errors: &mut Errors) {
        if let Some(skip) = &self.skip_item
            && let Some(other) = self.given.iter().find(|key| *key != skip)
        {
            let wrong =
                format!("the option `{other}` says nothing where `skip` leaves the item out");
            errors.push(other, &wrong, "remove one of them");
        }
        for skipped in self.skip.iter().flat_map(Selection::names) {
            let chosen = self.vars.iter().chain(&self.args).flat_map(Selection::names);
            if let Some(chosen) = chosen.into_iter().find(|chosen| *chosen == skipped) {
                let wrong = format!("`{chosen}` is both chosen and skipped");
                errors.push(skipped, &wrong, "remove one of them");
            }
        }
    }
}

/// What follows an option's name.
enum Value {
    /// Nothing.
    None,
    /// `= tokens`
    Is(TokenStream),
    /// `(tokens)`
    List(TokenStream),
    /// Anything else.
    Other,
}

impl Value {
    /// What the option takes, where this was not it.
    fn wanted_by(&self, option: &Key) -> &'static str {
        match self {
            Self::Is(tokens)
                if option.name == "name" && syn::parse2::<LitStr>(tokens.clone()).is_ok() =>
            {
                "a text that is not empty"
            }
            _ => option.takes,
        }
    }

    /// What to write instead of a value that is not of its option's form: the same with quotes, without them, or in parentheses.
    fn help_for(&self, option: &Key) -> String {
        let write = |form: &str| format!("write `{form}`");
        let name = option.name;
        let (Self::Is(tokens) | Self::List(tokens)) = self else { return write(option.form) };
        let quoted = text(tokens.clone()).map(|text| text.value());
        let word = Ident::parse_any.parse2(tokens.clone()).ok().map(|word| word.to_string());
        let said = quoted.as_deref().or(word.as_deref());
        let yes = said.and_then(yes_or_no);
        match (name, quoted.as_deref(), word.as_deref(), yes) {
            ("name", Some(text), ..) => write(&format!("name = \"{text}\"")),
            ("name", _, Some(word), _) => format!("put it in quotes: `name = \"{word}\"`"),
            ("tags", Some(text), ..) => write(&format!("tags(\"{text}\")")),
            ("tags", _, Some(word), _) => write(&format!("tags(\"{word}\")")),
            ("crate", Some(path), ..) if syn::parse_str::<Path>(path).is_ok() => {
                write(&format!("crate = {path}"))
            }
            (_, Some(word), ..) if option.takes.contains(&format!("`{word}`")) => {
                write(&format!("{name} = {word}"))
            }
            ("ret" | "deep" | "skip", _, _, Some(false)) => "remove it".to_owned(),
            ("skip", _, _, Some(true)) => {
                "write `skip`; or, to record the calls alone, `vars = none, args = none`".to_owned()
            }
            ("vars" | "args", _, _, Some(all)) => {
                write(&format!("{name} = {}", if all { "all" } else { "none" }))
            }
            ("drop", _, _, Some(true)) => write("drop = on"),
            ("skip" | "vars" | "args", _, Some(word), None) if matches!(self, Self::Is(_)) => {
                write(&format!("{name}({word})"))
            }
            _ => write(option.form),
        }
    }
}

/// What a word says that is meant to turn an option on or off.
fn yes_or_no(word: &str) -> Option<bool> {
    match word {
        "true" | "on" | "yes" | "all" => Some(true),
        "false" | "off" | "no" | "none" => Some(false),
        _ => None,
    }
}

/// Splits an entry into the option's name and its value.
fn split(input: ParseStream<'_>) -> syn::Result<(Ident, Value)> {
    let key = input.call(Ident::parse_any)?;
    if input.is_empty() {
        return Ok((key, Value::None));
    }
    if input.peek(Token![=]) && !input.peek(Token![==]) {
        input.parse::<Token![=]>()?;
        return Ok((key, Value::Is(input.parse()?)));
    }
    if input.peek(syn::token::Paren) {
        let list;
        syn::parenthesized!(list in input);
        let list = list.parse()?;
        if input.is_empty() {
            return Ok((key, Value::List(list)));
        }
    }
    input.parse::<TokenStream>()?;
    Ok((key, Value::Other))
}

fn text(tokens: TokenStream) -> Option<LitStr> {
    syn::parse2::<LitStr>(tokens).ok().filter(|text| !text.value().trim().is_empty())
}

fn selection(value: Value) -> Option<Selection> {
    match value {
        Value::Is(word) if word.to_string() == "all" => Some(Selection::All),
        Value::Is(word) if word.to_string() == "none" => Some(Selection::None),
        Value::List(list) => these(list),
        Value::None | Value::Is(_) | Value::Other => None,
    }
}

/// Names between commas, at least one; `self` is one too.
fn these(list: TokenStream) -> Option<Selection> {
    let parser = Punctuated::<Ident, Token![,]>::parse_terminated_with;
    let names = (|input: ParseStream<'_>| parser(input, Ident::parse_any)).parse2(list).ok()?;
    (!names.is_empty()).then(|| Selection::These(names.into_iter().collect()))
}

/// Splits at commas, so that an error in one option does not hide those in the next.
fn entries(tokens: TokenStream, errors: &mut Errors) -> Vec<TokenStream> {
    let mut entries = Vec::new();
    let mut entry = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Punct(end) if matches!(end.as_char(), ',' | ';') => {
                if entry.is_empty() {
                    let wrong = format!("expected an option before this `{end}`");
                    errors.push(&end, &wrong, "remove it");
                } else {
                    entries.push(std::mem::take(&mut entry));
                }
                if end.as_char() == ';' {
                    errors.push(end, "options stand between commas", "write `,`");
                }
            }
            token => token.to_tokens(&mut entry),
        }
    }
    if !entry.is_empty() {
        entries.push(entry);
    }
    entries
}

fn unknown(key: &Ident, name: &str, errors: &mut Errors) {
    let names = KEYS.map(|key| key.name);
    let meant = MEANT.iter().find(|(others, _)| others.contains(&name)).map(|(_, ours)| *ours);
    let help = match meant.or_else(|| nearest(name, &names)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the options are {}", forms()),
    };
    errors.push(key, &format!("unknown option `{name}`"), &help);
}

/// How an option is written, if there is one of that name.
pub(crate) fn option_form(name: &str) -> Option<&'static str> {
    KEYS.iter().find(|key| key.name == name).map(|key| key.form)
}

/// All options as they are written, for errors.
fn forms() -> String {
    let forms = KEYS.map(|key| format!("`{}`", key.form));
    let [first @ .., last] = &forms;
    format!("{} or {last}", first.join(", "))
}
