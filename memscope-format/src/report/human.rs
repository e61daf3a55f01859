//! Amounts as people read them: for messages and tables, never for machines.

use std::fmt;

/// A count with thousands separators: `1,234,567`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

impl Count {
    /// Says how many there are of something whose plural ends in `s`: `1 drop`, `1,204 drops`.
    #[must_use]
    pub fn of(self, thing: &str) -> String {
        format!("{self} {thing}{}", if self.0 == 1 { "" } else { "s" })
    }
}

/// An amount of bytes in binary units: `512 B`, `11.8 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&scaled(self.0, 1024, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]))
    }
}

/// A duration of so many nanoseconds: `850 ns`, `12.3 µs`, `1.25 s`, `2 min 05 s`, `3 h 07 min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nanos(pub u64);

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000_000_000;
        let text = match seconds {
            0..60 => scaled(self.0, 1000, &["ns", "µs", "ms", "s"]),
            60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
            _ => format!("{} h {:02} min", Count(seconds / 3600), seconds / 60 % 60),
        };
        f.pad(&text)
    }
}

/// Writes an amount with three significant digits and the greatest unit that leaves at least 1 before the point.
fn scaled(amount: u64, step: u64, units: &[&str]) -> String {
    if amount < step {
        return format!("{amount} {}", units[0]);
    }
    let mut rest = amount as f64;
    let mut unit = 0;
    // 999.5 would be written as 1000 of the smaller unit.
    while unit + 1 < units.len() && rest >= step as f64 - if unit == 0 { 0.0 } else { 0.5 } {
        rest /= step as f64;
        unit += 1;
    }
    let decimals = match rest {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{rest:.decimals$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_thousands_separators() {
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(Count(count).to_string(), text);
        }
        assert_eq!(format!("{:>7}|", Count(1000)), "  1,000|");
        assert_eq!(
            [0, 1, 2000].map(|n| Count(n).of("event")),
            ["0 events", "1 event", "2,000 events"]
        );
    }

    #[test]
    fn bytes_use_binary_units() {
        let texts = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (12_345_678, "11.8 MiB"),
            (1 << 40, "1.00 TiB"),
        ];
        for (bytes, text) in texts {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        assert_eq!(Bytes(u64::MAX).to_string(), "16.0 EiB");
    }

    #[test]
    fn durations_grow_units() {
        let texts = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1000, "1.00 µs"),
            (12_345, "12.3 µs"),
            (999_999, "1.00 ms"),
            (1_250_000_000, "1.25 s"),
            (59_990_000_000, "60.0 s"),
            (125_000_000_000, "2 min 05 s"),
            (11_220_000_000_000, "3 h 07 min"),
        ];
        for (ns, text) in texts {
            assert_eq!(Nanos(ns).to_string(), text);
        }
    }
}
