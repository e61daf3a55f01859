//! Whether events of a ring are moved faster by encoding them or by copying them.
//!
//! A copy is seven times the bytes or more, so that it depends on the disk which of them is faster. It is measured: each
//! cycle that moved many events in one way alone says what an event took. So many bytes must be worth it: copying is taken
//! where it takes half the time.

use std::time::Duration;

/// Times that the way which was found to be better is taken, until the other is tried again.
const PATIENCE: u32 = 256;

/// Events from which on a cycle's own cost is none of theirs.
const MANY: u64 = 1 << 12;

/// What an event took, each way, the last time.
#[derive(Debug, Default)]
pub(super) struct Pace {
    encoding: Option<f64>,
    copying: Option<f64>,
    /// How often it was asked.
    asked: u32,
    never: bool,
}

impl Pace {
    /// One that never copies: where the capture is to be small.
    pub(super) fn of_small() -> Self {
        Self { never: true, ..Self::default() }
    }

    /// Whether a ring whose thread is about to wait is copied. What is not known yet is tried.
    pub(super) fn copies(&mut self) -> bool {
        if self.never {
            return false;
        }
        let (encoding, copying) = match (self.encoding, self.copying) {
            (Some(encoding), Some(copying)) => (encoding, copying),
            (_, copying) => return copying.is_none(),
        };
        self.asked = (self.asked + 1) % PATIENCE;
        (copying < encoding / 2.0) != (self.asked == 0)
    }

    /// Notes what a cycle took, from its first event to the last byte written, that encoded and copied so many events.
    pub(super) fn note(&mut self, encoded: u64, copied: u64, took: Duration) {
        let each = |events: u64| Some(took.as_secs_f64() / events as f64);
        match (encoded, copied) {
            (MANY.., 0) => self.encoding = each(encoded),
            (0, MANY..) => self.copying = each(copied),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_way_is_taken_and_the_other_tried_again() {
        let mut pace = Pace::default();
        let copied = |pace: &mut Pace| (0..2 * PATIENCE).filter(|_| pace.copies()).count() as u32;
        assert!(pace.copies());
        pace.note(0, MANY, Duration::from_micros(200));
        assert!(!pace.copies(), "encoding is not known yet");
        pace.note(MANY, 0, Duration::from_micros(300));
        assert_eq!(copied(&mut pace), 2, "not twice as fast");
        // Both in one cycle, or few events, say nothing of either.
        pace.note(MANY, MANY, Duration::from_micros(1));
        pace.note(0, MANY - 1, Duration::from_micros(1));
        assert_eq!(copied(&mut pace), 2);
        pace.note(0, MANY, Duration::from_micros(100));
        assert_eq!(copied(&mut pace), 2 * PATIENCE - 2);
        assert_eq!(copied(&mut Pace::of_small()), 0);
    }
}
