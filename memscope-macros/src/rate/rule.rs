//! Which rates of sampling there are: of so many values one is recorded, and so many is a whole number.
//!
//! The runtime, which reads rates from the environment, is compiled with this too: `rule_of_rates!` puts it there.

use core::fmt;

/// How far, as a part of it, a rate may be from one in a whole number.
const TOLERANCE: f64 = 0.015;

/// What is wrong with a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wrong {
    /// It is no number.
    NoNumber,
    /// It is a part of 0.
    OfNothing,
    /// It is more than 1.
    TooGreat,
    /// It is 0, or less.
    TooSmall,
    /// It is less than one in the greatest number that there is.
    TooRare,
    /// It lies between one in `fewer` and one in `more`, which is the next whole number.
    Between { rate: f64, fewer: f64, more: f64 },
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNumber => write!(f, "a rate is a number, not more than 1"),
            Self::OfNothing => write!(f, "a rate cannot be a part of nothing"),
            Self::TooGreat => write!(f, "a rate is not more than 1, which records all"),
            Self::TooSmall => {
                write!(f, "a rate is more than 0: at 0 nothing would be recorded")
            }
            Self::TooRare => write!(f, "a rate cannot be less than one in {}", u32::MAX),
            Self::Between { rate, .. } => {
                write!(f, "a rate is one in a whole number, which {rate} is not")
            }
        }
    }
}

/// One in how many `some / of` is.
pub(super) fn of_fraction(some: u64, of: u64) -> Result<u32, Wrong> {
    match (some, of) {
        (_, 0) => Err(Wrong::OfNothing),
        (1, one_in) => u32::try_from(one_in).map_err(|_| Wrong::TooRare),
        (some, of) => of_number(some as f64 / of as f64),
    }
}

/// One in how many a number is.
pub(super) fn of_number(rate: f64) -> Result<u32, Wrong> {
    if rate > 1.0 {
        return Err(Wrong::TooGreat);
    }
    // Also what is not a number.
    if rate.is_nan() || rate <= 0.0 {
        return Err(Wrong::TooSmall);
    }
    let one_in = (1.0 / rate).round();
    if one_in > f64::from(u32::MAX) {
        return Err(Wrong::TooRare);
    }
    if (one_in * rate - 1.0).abs() > TOLERANCE {
        let (fewer, more) = ((1.0 / rate).floor(), (1.0 / rate).ceil());
        return Err(Wrong::Between { rate, fewer, more });
    }
    Ok(one_in as u32)
}
