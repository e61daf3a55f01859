//! What a raw event means: which rows it gives, and what of its words makes them.

use crate::defs::ContainerDef;
use crate::hooks::{Hook, HookTable};
use crate::raw::{DURATION_UNKNOWN, RawKind, Slot, SlotHeader, flags};
use crate::rows::{
    Call, CallOutcome, DropChain, Heap, HeapKind, LeftOut, Outcome, SnapshotReason, Stream,
    TaskKind,
};

/// Why a raw event gives no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnreadableEvent {
    /// Its hook has no definition.
    #[error("a raw event names hook {0}, which is not defined")]
    UnknownHook(u32),
    /// Its header does not say a kind of event.
    #[error("a raw event has the header {0:#018x}")]
    UnknownKind(u64),
    /// It is a snapshot of something that is not a container, or for no known reason.
    #[error("a snapshot through hook {hook} has the words {field} and {reason}")]
    UnknownSnapshot {
        /// The hook.
        hook: u32,
        /// The field that it claims to be of.
        field: u32,
        /// The reason that it claims.
        reason: u8,
    },
}

/// The flags of births that say nothing of a container's state.
pub(crate) const STATELESS: u8 = flags::CLONED | flags::UNREAD;

/// What of an event's header tells the shape of its row: hook, kind and flags, without the lap mark.
pub(crate) const KEY: u64 = (1 << 48) - 1;

/// Whether an event is an end that becomes a row of DROP_CHAIN.
#[inline(always)]
pub(crate) fn is_drop(kind: Option<RawKind>, flags: u8) -> bool {
    kind == Some(RawKind::End) && flags & (flags::EXIT | flags::MOVED) == 0
}

/// What tells the shape of the row of a drop, or a call: the depth too, which has the bits of the lap mark.
#[inline(always)]
pub(crate) const fn deep_key(slot: &Slot) -> u64 {
    slot.header & KEY | slot.p1 & !DURATION_UNKNOWN
}

/// The row of a drop.
#[inline(always)]
pub(crate) fn drop_row(slot: &Slot, site: u32, type_id: u32, thread: u32) -> DropChain {
    let flags = SlotHeader(slot.header).flags();
    let duration = slot.p1 & DURATION_UNKNOWN;
    DropChain {
        ts: slot.w0,
        duration: (duration != DURATION_UNKNOWN).then_some(duration),
        value: slot.p0,
        site,
        type_id,
        depth: (slot.p1 >> 48) as u32,
        outcome: if flags & flags::DROPPED != 0 { Outcome::Dropped } else { Outcome::Unknown },
        panicking: flags & flags::PANICKING != 0,
        thread,
        left_out: LeftOut::of_bits(flags >> flags::LEFT_OUT_SHIFT),
        stack: None,
    }
}

/// The call stack that a second slot names.
#[inline]
pub(crate) const fn stack(second: &Slot) -> Option<u32> {
    match (second.w0 >> 32) as u32 {
        0 => None,
        id => Some(id),
    }
}

/// Where, and within which task, a future was made, as a second slot says; `None` if that is unknown.
pub(crate) const fn spawned(second: &Slot) -> Option<(u32, Option<u64>)> {
    let by = if second.p0 == 0 { None } else { Some(second.p0) };
    match second.w0 as u32 {
        0 => None,
        at => Some((at, by)),
    }
}

/// The row of a call or a poll.
#[inline(always)]
pub(crate) fn call_row(slot: &Slot, site: u32, thread: u32) -> Call {
    let flags = SlotHeader(slot.header).flags();
    let duration = slot.p1 & DURATION_UNKNOWN;
    Call {
        ts: slot.w0,
        duration: (duration != DURATION_UNKNOWN).then_some(duration),
        site,
        task: (slot.p0 != 0).then_some(slot.p0),
        depth: (slot.p1 >> 48) as u32,
        outcome: if flags & flags::PANICKING != 0 {
            CallOutcome::Unwound
        } else if flags & flags::PENDING != 0 {
            CallOutcome::Pending
        } else if flags & flags::UNTOLD != 0 {
            CallOutcome::Unknown
        } else {
            CallOutcome::Returned
        },
        thread,
        left_out: LeftOut::of_bits(flags >> flags::LEFT_OUT_SHIFT),
    }
}

/// The row of a block that was allocated or freed; `block` is its number where it begins.
#[inline(always)]
pub(crate) fn heap_row(slot: &Slot, kind: HeapKind, block: Option<u64>, thread: u32) -> Heap {
    let header = SlotHeader(slot.header);
    Heap {
        ts: slot.w0,
        kind,
        block,
        addr: slot.p0,
        size: slot.p1,
        old_size: None,
        align: 1 << (header.flags() & flags::ALIGN).min(31),
        site: (header.hook() != 0).then_some(header.hook()),
        stack: None,
        thread,
        old_addr: None,
    }
}

/// The streams of the rows that [`Batch::push`] makes of an event: one row each.
///
/// # Errors
///
/// As [`Batch::push`].
#[inline]
pub(crate) fn streams_of(
    hooks: &HookTable,
    first: &Slot,
    second: Option<&Slot>,
) -> Result<(Stream, Option<Stream>), UnreadableEvent> {
    let header = SlotHeader(first.header);
    if heap_kind(header).is_some() {
        return Ok((Stream::Heap, None));
    }
    let hook_id = header.hook();
    let hook = hooks.get(hook_id).ok_or(UnreadableEvent::UnknownHook(hook_id))?;
    let flags = header.flags();
    let lifecycle = if hook.zero_sized { Stream::Zst } else { Stream::Lifecycle };
    match header.kind() {
        Some(RawKind::Born) => {
            let has_state = hook.container.is_some() && flags & STATELESS == 0;
            Ok((lifecycle, has_state.then_some(Stream::Container)))
        }
        Some(RawKind::End) if !is_drop(header.kind(), flags) => Ok((lifecycle, None)),
        Some(RawKind::End) => Ok((Stream::DropChain, None)),
        Some(RawKind::Snapshot) => {
            let second = second.ok_or(UnreadableEvent::UnknownKind(first.header))?;
            snapshot(hooks, hook_id, hook, second)?;
            Ok((Stream::Container, None))
        }
        Some(RawKind::Call) => Ok((Stream::Call, None)),
        Some(RawKind::Task) => {
            task_kind(header)?;
            Ok((Stream::Tasks, None))
        }
        Some(RawKind::Content | RawKind::Hashes) => {
            let second = second.ok_or(UnreadableEvent::UnknownKind(first.header))?;
            content(hooks, hook_id, hook, header, second)?;
            Ok((Stream::Content, None))
        }
        Some(RawKind::Pad | RawKind::Cont | RawKind::Alloc | RawKind::Free | RawKind::Realloc)
        | None => Err(UnreadableEvent::UnknownKind(first.header)),
    }
}

/// What the allocator did, if the event is one of a block.
#[inline]
pub(crate) const fn heap_kind(header: SlotHeader) -> Option<HeapKind> {
    Some(match header.kind() {
        Some(RawKind::Alloc) if header.flags() & flags::ZEROED != 0 => HeapKind::AllocZeroed,
        Some(RawKind::Alloc) => HeapKind::Alloc,
        Some(RawKind::Realloc) => HeapKind::Realloc,
        Some(RawKind::Free) => HeapKind::Free,
        _ => return None,
    })
}

/// What an event says of a task.
pub(crate) fn task_kind(header: SlotHeader) -> Result<TaskKind, UnreadableEvent> {
    TaskKind::from_id(header.flags() & flags::TASK_KIND)
        .ok_or(UnreadableEvent::UnknownKind(header.0))
}

/// What was read by a snapshot, where in the value, and why.
#[inline]
pub(crate) fn snapshot(
    hooks: &HookTable,
    hook_id: u32,
    hook: &Hook,
    second: &Slot,
) -> Result<(ContainerDef, u32, SnapshotReason), UnreadableEvent> {
    let (field, reason) = (second.p1 as u32, (second.p1 >> 32) as u8);
    let unknown = UnreadableEvent::UnknownSnapshot { hook: hook_id, field, reason };
    let def = hooks.container(hook, field).ok_or(unknown)?;
    Ok((def, field, SnapshotReason::from_id(reason).ok_or(unknown)?))
}

/// Of which container, where in the value, an event tells the content, and why.
pub(crate) fn content(
    hooks: &HookTable,
    hook_id: u32,
    hook: &Hook,
    header: SlotHeader,
    second: &Slot,
) -> Result<(u32, SnapshotReason), UnreadableEvent> {
    let (field, reason) = ((second.p0 >> 32) as u32, header.flags() & flags::REASON);
    let unknown = UnreadableEvent::UnknownSnapshot { hook: hook_id, field, reason };
    hooks.container(hook, field).ok_or(unknown)?;
    Ok((field, SnapshotReason::from_id(reason).ok_or(unknown)?))
}
