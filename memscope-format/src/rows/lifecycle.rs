//! Births and ends of values.

use crate::frame::FrameType;
use crate::record::{Event, Record, columns};
use crate::rows::Stream;
use crate::word::ids;
use serde::{Deserialize, Serialize};

ids! {
    /// What happened to a value.
    pub enum LifecycleKind {
        /// It was made.
        Born = 1,
        /// It was made as a clone of another value.
        Cloned = 2,
        /// Its variable went out of scope, and no drop was to be timed: its type has no drop glue, or the scope ends
        /// in a way that a drop cannot be told apart (arguments, patterns with several bindings).
        Exit = 3,
        /// Its variable went out of scope after the value had been moved out, with proof.
        Moved = 4,
    }
}

/// A birth or an end of a value that takes space. The ends that are drops, or may be, are rows of
/// [`DropChain`](super::DropChain).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// When, in ticks.
    pub ts: u64,
    /// What happened.
    pub kind: LifecycleKind,
    /// The site of the value.
    pub site: u32,
    /// The type of the value.
    #[serde(rename = "type")]
    pub type_id: u32,
    /// The value.
    pub value: u64,
    /// For [`LifecycleKind::Cloned`], the value it was cloned from; else 0.
    pub origin: u64,
    /// The thread it happened on.
    pub thread: u32,
}

/// A birth or an end of a zero-sized value; as [`Lifecycle`] in every field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Zst(pub Lifecycle);

columns! {
    Lifecycle: Stream::Lifecycle.frame_type(), time Some(0);
    1 "ts" ts Noisy;
    2 "kind" kind Coded;
    3 "site" site Coded;
    4 "type" type_id Coded;
    5 "value" value Plain;
    6 "origin" origin Plain;
    7 "thread" thread Plain;
}

impl Event for Lifecycle {
    const STREAM: Stream = Stream::Lifecycle;
}

impl Record for Zst {
    type Words = <Lifecycle as Record>::Words;

    const FRAME: FrameType = Stream::Zst.frame_type();
    const COLUMNS: &'static [crate::column::Column] = Lifecycle::COLUMNS;
    const TIME: Option<usize> = Lifecycle::TIME;

    #[inline]
    fn to_words(&self) -> Self::Words {
        self.0.to_words()
    }

    #[inline]
    fn from_words(words: &Self::Words) -> Result<Self, usize> {
        Lifecycle::from_words(words).map(Self)
    }

    fn set<'a>(rows: impl Iterator<Item = &'a mut Self>, id: u16, words: &[u64]) -> bool {
        Lifecycle::set(rows.map(|row| &mut row.0), id, words)
    }
}

impl Event for Zst {
    const STREAM: Stream = Stream::Zst;
}
