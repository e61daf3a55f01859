//! How a writer checkpoints, and what it does when its sink fails.

use crate::rows::Stream;
use std::time::Duration;

/// How a capture is written. Each part has a default of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriterOptions {
    /// When checkpoints are written.
    pub checkpoints: Checkpoints,
    /// How failed writes are repeated.
    pub retry: Retry,
    /// What is still written when nothing else helps; `None`: a write that fails for good is an error.
    pub thinning: Option<Thinning>,
}

/// When a checkpoint is due: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoints {
    /// Bytes since the one before: what a reader searches for it, at most.
    pub bytes: u64,
    /// Time since the one before, if anything was written. It is looked at when something is written.
    pub time: Duration,
}

impl Default for Checkpoints {
    /// Every 16 MiB or 5 seconds.
    fn default() -> Self {
        Self { bytes: 16 << 20, time: Duration::from_secs(5) }
    }
}

/// How often a write that fails is repeated before something else is tried, and after which pauses.
///
/// Each pause is twice the one before. A write that took anything starts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often; 0 for never.
    pub tries: u32,
    /// The pause before the first repetition.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Retry {
    /// A failed write is not repeated.
    pub const NEVER: Self =
        Self { tries: 0, first_pause: Duration::ZERO, longest_pause: Duration::ZERO };

    /// The pause before a repetition, counted from 0; `None` if there is to be none.
    #[must_use]
    pub fn pause(&self, repetition: u32) -> Option<Duration> {
        let doubled = 1_u32.checked_shl(repetition).unwrap_or(u32::MAX);
        (repetition < self.tries)
            .then(|| self.first_pause.saturating_mul(doubled).min(self.longest_pause))
    }
}

impl Default for Retry {
    /// Never: whoever knows that a failure passes says so.
    fn default() -> Self {
        Self::NEVER
    }
}

/// Which streams are written while the sink refuses; the rows of the others are counted as lost.
///
/// It begins with the first write that fails for good and ends when a checkpoint, which says what was lost, could be
/// written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thinning {
    /// The streams whose chunks are still written.
    pub keep: Vec<Stream>,
}

impl Default for Thinning {
    /// Keeps births and ends: without an end a value would live for ever. Its states may go.
    fn default() -> Self {
        Self { keep: vec![Stream::Lifecycle, Stream::Zst, Stream::DropChain] }
    }
}

/// When the bytes must have reached the device, so that they outlive the machine and not only the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// When the operating system sees fit.
    #[default]
    None,
    /// At each checkpoint, and when the capture is closed.
    Checkpoint,
    /// At each commit too.
    Commit,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let ms = Duration::from_millis;
        let retry = Retry { tries: 5, first_pause: ms(10), longest_pause: ms(50) };
        let pauses: Vec<_> = (0..7).map_while(|n| retry.pause(n)).collect();
        assert_eq!(pauses, [ms(10), ms(20), ms(40), ms(50), ms(50)]);
        let forever = Retry { tries: u32::MAX, ..retry };
        assert_eq!(forever.pause(1 << 20), Some(ms(50)));
        assert_eq!(Retry::NEVER.pause(0), None);
    }
}
