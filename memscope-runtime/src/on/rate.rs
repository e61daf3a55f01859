//! Rates of sampling, as the environment writes them.

memscope_macros::rule_of_rates!();

use rule::Wrong;

/// Reads `0.01`, `1` or `1/100`; returns 100, 1 and 100.
///
/// # Errors
///
/// What is wrong with it, and what to write instead.
pub(super) fn one_in(written: &str) -> Result<u32, String> {
    read(&written.replace('_', "")).map_err(|wrong| match wrong {
        Wrong::NoNumber => format!("{wrong}, as `0.01` or `1/100`"),
        Wrong::Between { fewer: 1.0, more, .. } => format!("{wrong}: 1/{more} is"),
        Wrong::Between { fewer, more, .. } => format!("{wrong}: 1/{fewer} or 1/{more} is"),
        _ => wrong.to_string(),
    })
}

fn read(plain: &str) -> Result<u32, Wrong> {
    let number = |text: &str| text.trim().parse().map_err(|_| Wrong::NoNumber);
    if let Some((some, of)) = plain.split_once('/') {
        return rule::of_fraction(number(some)?, number(of)?);
    }
    // Not `inf`.
    let begins_as_number = plain.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    let rate = plain.parse().ok().filter(|_| begins_as_number).ok_or(Wrong::NoNumber)?;
    rule::of_number(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_decimals_and_as_fractions() {
        let rates = [
            ("1", 1),
            ("0.33", 3),
            ("0.01", 100),
            ("1e-3", 1000),
            ("1/1_000", 1000),
            ("2/4", 2),
            ("1 / 4294967295", u32::MAX),
        ];
        for (written, expected) in rates {
            assert_eq!(one_in(written), Ok(expected), "{written}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused_with_what_to_write() {
        for (written, told) in [
            ("0.3", "which 0.3 is not: 1/3 or 1/4 is"),
            ("2/3", "is not: 1/2 is"),
            ("3/2", "not more than 1"),
            ("-0.5", "more than 0"),
            ("1/0", "a part of nothing"),
            ("1/5000000000", "less than one in 4294967295"),
            ("half", "a number, not more than 1, as `0.01` or `1/100`"),
            ("1/half", "a number"),
            ("inf", "a number"),
            ("0.5 0.5", "a number"),
            ("", "a number"),
        ] {
            let error = one_in(written).unwrap_err();
            assert!(error.contains(told), "{written}: {error}");
        }
    }
}
