//! Dates and times.

/// Writes a moment, in nanoseconds of the Unix epoch, as date and time of UTC, to the second.
pub(crate) fn utc(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000;
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Turns days since 1970-01-01 into year, month and day (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    // Years begin in March here, so that the leap day is the last one.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Reads a time, as `1.5s`, `20ms`, `7us` or `100ns`, in nanoseconds.
pub(crate) fn duration_ns(text: &str) -> Result<u64, String> {
    let units = [("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)];
    let found = units.iter().find_map(|(unit, ns)| Some((text.strip_suffix(unit)?, *ns)));
    let wrong = || format!("{text} is no time; write 1.5s, 20ms, 7us or 100ns");
    let (number, unit): (&str, u64) = found.ok_or_else(wrong)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && part.is_empty())
        || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return Err(wrong());
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
    // Below a nanosecond nothing is told apart.
    let (part, _) = part.bytes().fold((0, unit), |(sum, unit), digit| {
        (sum + unit / 10 * u64::from(digit - b'0'), unit / 10)
    });
    whole.checked_mul(unit).and_then(|ns| ns.checked_add(part)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_700_000_000, "2023-11-14 22:13:20 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(seconds * 1_000_000_000), text);
        }
    }
    #[test]
    fn times_have_units() {
        for (text, ns) in [
            ("1.5s", 1_500_000_000),
            ("0.000000001s", 1),
            (".25ms", 250_000),
            ("20ms", 20_000_000),
            ("7us", 7_000),
            ("7.123456us", 7_123),
            ("100ns", 100),
            ("0s", 0),
        ] {
            assert_eq!(duration_ns(text), Ok(ns), "{text}");
        }
        for text in ["", "s", ".s", "1", "-1s", "1e3s", "1.2.3s", "1 s", "99999999999999s"] {
            assert!(duration_ns(text).is_err(), "{text}");
        }
    }
}
