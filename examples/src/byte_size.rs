//! Amounts of memory, as people write and read them.

use std::fmt;
use std::str::FromStr;

/// A number of bytes, written `64MiB`, `1.5 GiB`, `500k` or `4096`.
///
/// ```
/// use memscope_examples::byte_size::ByteSize;
///
/// assert_eq!("1.5 KiB".parse(), Ok(ByteSize(1536)));
/// assert_eq!("2k".parse(), Ok(ByteSize(2000)));
/// assert_eq!(ByteSize(3 << 20).to_string(), "3.0 MiB");
/// assert!("12 apples".parse::<ByteSize>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// Units in the order of their size; the first of each row is what [`ByteSize`] prints.
const BINARY: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
const DECIMAL: [&str; 5] = ["", "k", "M", "G", "T"];

/// Why a text is no [`ByteSize`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a size: write for example 64MiB, 500k or 4096")]
pub struct NotASize(String);

impl FromStr for ByteSize {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        let not_a_size = || NotASize(text.to_owned());
        let number = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = text.trim().trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        let number: f64 = number.trim().parse().map_err(|_| not_a_size())?;
        let factor = unit_factor(unit).ok_or_else(not_a_size)?;
        let bytes = number * factor;
        if !(0.0..u64::MAX as f64).contains(&bytes) {
            return Err(not_a_size());
        }
        Ok(Self(bytes as u64))
    }
}

fn unit_factor(unit: &str) -> Option<f64> {
    let power =
        |units: &[&str], unit: &str| units.iter().position(|u| u.eq_ignore_ascii_case(unit));
    if let Some(power) = power(&BINARY, unit) {
        return Some(1024_f64.powi(power as i32));
    }
    let unit = unit.strip_suffix(['B', 'b']).unwrap_or(unit);
    power(&DECIMAL, unit).map(|power| 1000_f64.powi(power as i32))
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut amount = self.0 as f64;
        let mut power = 0;
        while amount >= 1024.0 && power + 1 < BINARY.len() {
            amount /= 1024.0;
            power += 1;
        }
        let decimals = usize::from(power > 0);
        f.pad(&format!("{amount:.decimals$} {}", BINARY[power]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_binary_or_decimal_and_bytes_are_bare() {
        let bytes = |text: &str| text.parse::<ByteSize>().map(|size| size.0);
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("17B"), Ok(17));
        assert_eq!(bytes("64MiB"), Ok(64 << 20));
        assert_eq!(bytes("64mib"), Ok(64 << 20));
        assert_eq!(bytes("3MB"), Ok(3_000_000));
        assert_eq!(bytes(" 2 G "), Ok(2_000_000_000));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MiB", "-1", "1e30", "12 XB", "1 2", "nan", "inf"] {
            assert_eq!(text.parse::<ByteSize>(), Err(NotASize(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn printing_scales_and_pads() {
        assert_eq!(ByteSize(999).to_string(), "999 B");
        assert_eq!(format!("{:>9}", ByteSize(1536)), "  1.5 KiB");
        assert_eq!(ByteSize(u64::MAX).to_string(), "16777216.0 TiB");
    }
}
