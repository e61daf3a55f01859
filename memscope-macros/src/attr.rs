//! The options in `#[memscope::track(...)]`: one grammar, whatever the attribute stands on.

use crate::errors::Errors;
use crate::nearest::nearest;
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{LitStr, Path, Token};

/// What the user asked for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// What sites are called instead of the item's own name.
    pub(crate) name: Option<LitStr>,
    /// Where memscope is, if not at `::memscope`.
    pub(crate) krate: Option<Path>,
    /// `drop = off`: no drop hook. Holds the option's name, for errors.
    pub(crate) drop_off: Option<Ident>,
}

/// An option: its name, what its value is, and how it is written.
struct Key {
    name: &'static str,
    takes: &'static str,
    form: &'static str,
}

const NAME: Key =
    Key { name: "name", takes: "a text in quotes, not an empty one", form: "name = \"...\"" };
const CRATE: Key =
    Key { name: "crate", takes: "a path, not in quotes", form: "crate = path::to::memscope" };
const DROP: Key = Key { name: "drop", takes: "the word `off`", form: "drop = off" };
const KEYS: [Key; 3] = [NAME, CRATE, DROP];

impl Options {
    /// Reads what stands in the attribute's parentheses. What is wrong is left out of the result.
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let mut seen: Vec<Ident> = Vec::new();
        for entry in entries(tokens, errors) {
            options.read_entry(entry, &mut seen, errors);
        }
        options
    }

    fn read_entry(&mut self, entry: TokenStream, seen: &mut Vec<Ident>, errors: &mut Errors) {
        let Ok((key, value)) = split.parse2(entry.clone()) else {
            let help = format!("an option is written {}", forms());
            return errors.push(entry, "expected an option", &help);
        };
        let name = key.unraw().to_string();
        let Some(known) = KEYS.iter().find(|known| known.name == name) else {
            return unknown(&key, &name, errors);
        };
        if seen.contains(&key) {
            let wrong = format!("the option `{name}` is given twice");
            return errors.push(key, &wrong, "remove one of them");
        }
        seen.push(key.clone());
        let understood = match (known.name, value) {
            ("name", Value::Is(value)) => match syn::parse2::<LitStr>(value) {
                Ok(name) if !name.value().trim().is_empty() => {
                    self.name = Some(name);
                    true
                }
                _ => false,
            },
            ("crate", Value::Is(value)) => match Path::parse_mod_style.parse2(value) {
                Ok(path) => {
                    self.krate = Some(path);
                    true
                }
                Err(_) => false,
            },
            ("drop", Value::Is(value)) if value.to_string() == "off" => {
                self.drop_off = Some(key);
                true
            }
            _ => false,
        };
        if !understood {
            let wrong = format!("the option `{name}` takes {}", known.takes);
            errors.push(entry, &wrong, &format!("write `{}`", known.form));
        }
    }
}

/// What follows an option's name.
enum Value {
    /// `= tokens`
    Is(TokenStream),
    /// Nothing, parentheses, or anything else.
    Other,
}

/// Splits an entry into the option's name and its value.
fn split(input: ParseStream<'_>) -> syn::Result<(Ident, Value)> {
    let key = input.call(Ident::parse_any)?;
    if input.peek(Token![=]) && !input.peek(Token![==]) {
        input.parse::<Token![=]>()?;
        return Ok((key, Value::Is(input.parse()?)));
    }
    input.parse::<TokenStream>()?;
    Ok((key, Value::Other))
}

/// Splits at commas, so that an error in one option does not hide those in the next.
fn entries(tokens: TokenStream, errors: &mut Errors) -> Vec<TokenStream> {
    let mut entries = Vec::new();
    let mut entry = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => {
                if entry.is_empty() {
                    errors.push(comma, "expected an option before this comma", "remove the comma");
                } else {
                    entries.push(std::mem::take(&mut entry));
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
    let help = match nearest(name, &names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the options are {}", forms()),
    };
    errors.push(key, &format!("unknown option `{name}`"), &help);
}

/// All options as they are written, for errors.
fn forms() -> String {
    let [first, second, last] = KEYS.map(|key| format!("`{}`", key.form));
    format!("{first}, {second} or {last}")
}
