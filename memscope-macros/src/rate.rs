//! Rates of sampling: of so many values one is recorded.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::{LitFloat, LitInt, Token};

/// How far, as a part of it, a rate may be from one in a whole number.
const TOLERANCE: f64 = 0.015;

/// Reads `0.01`, `1` or `1/100`; returns 100, 1 and 100.
///
/// # Errors
///
/// What is wrong with it, and what to write instead.
pub(crate) fn one_in(written: &TokenStream) -> Result<u32, (String, String)> {
    let text = written.to_string();
    let parsed = text.strip_prefix("- ").map_or(text.clone(), |rest| format!("-{rest}")).parse();
    if let Ok(rate) = parsed.or_else(|_| number.parse2(written.clone())) {
        return of_rate(rate);
    }
    match fraction.parse2(written.clone()) {
        Ok((_, 0)) => Err(("a rate cannot be a part of nothing".to_owned(), FORMS.to_owned())),
        Ok((1, one_in)) => u32::try_from(one_in).map_err(|_| too_rare()),
        Ok((some, of)) => of_rate(some as f64 / of as f64),
        Err(_) => Err(("a rate is a number, not more than 1".to_owned(), FORMS.to_owned())),
    }
}

const FORMS: &str = "write `sample = 0.01` or `sample = 1/100`: of a hundred values one is recorded, chosen by chance";

fn too_rare() -> (String, String) {
    ("a rate cannot be less than one in 4294967295".to_owned(), FORMS.to_owned())
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

fn of_rate(rate: f64) -> Result<u32, (String, String)> {
    if rate > 1.0 {
        let wrong = "a rate is not more than 1, which records all".to_owned();
        return Err((wrong, FORMS.to_owned()));
    }
    // Also what is not a number.
    if rate.is_nan() || rate <= 0.0 {
        let wrong = "a rate is more than 0: at 0 nothing would be recorded".to_owned();
        let help = "leave the item out by `skip`, or write `sample = 0.01`".to_owned();
        return Err((wrong, help));
    }
    let one_in = (1.0 / rate).round();
    if one_in > f64::from(u32::MAX) {
        return Err(too_rare());
    }
    if (one_in * rate - 1.0).abs() > TOLERANCE {
        let (less, more) = ((1.0 / rate).ceil(), (1.0 / rate).floor());
        let wrong = format!("a rate is one in a whole number, which {rate} is not");
        let help = match more {
            1.0 => {
                format!("write `sample = 1/{less}`, or leave the option out: then all are recorded")
            }
            more => format!("write `sample = 1/{more}` or `sample = 1/{less}`"),
        };
        return Err((wrong, help));
    }
    Ok(one_in as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Result<u32, String> {
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
            assert_eq!(read(written), Ok(expected), "{written}");
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
            let error = read(written).unwrap_err();
            assert!(error.contains(told), "{written}: {error}");
        }
    }
}
