//! Tasks: the futures of annotated async functions.

use crate::record::{Event, columns};
use crate::rows::Stream;
use crate::word::ids;
use serde::{Deserialize, Serialize};

ids! {
    /// What happened to a task.
    pub enum TaskKind {
        /// Its future was polled for the first time.
        Started = 1,
        /// Its future gave its result.
        Completed = 2,
        /// Its future was dropped before it gave a result.
        Cancelled = 3,
        /// Its future unwound.
        Unwound = 4,
    }
}

/// The begin or the end of a task. What it did in between are the rows of [`crate::rows::Call`] that name it, and what
/// its thread recorded while they lasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// When, in ticks.
    pub ts: u64,
    /// What happened.
    pub kind: TaskKind,
    /// The task: the ring and position of its first poll, as a value id.
    pub task: u64,
    /// The task within whose poll this one's future was first polled; `None` if that was in none, or in one that was left out.
    pub parent: Option<u64>,
    /// The site of the async function.
    pub site: u32,
    /// What the executor calls it, where the executor tells.
    pub executor_id: Option<u64>,
    /// The thread it happened on.
    pub thread: u32,
    /// Of a begin: the place at which the async function was called, which made the future, as `file:line:column`: a
    /// [`crate::defs::StringDef::id`]. `None` if that is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spawned_at: Option<u32>,
    /// The task within whose poll that was; `None` if it was in none, or in one that was left out, or if
    /// [`Self::spawned_at`] is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spawner: Option<u64>,
}

columns! {
    Task: Stream::Tasks.frame_type(), time Some(0);
    1 "ts" ts Noisy;
    2 "kind" kind Coded;
    3 "task" task Noisy;
    4 "parent" parent Plain;
    5 "site" site Coded;
    6 "executor_id" executor_id Plain;
    7 "thread" thread Plain;
    8 "spawned_at" spawned_at Plain additional;
    9 "spawner" spawner Plain additional;
}

impl Event for Task {
    const STREAM: Stream = Stream::Tasks;
}
