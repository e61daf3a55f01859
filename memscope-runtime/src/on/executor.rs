//! What an executor calls the task that a thread polls.

/// Tokio's id of the task that is polled; `None` outside of its tasks, as in a future that is blocked on.
#[cfg(feature = "tokio")]
pub(super) fn task_id() -> Option<u64> {
    use core::fmt::{Error, Write};

    /// A number that is written in decimal digits: the only form in which an id is given out.
    struct Digits(u64);

    impl Write for Digits {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            for byte in text.bytes() {
                let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10).ok_or(Error)?;
                let shifted = self.0.checked_mul(10).ok_or(Error)?;
                self.0 = shifted.checked_add(digit.into()).ok_or(Error)?;
            }
            Ok(())
        }
    }

    let mut digits = Digits(0);
    write!(digits, "{}", tokio::task::try_id()?).ok()?;
    Some(digits.0)
}

/// No executor is asked.
#[cfg(not(feature = "tokio"))]
pub(super) const fn task_id() -> Option<u64> {
    None
}
