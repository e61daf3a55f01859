//! Rates of sampling as the environment writes them: what the attribute's option `sample` takes, and refuses, by the same rule. That
//! is in memscope-macros, of which nothing but macros can be used.

/// How far, as a part of it, a rate may be from one in a whole number.
const TOLERANCE: f64 = 0.015;

/// Reads `0.01`, `1` or `1/100`; returns 100, 1 and 100.
///
/// # Errors
///
/// What is wrong with it, and what to write instead.
pub(super) fn one_in(written: &str) -> Result<u32, String> {
    let plain = written.replace('_', "");
    if let Some((some, of)) = plain.split_once('/') {
        return match (some.trim().parse::<u64>(), of.trim().parse::<u64>()) {
            (Ok(_), Ok(0)) => Err("a rate cannot be a part of nothing".to_owned()),
            (Ok(1), Ok(one_in)) => u32::try_from(one_in).map_err(|_| too_rare()),
            (Ok(some), Ok(of)) => of_rate(some as f64 / of as f64),
            _ => Err(no_number()),
        };
    }
    let begins_as_number = plain.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    match plain.parse() {
        Ok(rate) if begins_as_number => of_rate(rate),
        _ => Err(no_number()),
    }
}

fn no_number() -> String {
    "a rate is a number, not more than 1, as `0.01` or `1/100`".to_owned()
}

fn too_rare() -> String {
    "a rate cannot be less than one in 4294967295".to_owned()
}

fn of_rate(rate: f64) -> Result<u32, String> {
    if rate > 1.0 {
        return Err("a rate is not more than 1, which records all".to_owned());
    }
    // Also what is not a number.
    if rate.is_nan() || rate <= 0.0 {
        return Err("a rate is more than 0: at 0 nothing would be recorded".to_owned());
    }
    let one_in = (1.0 / rate).round();
    if one_in > f64::from(u32::MAX) {
        return Err(too_rare());
    }
    if (one_in * rate - 1.0).abs() > TOLERANCE {
        let (less, more) = ((1.0 / rate).ceil(), (1.0 / rate).floor());
        let nearest =
            if more > 1.0 { format!("1/{more} or 1/{less}") } else { format!("1/{less}") };
        return Err(format!("a rate is one in a whole number, which {rate} is not: {nearest} is"));
    }
    Ok(one_in as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_the_attribute_reads_them() {
        let rates = [
            ("1", 1),
            ("1.0", 1),
            ("0.5", 2),
            ("0.33", 3),
            ("0.333", 3),
            ("0.1", 10),
            ("0.01", 100),
            ("1e-3", 1000),
            ("1/3", 3),
            ("1/1_000", 1000),
            ("2/4", 2),
            ("1 / 4294967295", u32::MAX),
        ];
        for (written, expected) in rates {
            assert_eq!(one_in(written), Ok(expected), "{written}");
        }
        for (written, told) in [
            ("0.3", "1/3 or 1/4"),
            ("0.75", "1/2"),
            ("2/3", "1/2"),
            ("2.0", "not more than 1"),
            ("3/2", "not more than 1"),
            ("0", "more than 0"),
            ("0.0", "more than 0"),
            ("-0.5", "more than 0"),
            ("1/0", "a part of nothing"),
            ("1e-12", "less than one in"),
            ("1/5000000000", "less than one in"),
            ("half", "a number"),
            ("inf", "a number"),
            ("0.5 0.5", "a number"),
            ("", "a number"),
        ] {
            let error = one_in(written).unwrap_err();
            assert!(error.contains(told), "{written}: {error}");
        }
    }
}
