//! Raw events into rows: what a drain does with what it finds in the rings, and a reader with what was left there.

use crate::chunk::{Chunk, ChunkFull, Sealed};
use crate::codec::Compressor;
use crate::compression::Compression;
use crate::defs::ContainerDef;
use crate::hooks::{Hook, HookTable};
use crate::raw::{DURATION_UNKNOWN, RawKind, Slot, SlotHeader, flags, value_id};
use crate::record::Record;
use crate::rows::{
    Call, CallOutcome, Container, Content, DropChain, Heap, HeapKind, LeftOut, Lifecycle,
    LifecycleKind, Outcome, SnapshotReason, Stream, Task, TaskKind, Zst,
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

/// Rows of all streams, on their way into frames.
#[derive(Debug)]
pub struct Batch {
    /// Births and ends.
    pub lifecycle: Chunk<Lifecycle>,
    /// Container states.
    pub container: Chunk<Container>,
    /// Births and ends of zero-sized values.
    pub zst: Chunk<Zst>,
    /// Drops.
    pub drop_chain: Chunk<DropChain>,
    /// Calls and polls.
    pub call: Chunk<Call>,
    /// Blocks of the heap.
    pub heap: Chunk<Heap>,
    /// Tasks.
    pub task: Chunk<Task>,
    /// Contents of containers.
    pub content: Chunk<Content>,
    /// Raw events since the last seal.
    pub events: u64,
    compressor: Compressor,
    /// Frames of chunks that were full before the last seal.
    full: Vec<Sealed>,
}

impl Batch {
    /// Makes an empty batch whose frames will be compressed as `compression`, or just a codec, says.
    #[must_use]
    pub fn new(compression: impl Into<Compression>) -> Self {
        Self {
            lifecycle: Chunk::new(),
            container: Chunk::new(),
            zst: Chunk::new(),
            drop_chain: Chunk::new(),
            call: Chunk::new(),
            heap: Chunk::new(),
            task: Chunk::new(),
            content: Chunk::new(),
            events: 0,
            compressor: Compressor::new(compression.into()),
            full: Vec::new(),
        }
    }

    /// Appends the rows of a raw event that lies at `position` of a ring, recorded by `thread`.
    ///
    /// A birth is a row of LIFECYCLE (of ZST if the type has no size) and, if the type is a container, one of
    /// CONTAINER. An end is a row of DROP_CHAIN, or of LIFECYCLE (ZST) if no drop was to be timed or the value
    /// had moved. A snapshot is a row of CONTAINER. Calls and polls are rows of CALL, begins and ends of tasks of TASKS,
    /// contents and hashes of CONTENT, and what becomes of blocks are rows of HEAP.
    ///
    /// Until the batch is sealed, a hook must mean the same in all `hooks` that are given.
    ///
    /// # Errors
    ///
    /// If the event means nothing; then it adds no row and is not counted.
    #[inline]
    pub fn push(
        &mut self,
        hooks: &HookTable,
        ring: u16,
        thread: u32,
        position: u64,
        first: &Slot,
        second: Option<&Slot>,
    ) -> Result<(), UnreadableEvent> {
        let header = SlotHeader(first.header);
        let hook_id = header.hook();
        let key = first.header & KEY;
        if let Some(kind) = heap_kind(header) {
            let block = value_id(ring, position);
            self.push_heap(kind, key, block, first, second, thread);
            self.events += 1;
            return Ok(());
        }
        let hook = hooks.get(hook_id).ok_or(UnreadableEvent::UnknownHook(hook_id))?;
        let flags = header.flags();
        match header.kind() {
            Some(RawKind::Born) => {
                let value = value_id(ring, position);
                let (kind, origin) = match flags & flags::CLONED {
                    0 => (LifecycleKind::Born, 0),
                    _ => (LifecycleKind::Cloned, first.p0),
                };
                self.push_lifecycle(hook, key, [first.w0, value, origin], kind, thread);
                if let (true, Some(def)) = (flags & STATELESS == 0, hook.container) {
                    let (len, capacity) = match second {
                        Some(second) => (first.p0, second.w0),
                        None => (first.p0 & u64::from(u32::MAX), first.p0 >> 32),
                    };
                    let state = State { len, capacity, addr: first.p1 };
                    let at = Place { value, hook, field: 0, reason: SnapshotReason::Birth };
                    self.push_container(hook_id, first.w0, thread, &at, def, &state);
                }
            }
            Some(RawKind::End) if flags & (flags::EXIT | flags::MOVED) != 0 => {
                let kind = match flags & flags::MOVED {
                    0 => LifecycleKind::Exit,
                    _ => LifecycleKind::Moved,
                };
                self.push_lifecycle(hook, key, [first.w0, first.p0, 0], kind, thread);
            }
            Some(RawKind::End) => {
                let duration = first.p1 & DURATION_UNKNOWN;
                let row = DropChain {
                    ts: first.w0,
                    duration: (duration != DURATION_UNKNOWN).then_some(duration),
                    value: first.p0,
                    site: hook.site,
                    type_id: hook.type_id,
                    depth: (first.p1 >> 48) as u32,
                    outcome: if flags & flags::DROPPED != 0 {
                        Outcome::Dropped
                    } else {
                        Outcome::Unknown
                    },
                    panicking: flags & flags::PANICKING != 0,
                    thread,
                    left_out: LeftOut::of_bits(flags >> flags::LEFT_OUT_SHIFT),
                };
                // The depth has the bits of the lap mark, which is not part of the key.
                let key = key | first.p1 & !DURATION_UNKNOWN;
                put(
                    &mut self.drop_chain,
                    key,
                    &row,
                    hook.weight,
                    &mut self.compressor,
                    &mut self.full,
                );
            }
            Some(RawKind::Snapshot) => {
                let second = second.ok_or(UnreadableEvent::UnknownKind(first.header))?;
                let (def, field, reason) = snapshot(hooks, hook_id, hook, second)?;
                let state = State { len: second.w0, capacity: second.p0, addr: first.p1 };
                let at = Place { value: first.p0, hook, field, reason };
                self.push_container(hook_id, first.w0, thread, &at, def, &state);
            }
            Some(RawKind::Call) => {
                let duration = first.p1 & DURATION_UNKNOWN;
                let row = Call {
                    ts: first.w0,
                    duration: (duration != DURATION_UNKNOWN).then_some(duration),
                    site: hook.site,
                    task: (first.p0 != 0).then_some(first.p0),
                    depth: (first.p1 >> 48) as u32,
                    outcome: if flags & flags::PANICKING != 0 {
                        CallOutcome::Unwound
                    } else if flags & flags::PENDING != 0 {
                        CallOutcome::Pending
                    } else {
                        CallOutcome::Returned
                    },
                    thread,
                    left_out: LeftOut::of_bits(flags >> flags::LEFT_OUT_SHIFT),
                };
                let key = key | first.p1 & !DURATION_UNKNOWN;
                put(&mut self.call, key, &row, hook.weight, &mut self.compressor, &mut self.full);
            }
            Some(RawKind::Task) => {
                let kind = task_kind(header)?;
                let begins = kind == TaskKind::Started;
                let row = Task {
                    ts: first.w0,
                    kind,
                    task: if begins { value_id(ring, position) } else { first.p0 },
                    parent: (begins && first.p0 != 0).then_some(first.p0),
                    site: hook.site,
                    executor_id: first.p1.checked_sub(1),
                    thread,
                };
                put(&mut self.task, key, &row, hook.weight, &mut self.compressor, &mut self.full);
            }
            Some(kind @ (RawKind::Content | RawKind::Hashes)) => {
                let second = second.ok_or(UnreadableEvent::UnknownKind(first.header))?;
                let (field, reason) = content(hooks, hook_id, hook, header, second)?;
                let at = Place { value: first.p0, hook, field, reason };
                self.push_content(hook_id, kind, first, second, thread, &at);
            }
            Some(
                RawKind::Pad | RawKind::Cont | RawKind::Alloc | RawKind::Free | RawKind::Realloc,
            )
            | None => {
                return Err(UnreadableEvent::UnknownKind(first.header));
            }
        }
        self.events += 1;
        Ok(())
    }

    /// Bytes of the chunks that are full.
    pub(crate) fn sealed_len(&self) -> u64 {
        self.full.iter().map(Sealed::frame_len).sum()
    }

    /// Makes frames of all rows and empties the batch.
    pub fn seal(&mut self) -> Vec<Sealed> {
        let mut frames = std::mem::take(&mut self.full);
        let compressor = &mut self.compressor;
        frames.extend(self.lifecycle.seal_with(compressor));
        frames.extend(self.container.seal_with(compressor));
        frames.extend(self.zst.seal_with(compressor));
        frames.extend(self.drop_chain.seal_with(compressor));
        frames.extend(self.call.seal_with(compressor));
        frames.extend(self.heap.seal_with(compressor));
        frames.extend(self.task.seal_with(compressor));
        frames.extend(self.content.seal_with(compressor));
        self.events = 0;
        frames
    }

    #[inline]
    fn push_lifecycle(
        &mut self,
        hook: &Hook,
        key: u64,
        [ts, value, origin]: [u64; 3],
        kind: LifecycleKind,
        thread: u32,
    ) {
        let (site, type_id) = (hook.site, hook.type_id);
        let row = Lifecycle { ts, kind, site, type_id, value, origin, thread };
        if hook.zero_sized {
            put(&mut self.zst, key, &Zst(row), hook.weight, &mut self.compressor, &mut self.full);
        } else {
            put(&mut self.lifecycle, key, &row, hook.weight, &mut self.compressor, &mut self.full);
        }
    }

    #[inline]
    fn push_container(
        &mut self,
        hook_id: u32,
        ts: u64,
        thread: u32,
        at: &Place<'_>,
        def: ContainerDef,
        state: &State,
    ) {
        let counted = def.kind.is_counted();
        let row = Container {
            ts,
            value: at.value,
            site: at.hook.site,
            type_id: at.hook.type_id,
            field: at.field,
            kind: def.kind,
            reason: at.reason,
            len: (!counted).then_some(state.len),
            capacity: def.kind.has_capacity().then_some(state.capacity),
            element_size: def.element_size,
            addr: (state.addr != 0).then_some(state.addr),
            strong: counted.then_some(state.len),
            weak: counted.then_some(state.capacity),
            thread,
        };
        put(
            &mut self.container,
            at.key(hook_id),
            &row,
            at.hook.weight,
            &mut self.compressor,
            &mut self.full,
        );
    }

    #[inline]
    fn push_heap(
        &mut self,
        kind: HeapKind,
        key: u64,
        event: u64,
        first: &Slot,
        second: Option<&Slot>,
        thread: u32,
    ) {
        let header = SlotHeader(first.header);
        let begins = matches!(kind, HeapKind::Alloc | HeapKind::AllocZeroed);
        let mut row = Heap {
            ts: first.w0,
            kind,
            block: begins.then_some(event),
            addr: first.p0,
            size: first.p1,
            old_size: None,
            align: 1 << (header.flags() & flags::ALIGN).min(31),
            site: (header.hook() != 0).then_some(header.hook()),
            stack: None,
            thread,
            old_addr: None,
        };
        if kind == HeapKind::Realloc {
            let (old_addr, size, old_size) = match second {
                Some(second) => (second.p0, first.p1, second.p1),
                None => (first.p0, first.p1 & u64::from(u32::MAX), first.p1 >> 32),
            };
            row.size = size;
            row.old_size = Some(old_size);
            row.old_addr = Some(old_addr);
        }
        let weight = second.map_or(1, |second| u32::try_from(second.w0).unwrap_or(u32::MAX).max(1));
        put(&mut self.heap, key, &row, weight, &mut self.compressor, &mut self.full);
    }

    fn push_content(
        &mut self,
        hook_id: u32,
        kind: RawKind,
        first: &Slot,
        second: &Slot,
        thread: u32,
        at: &Place<'_>,
    ) {
        let low = |word: u64| word & u64::from(u32::MAX);
        let mut row = Content {
            ts: first.w0,
            value: at.value,
            site: at.hook.site,
            type_id: at.hook.type_id,
            field: at.field,
            reason: at.reason,
            blocks: None,
            used_bytes: None,
            room_bytes: None,
            unknown: None,
            shared: None,
            keys: None,
            distinct: None,
            homes: None,
            fullest: None,
            buckets: None,
            thread,
        };
        if kind == RawKind::Content {
            let blocks = low(second.p0);
            row.blocks = (blocks != u64::from(u32::MAX)).then_some(blocks);
            row.used_bytes = Some(first.p1);
            row.room_bytes = Some(second.w0);
            row.unknown = Some(low(second.p1));
            row.shared = Some(second.p1 >> 32);
        } else {
            let distinct = low(second.w0);
            let hashed = distinct > 0 || first.p1 == 0;
            row.keys = Some(first.p1);
            row.distinct = hashed.then_some(distinct);
            row.homes = hashed.then_some(low(second.p0));
            row.fullest = hashed.then_some(second.w0 >> 32);
            row.buckets = Some(second.p1);
        }
        put(
            &mut self.content,
            at.key(hook_id),
            &row,
            at.hook.weight,
            &mut self.compressor,
            &mut self.full,
        );
    }
}

/// The flags of births that say nothing of a container's state.
const STATELESS: u8 = flags::CLONED | flags::UNREAD;

/// What of an event's header tells the shape of its row: hook, kind and flags, without the lap mark.
const KEY: u64 = (1 << 48) - 1;

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
        Some(RawKind::End) if flags & (flags::EXIT | flags::MOVED) != 0 => Ok((lifecycle, None)),
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
const fn heap_kind(header: SlotHeader) -> Option<HeapKind> {
    Some(match header.kind() {
        Some(RawKind::Alloc) if header.flags() & flags::ZEROED != 0 => HeapKind::AllocZeroed,
        Some(RawKind::Alloc) => HeapKind::Alloc,
        Some(RawKind::Realloc) => HeapKind::Realloc,
        Some(RawKind::Free) => HeapKind::Free,
        _ => return None,
    })
}

/// What an event says of a task.
fn task_kind(header: SlotHeader) -> Result<TaskKind, UnreadableEvent> {
    TaskKind::from_id(header.flags() & flags::TASK_KIND)
        .ok_or(UnreadableEvent::UnknownKind(header.0))
}

/// What was read by a snapshot, where in the value, and why.
#[inline]
fn snapshot(
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
fn content(
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

/// Which container was read, and why.
struct Place<'a> {
    value: u64,
    hook: &'a Hook,
    field: u32,
    reason: SnapshotReason,
}

impl Place<'_> {
    /// What tells the shape of the row. Hooks are below 2^22, and fields fewer than a record of 1 MiB can name.
    #[inline]
    fn key(&self, hook_id: u32) -> u64 {
        u64::from(hook_id) | (self.reason as u64) << 24 | u64::from(self.field) << 32
    }
}

/// The words that were read of a container.
struct State {
    len: u64,
    capacity: u64,
    addr: u64,
}

/// Appends a row; a full chunk is sealed first.
#[inline]
fn put<R: Record>(
    chunk: &mut Chunk<R>,
    key: u64,
    row: &R,
    weight: u32,
    compressor: &mut Compressor,
    full: &mut Vec<Sealed>,
) {
    let push = |chunk: &mut Chunk<R>| match weight {
        1 => chunk.push_keyed(key, row),
        weight => chunk.push_keyed_weighted(key, row, weight.into()),
    };
    if let Err(ChunkFull) = push(chunk) {
        full.extend(chunk.seal_with(compressor));
        // It is empty now.
        let _ = push(chunk);
    }
}
