//! Raw events as the hooks write them, and the file of rings they are written to.
//!
//! The rings file lies beside the capture while the program runs and survives it when it dies. It is a
//! [`RINGS_HEADER_LEN`] byte header, then one *ring* after another at a fixed stride: a
//! [`RING_HEADER_LEN`] byte ring header and `capacity` [`Slot`]s. A ring belongs to one thread at a time.
//!
//! Positions count slots from the ring's first use and never restart; position `p` lies in slot
//! `p % capacity`, and its header carries the lap mark of `p`, so that a reader tells written slots from
//! stale ones without any published head. The mark is stored last.

mod chunk;
mod walk;

#[cfg(feature = "fuzz")]
pub(crate) use chunk::head_len;
pub(crate) use chunk::{MAX_HEAD_LEN, RawHead, RawStream, decode};
pub use chunk::{RAW_EVENTS, RawChunk};
pub use walk::{Events, Walk};

/// Bytes of a slot.
pub const SLOT_LEN: usize = 32;

/// One 32-byte slot; an event takes one slot or two.
///
/// The second slot of a wide event has the kind [`RawKind::Cont`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C, align(32))]
pub struct Slot {
    /// First slot: when, in ticks. Second slot: see [`RawKind`].
    pub w0: u64,
    /// Hook, kind, flags and lap mark: [`SlotHeader`].
    pub header: u64,
    /// See [`RawKind`].
    pub p0: u64,
    /// See [`RawKind`].
    pub p1: u64,
}

/// The kinds of raw events and what their words hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RawKind {
    /// Fills the slots up to a quarter's end where a wide event does not fit; not an event.
    Pad = 0,
    /// A value was born; its id is this event's ring and position.
    ///
    /// Containers: `p0` = length | capacity << 32 (counted handles: strong | weak << 32), `p1` = heap address or 0.
    /// With [`flags::WIDE`]: `p0` = length (strong), second slot's `w0` = capacity (weak).
    /// With [`flags::CLONED`]: `p0` = the original's id. Otherwise, and with [`flags::UNREAD`], both 0.
    /// A kind without a capacity may have any word in its place.
    Born = 1,
    /// A value ended. `w0` = end, `p0` = value id, `p1` = ticks the drop took (48 bits, all ones = unknown) | depth << 48.
    /// With [`flags::WIDE`] the second slot's `w0` is a [`second_word`] with a call stack.
    End = 2,
    /// A container was read. `p0` = value id, `p1` = heap address or 0; second slot: `w0` = length (strong),
    /// `p0` = capacity (weak), `p1` = field (32 bits) | reason (8) | container kind (8); field and reason as in
    /// [`crate::rows::Container`].
    Snapshot = 3,
    /// The second slot of a wide event.
    Cont = 4,
    /// A call, or a poll, ended. `w0` = end, `p0` = the task that was polled or 0, `p1` = ticks it took (48 bits, all ones =
    /// unknown) | depth << 48. Its hook is of no type.
    Call = 5,
    /// A task began or ended. Begin: its id is this event's ring and position, `p0` = the task within which that happened or
    /// 0. End: `p0` = the task. `p1` = one more than what the executor calls it, or 0. With [`flags::WIDE`], of a begin: the
    /// second slot's `w0` = the [`crate::defs::StringDef::id`] of where its future was made, or 0, and `p0` = the task within
    /// which that was, or 0.
    Task = 6,
    /// The elements of a container were gone through. `p0` = value id, `p1` = bytes in use; second slot: `w0` = bytes of room,
    /// `p0` = blocks (32 bits, all ones = not told) | field (32), `p1` = unknown values | shared handles << 32, each all ones
    /// from there on. The reason is in the flags; all as in [`crate::rows::Content`].
    Content = 7,
    /// The keys of a hash map were hashed. `p0` = value id, `p1` = keys; second slot: `w0` = distinct hashes (32 bits; 0 of keys
    /// that were not hashed) | most keys of a home << 32, `p0` = homes (32) | field (32), `p1` = buckets. The reason is in the
    /// flags; all as in [`crate::rows::Content`].
    Hashes = 8,
    /// A block of the heap was allocated. Its header names a site instead of a hook: what was being initialised, or ran; or 0.
    /// `p0` = address, `p1` = size. With [`flags::WIDE`] the second slot's `w0` is a [`second_word`].
    Alloc = 9,
    /// A block of the heap is freed; as [`RawKind::Alloc`].
    Free = 10,
    /// A block of the heap got another size; header as [`RawKind::Alloc`]. It stayed where it was: `p0` = address, `p1` = size |
    /// old size << 32. With [`flags::WIDE`]: `p0` = address, `p1` = size; second slot: `w0` is a [`second_word`], `p0` = old
    /// address, `p1` = old size.
    Realloc = 11,
}

impl RawKind {
    /// Returns the kind with this id, if there is one.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            0 => Self::Pad,
            1 => Self::Born,
            2 => Self::End,
            3 => Self::Snapshot,
            4 => Self::Cont,
            5 => Self::Call,
            6 => Self::Task,
            7 => Self::Content,
            8 => Self::Hashes,
            9 => Self::Alloc,
            10 => Self::Free,
            11 => Self::Realloc,
            _ => return None,
        })
    }
}

/// Flags in a slot header; their meaning depends on the kind.
pub mod flags {
    /// The event takes a second slot.
    pub const WIDE: u8 = 0x80;
    /// `Born`: by cloning.
    pub const CLONED: u8 = 0x01;
    /// `Born`: a container was not read, so that its state is unknown.
    pub const UNREAD: u8 = 0x02;
    /// `End`: the value was dropped, with proof.
    pub const DROPPED: u8 = 0x01;
    /// `End`: the value had been moved out, with proof.
    pub const MOVED: u8 = 0x02;
    /// `End`: no drop was to be timed; becomes a lifecycle row.
    pub const EXIT: u8 = 0x04;
    /// `End`: the thread was unwinding. `Call`: it unwound.
    pub const PANICKING: u8 = 0x08;
    /// `End`, `Call`: the lowest of the bits that say what was left out, as in [`crate::rows::LeftOut`].
    pub const LEFT_OUT_SHIFT: u32 = 4;
    /// `Call`: the future was not ready.
    pub const PENDING: u8 = 0x01;
    /// `Call`: the thread was unwinding when it began, so that it cannot be told whether it unwound.
    pub const UNTOLD: u8 = 0x02;
    /// `Task`: the bits that hold a [`crate::rows::TaskKind`].
    pub const TASK_KIND: u8 = 0x07;
    /// `Content`, `Hashes`: the bits that hold a [`crate::rows::SnapshotReason`].
    pub const REASON: u8 = 0x07;
    /// `Alloc`, `Free`, `Realloc`: the bits that hold the base-2 logarithm of the alignment.
    pub const ALIGN: u8 = 0x3F;
    /// `Alloc`: filled with zero bytes.
    pub const ZEROED: u8 = 0x40;
}

/// What flags say was left out of sampling, from [`flags::LEFT_OUT_SHIFT`] on: the numbers of [`crate::rows::LeftOut`].
pub mod left_out {
    /// The call (or drop) directly around it.
    pub const AROUND: u8 = 1;
    /// Calls directly within it.
    pub const WITHIN: u8 = 2;
    /// Drops directly within it that would have had no duration.
    pub const UNTIMED_WITHIN: u8 = 4;
}

/// The duration in an `End` that says "not observed".
pub const DURATION_UNKNOWN: u64 = (1 << 48) - 1;

/// The header word of a slot: hook (32 bits) | kind (8) | flags (8) | lap mark (16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotHeader(pub u64);

impl SlotHeader {
    /// Packs the word.
    #[must_use]
    #[inline(always)]
    pub const fn new(hook: u32, kind: RawKind, flags: u8, lap: u16) -> Self {
        Self(hook as u64 | (kind as u64) << 32 | (flags as u64) << 40 | (lap as u64) << 48)
    }

    /// The hook's id.
    #[must_use]
    pub const fn hook(self) -> u32 {
        self.0 as u32
    }

    /// The kind, if this version knows it.
    #[must_use]
    pub const fn kind(self) -> Option<RawKind> {
        RawKind::from_id((self.0 >> 32) as u8)
    }

    /// The flags.
    #[must_use]
    pub const fn flags(self) -> u8 {
        (self.0 >> 40) as u8
    }

    /// Whether the event takes a second slot: it says so, or is a snapshot, which always does.
    #[must_use]
    #[inline]
    pub const fn is_wide(self) -> bool {
        matches!(self.kind(), Some(RawKind::Snapshot))
            || self.flags() & flags::WIDE != 0 && !matches!(self.kind(), Some(RawKind::Pad))
    }

    /// The lap mark.
    #[must_use]
    pub const fn lap(self) -> u16 {
        (self.0 >> 48) as u16
    }
}

/// Returns the lap mark of a position: never 0, so that a slot never written is never valid.
#[must_use]
pub const fn lap_mark(position: u64, capacity: u64) -> u16 {
    mark_of_lap(position / capacity)
}

/// Returns the mark of a lap, from 0.
#[inline]
const fn mark_of_lap(lap: u64) -> u16 {
    (lap % 0xFFFF) as u16 + 1
}

/// Packs the word of a second slot that says how many blocks an event stands for, 0 for one, and the call stack that it
/// happened in: a [`crate::defs::StackDef::id`], or 0.
#[must_use]
#[inline(always)]
pub const fn second_word(weight: u32, stack: u32) -> u64 {
    weight as u64 | (stack as u64) << 32
}

/// Packs a value id.
#[must_use]
#[inline(always)]
pub const fn value_id(ring: u16, position: u64) -> u64 {
    (ring as u64) << 48 | (position & 0xFFFF_FFFF_FFFF)
}

/// The position of a value's birth in its ring, out of its id.
#[must_use]
#[inline(always)]
pub const fn ring_position(value: u64) -> u64 {
    value & 0xFFFF_FFFF_FFFF
}

/// First bytes of a rings file.
pub const RINGS_MAGIC: [u8; 8] = *b"MEMSRING";
/// Version of the rings file's layout.
pub const RINGS_VERSION: u32 = 1;
/// Bytes of the rings file's header (one page).
pub const RINGS_HEADER_LEN: usize = 4096;
/// Bytes of a ring's header (one page).
pub const RING_HEADER_LEN: usize = 4096;

/// The header of a rings file; little endian, at offset 0.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct RingsHeader {
    /// [`RINGS_MAGIC`].
    pub magic: [u8; 8],
    /// [`RINGS_VERSION`].
    pub version: u32,
    /// The process that writes.
    pub pid: u32,
    /// That of the capture it belongs to.
    pub file_id: [u8; 16],
    /// Slots of a ring, a power of two.
    pub capacity: u64,
    /// Rings that exist; set after the ring's space was reserved.
    pub rings: u64,
    /// The newest clock reading: ticks.
    pub clock_ticks: u64,
    /// The newest clock reading: nanoseconds of the monotonic clock at the same moment; 0 while the reading is
    /// being written, or where there is none.
    pub clock_ns: u64,
    /// Events lost because they could not be put in any ring (no space for a ring, after the end, re-entered).
    pub lost: u64,
}

/// The header of a ring; little endian, at the ring's offset.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct RingHeader {
    /// The [`crate::defs::ThreadDef::id`] of the thread that owns the ring, or 0.
    pub thread: u32,
    /// Explicit padding.
    pub reserved: u32,
    /// The position up to which events are in the capture file's committed frames.
    pub drained: u64,
    /// Events of this ring that were lost because it was full.
    pub lost: u64,
    /// The position that the ring began at; set before the file says that the ring exists.
    pub start: u64,
}

/// Offset of a ring in the rings file.
#[must_use]
pub const fn ring_offset(ring: u64, capacity: u64) -> u64 {
    RINGS_HEADER_LEN as u64 + ring * (RING_HEADER_LEN as u64 + capacity * SLOT_LEN as u64)
}
