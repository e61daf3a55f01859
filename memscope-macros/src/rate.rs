//! Rates of sampling, as the attribute writes them.

mod rule;

use proc_macro2::TokenStream;
use quote::quote;
use rule::Wrong;
use syn::parse::{ParseStream, Parser};
use syn::{LitFloat, LitInt, Token};

/// Reads `0.01`, `1` or `1/100`; returns 100, 1 and 100.
///
/// # Errors
///
/// What is wrong with it, and what to write instead.
pub(crate) fn one_in(written: &TokenStream) -> Result<u32, (String, String)> {
    read(written).map_err(|wrong| (wrong.to_string(), help(wrong)))
}

fn read(written: &TokenStream) -> Result<u32, Wrong> {
    let text = written.to_string();
    let parsed = text.strip_prefix("- ").map_or(text.clone(), |rest| format!("-{rest}")).parse();
    if let Ok(rate) = parsed.or_else(|_| number.parse2(written.clone())) {
        return rule::of_number(rate);
    }
    let (some, of) = fraction.parse2(written.clone()).map_err(|_| Wrong::NoNumber)?;
    rule::of_fraction(some, of)
}

fn help(wrong: Wrong) -> String {
    match wrong {
        Wrong::TooSmall => "leave the item out by `skip`, or write `sample = 0.01`".to_owned(),
        Wrong::Between { fewer: 1.0, more, .. } => {
            format!("write `sample = 1/{more}`, or leave the option out: then all are recorded")
        }
        Wrong::Between { fewer, more, .. } => {
            format!("write `sample = 1/{fewer}` or `sample = 1/{more}`")
        }
        _ => "write `sample = 0.01` or `sample = 1/100`: of a hundred values one is recorded, chosen by chance".to_owned(),
    }
}

/// A number as Rust writes it: with a type, or with underscores.
fn number(input: ParseStream<'_>) -> syn::Result<f64> {
    if input.peek(LitFloat) {
        return input.parse::<LitFloat>()?.base10_parse();
    }
    input.parse::<LitInt>()?.base10_parse()
}

fn fraction(input: ParseStream<'_>) -> syn::Result<(u64, u64)> {
    let some = input.parse::<LitInt>()?.base10_parse()?;
    input.parse::<Token![/]>()?;
    Ok((some, input.parse::<LitInt>()?.base10_parse()?))
}

/// The rule as a module `rule`, for the runtime.
pub(crate) fn emit_rule() -> TokenStream {
    let text: TokenStream = include_str!("rate/rule.rs").parse().expect("it is a module of this");
    quote!(mod rule { #text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(written: &str) -> Result<u32, String> {
        one_in(&written.parse().unwrap()).map_err(|(wrong, help)| format!("{wrong}; {help}"))
    }

    #[test]
    fn rates_are_read_as_decimals_and_as_fractions() {
        let rates = [
            ("1", 1),
            ("1.0", 1),
            ("0.5", 2),
            ("0.33", 3),
            ("0.333", 3),
            ("0.01", 100),
            ("1e-3", 1000),
            ("0.01f64", 100),
            ("1/3", 3),
            ("1/1_000", 1000),
            ("2/4", 2),
            ("1 / 4294967295", u32::MAX),
        ];
        for (written, expected) in rates {
            assert_eq!(read_text(written), Ok(expected), "{written}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused_with_what_to_write() {
        for (written, told) in [
            ("0.3", "`sample = 1/3` or `sample = 1/4`"),
            ("0.75", "`sample = 1/2`, or leave the option out"),
            ("2/3", "`sample = 1/2`"),
            ("2.0", "not more than 1"),
            ("3/2", "not more than 1"),
            ("0", "more than 0"),
            ("0.0", "more than 0"),
            ("-0.5", "more than 0"),
            ("1/0", "a part of nothing"),
            ("1e-12", "less than one in"),
            ("1/5000000000", "less than one in"),
            ("\"0.5\"", "a number"),
            ("half", "a number"),
            ("0.5 0.5", "a number"),
        ] {
            let error = read_text(written).unwrap_err();
            assert!(error.contains(told), "{written}: {error}");
        }
    }
}
