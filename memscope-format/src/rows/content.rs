//! Contents of containers: what their elements own, and how well the keys of a hash map are spread.

use crate::record::{Event, columns};
use crate::rows::{SnapshotReason, Stream};
use serde::{Deserialize, Serialize};

/// What the elements of a container own, or how its keys are spread, at one moment: one of the two groups of columns, the
/// other is `None`. The container itself is in the row of [`crate::rows::Container`] with the same time, value, field and reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// When, in ticks.
    pub ts: u64,
    /// The value that is the container, or holds it as a field; 0 where the value has no identity.
    pub value: u64,
    /// The site of that value.
    pub site: u32,
    /// The type of that value.
    #[serde(rename = "type")]
    pub type_id: u32,
    /// As in [`crate::rows::Container::field`].
    pub field: u32,
    /// Why it was read.
    pub reason: SnapshotReason,
    /// Blocks of the heap that the elements own, with what is in them, and so on; of those in `unknown` and `shared` nothing
    /// is counted. `None` also for 2^32 - 1 or more.
    pub blocks: Option<u64>,
    /// Bytes of those blocks that hold something: length times element size. Of tables and trees, what they need beside their
    /// elements is not in it.
    pub used_bytes: Option<u64>,
    /// Bytes of those blocks: capacity times element size.
    pub room_bytes: Option<u64>,
    /// Values among the elements that do not tell, or not wholly, what they own; 2^32 - 1 stands for as many or more.
    pub unknown: Option<u64>,
    /// Handles among the elements whose content has several owners, and is not counted; 2^32 - 1 stands for as many or more.
    pub shared: Option<u64>,
    /// Keys of a hash map.
    pub keys: Option<u64>,
    /// Different 64-bit hashes of these keys; `None`, as in the next two, if they were not hashed.
    pub distinct: Option<u64>,
    /// Buckets that the search for one of these keys begins at.
    pub homes: Option<u64>,
    /// The most keys whose search begins at one bucket.
    pub fullest: Option<u64>,
    /// Buckets of the map, as inferred from its capacity: the least power of two that has room for as many. After elements were
    /// removed there may be more.
    pub buckets: Option<u64>,
    /// The thread that read it.
    pub thread: u32,
}

columns! {
    Content: Stream::Content.frame_type(), time Some(0);
    1 "ts" ts Noisy;
    2 "value" value Noisy;
    3 "site" site Coded;
    4 "type" type_id Coded;
    5 "field" field Coded;
    6 "reason" reason Coded;
    7 "blocks" blocks Plain;
    8 "used_bytes" used_bytes Noisy;
    9 "room_bytes" room_bytes Noisy;
    10 "unknown" unknown Plain;
    11 "shared" shared Plain;
    12 "keys" keys Plain;
    13 "distinct" distinct Plain;
    14 "homes" homes Plain;
    15 "fullest" fullest Plain;
    16 "buckets" buckets Plain;
    17 "thread" thread Plain;
}

impl Event for Content {
    const STREAM: Stream = Stream::Content;
}
