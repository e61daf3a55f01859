//! States of containers.

use crate::defs::ContainerKind;
use crate::record::{Event, columns};
use crate::rows::Stream;
use crate::word::ids;
use serde::{Deserialize, Serialize};

ids! {
    /// Why a container's state was read.
    pub enum SnapshotReason {
        /// The variable that holds it was born.
        Birth = 1,
        /// It, or the value that holds it as a field, begins to be dropped, or leaves what tracked it.
        Drop = 2,
        /// The program asked, by `snapshot!`.
        Asked = 3,
        /// The program ends, and it, or what holds it as a field, is in a static.
        Exit = 4,
    }
}

impl SnapshotReason {
    /// Whether nothing happens to the container after it was read.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Drop | Self::Exit)
    }
}

/// The state of a container at one moment. `None` is "unknown", or "has none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// When, in ticks.
    pub ts: u64,
    /// The value that is the container, or holds it as a field; 0 where the value has no identity.
    pub value: u64,
    /// The site of that value.
    pub site: u32,
    /// The type of that value.
    #[serde(rename = "type")]
    pub type_id: u32,
    /// 0 if the value is the container, else one more than the field's place in [`crate::defs::TypeDef::fields`].
    pub field: u32,
    /// Which container.
    pub kind: ContainerKind,
    /// Why it was read.
    pub reason: SnapshotReason,
    /// Elements it holds; for a string, bytes.
    pub len: Option<u64>,
    /// Elements it has room for.
    pub capacity: Option<u64>,
    /// Size of one element in bytes.
    pub element_size: u32,
    /// Address of its heap block; `None` where it has none or does not tell.
    pub addr: Option<u64>,
    /// Strong handles, for `Rc` and `Arc`.
    pub strong: Option<u64>,
    /// Weak handles, for `Rc` and `Arc`.
    pub weak: Option<u64>,
    /// The thread that read it.
    pub thread: u32,
}

columns! {
    Container: Stream::Container.frame_type(), time Some(0);
    1 "ts" ts Noisy;
    2 "value" value Noisy;
    3 "site" site Coded;
    4 "type" type_id Coded;
    5 "field" field Coded;
    6 "kind" kind Coded;
    7 "reason" reason Coded;
    8 "len" len Noisy;
    9 "capacity" capacity Noisy;
    10 "element_size" element_size Coded;
    11 "addr" addr Noisy;
    12 "strong" strong Plain;
    13 "weak" weak Plain;
    14 "thread" thread Plain;
}

impl Event for Container {
    const STREAM: Stream = Stream::Container;

    /// The birth of a container is counted by its row in LIFECYCLE.
    fn is_event(&self) -> bool {
        self.reason != SnapshotReason::Birth
    }
}
