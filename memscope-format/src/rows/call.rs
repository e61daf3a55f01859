//! Calls of functions, and polls of futures.

use crate::record::{Event, columns};
use crate::rows::{LeftOut, Stream};
use crate::word::ids;
use serde::{Deserialize, Serialize};

ids! {
    /// How a call, or a poll, ended.
    pub enum CallOutcome {
        /// Unknown whether it returned or unwound: its thread was unwinding when it began, in a drop.
        Unknown = 0,
        /// The function returned; the future was ready.
        Returned = 1,
        /// It unwound.
        Unwound = 2,
        /// The future was not ready: it will be polled again, or dropped.
        Pending = 3,
        /// It had not ended when the recording did. No raw event says this: today's recorder does not write it.
        Open = 4,
    }
}

/// A call of a function, or one poll of the future that an async function returned. Rows of a thread come in the order
/// of their ends, so a call's row follows those of the calls that it made, which have a greater depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// When it ended, in ticks; of [`CallOutcome::Open`], when it began.
    pub ts: u64,
    /// Ticks it took, with the calls that it made; `None` where its begin or end is not observed.
    pub duration: Option<u64>,
    /// The site of the function.
    pub site: u32,
    /// The task that was polled ([`crate::rows::Task::task`]); `None` for the call of a function that is not async.
    pub task: Option<u64>,
    /// How many recorded calls enclose this one on its thread; those that were left out are not counted.
    pub depth: u32,
    /// How it ended.
    pub outcome: CallOutcome,
    /// The thread it ran on.
    pub thread: u32,
    /// Which calls around and within it were left out when they were sampled.
    #[serde(default, skip_serializing_if = "LeftOut::is_nothing")]
    pub left_out: LeftOut,
}

columns! {
    Call: Stream::Call.frame_type(), time Some(0);
    1 "ts" ts Noisy;
    2 "duration" duration Noisy;
    3 "site" site Coded;
    4 "task" task Noisy;
    5 "depth" depth Coded;
    6 "outcome" outcome Coded;
    7 "thread" thread Plain;
    8 "left_out" left_out Coded additional;
}

impl Event for Call {
    const STREAM: Stream = Stream::Call;
}
