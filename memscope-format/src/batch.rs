//! Raw events into rows: what a drain does with what it finds in the rings, and a reader with what was left there.

mod known;

use crate::chunk::{Chunk, ChunkFull, Sealed};
use crate::codec::Compressor;
use crate::compression::Compression;
use crate::defs::ContainerDef;
use crate::event::{
    KEY, STATELESS, UnreadableEvent, call_row, content, deep_key, drop_row, heap_kind, heap_row,
    is_drop, snapshot, spawned, stack, task_kind,
};
use crate::hooks::{HOOK_LIMIT, Hook, HookTable};
use crate::raw::{Events, RawKind, Slot, SlotHeader, flags, value_id};
use crate::record::Record;
use crate::rows::{
    Call, Container, Content, DropChain, Heap, HeapKind, Lifecycle, LifecycleKind, SnapshotReason,
    Task, TaskKind, Zst,
};

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

    /// Appends the rows of the events in slots that follow one upon another in a ring, from `position` on: as [`Batch::push`]
    /// does for each, but faster.
    ///
    /// Returns how many slots were taken, and why no more. That is all but a last event of which the second slot is missing,
    /// or those before the first event that means nothing.
    pub fn push_slots(
        &mut self,
        hooks: &HookTable,
        ring: u16,
        thread: u32,
        position: u64,
        slots: &[Slot],
    ) -> (usize, Result<(), UnreadableEvent>) {
        let mut taken = 0;
        loop {
            let born = value_id(ring, position + taken as u64);
            taken += self.push_known(hooks, born, thread, &slots[taken..]);
            let mut events = Events::new(&slots[taken..]);
            let Some((at, first, second)) = events.next() else {
                return (taken + events.taken(), Ok(()));
            };
            let at = taken + at;
            if let Err(error) = self.push(hooks, ring, thread, position + at as u64, first, second)
            {
                return (at, Err(error));
            }
            taken += events.taken();
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
        // What [`Batch::push_known`] does not take is not to be found by it.
        let more = if second.is_some() || hook.weight != 1 { MORE } else { 0 };
        match header.kind() {
            Some(RawKind::Born) => {
                let value = value_id(ring, position);
                let (kind, origin) = match flags & flags::CLONED {
                    0 => (LifecycleKind::Born, 0),
                    _ => (LifecycleKind::Cloned, first.p0),
                };
                let state = hook.container.filter(|_| flags & STATELESS == 0);
                let more = match state {
                    _ if kind != LifecycleKind::Born => MORE,
                    Some(_) if more == 0 && !hook.zero_sized => STATED,
                    Some(_) => MORE,
                    None => more,
                };
                self.push_lifecycle(hook, key | more, [first.w0, value, origin], kind, thread);
                if let Some(def) = state {
                    let state = match second {
                        Some(second) => {
                            State { len: first.p0, capacity: second.w0, addr: first.p1 }
                        }
                        None => State::at_birth(first),
                    };
                    let at = Place { value, hook, field: 0, reason: SnapshotReason::Birth };
                    self.push_container(hook_id, first.w0, thread, &at, def, &state);
                }
            }
            Some(RawKind::End) if !is_drop(header.kind(), flags) => {
                let kind = match flags & flags::MOVED {
                    0 => LifecycleKind::Exit,
                    _ => LifecycleKind::Moved,
                };
                self.push_lifecycle(hook, key | more, [first.w0, first.p0, 0], kind, thread);
            }
            Some(RawKind::End) if let Some(stack) = second.and_then(stack) => {
                let row = drop_row(first, hook.site, hook.type_id, thread);
                self.push_drop_with_stack(DropChain { stack: Some(stack), ..row }, hook.weight);
            }
            Some(RawKind::End) => {
                let row = drop_row(first, hook.site, hook.type_id, thread);
                put(
                    &mut self.drop_chain,
                    deep_key(first) | more,
                    move || row,
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
                let row = call_row(first, hook.site, thread);
                put(
                    &mut self.call,
                    deep_key(first) | more,
                    move || row,
                    hook.weight,
                    &mut self.compressor,
                    &mut self.full,
                );
            }
            Some(RawKind::Task) => {
                let kind = task_kind(header)?;
                let begins = kind == TaskKind::Started;
                let spawned = second.filter(|_| begins).and_then(spawned);
                let row = Task {
                    ts: first.w0,
                    kind,
                    task: if begins { value_id(ring, position) } else { first.p0 },
                    parent: (begins && first.p0 != 0).then_some(first.p0),
                    site: hook.site,
                    executor_id: first.p1.checked_sub(1),
                    thread,
                    spawned_at: spawned.map(|(at, _)| at),
                    spawner: spawned.and_then(|(_, by)| by),
                };
                put(
                    &mut self.task,
                    key,
                    move || row,
                    hook.weight,
                    &mut self.compressor,
                    &mut self.full,
                );
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
            put(
                &mut self.zst,
                key,
                move || Zst(row),
                hook.weight,
                &mut self.compressor,
                &mut self.full,
            );
        } else {
            put(
                &mut self.lifecycle,
                key,
                move || row,
                hook.weight,
                &mut self.compressor,
                &mut self.full,
            );
        }
    }

    /// Appends the row of a drop with a stack, which no key tells.
    fn push_drop_with_stack(&mut self, row: DropChain, weight: u32) {
        if let Err(ChunkFull) = self.drop_chain.push(&row) {
            self.full.extend(self.drop_chain.seal_with(&mut self.compressor));
            // An empty one has room.
            let _ = self.drop_chain.push(&row);
        }
        if weight != 1 {
            self.drop_chain.weigh(weight.into());
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
        let row = at.row(ts, thread, def, state);
        put(
            &mut self.container,
            at.key(hook_id),
            move || row,
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
        let begins = matches!(kind, HeapKind::Alloc | HeapKind::AllocZeroed);
        let mut row = heap_row(first, kind, begins.then_some(event), thread);
        row.stack = second.and_then(stack);
        if kind == HeapKind::Realloc {
            let (old_addr, size, old_size) = match second {
                Some(second) => (second.p0, first.p1, second.p1),
                None => (first.p0, first.p1 & u64::from(u32::MAX), first.p1 >> 32),
            };
            row.size = size;
            row.old_size = Some(old_size);
            row.old_addr = Some(old_addr);
        }
        let weight = second.map_or(1, |second| (second.w0 as u32).max(1));
        put(&mut self.heap, key, move || row, weight, &mut self.compressor, &mut self.full);
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
            move || row,
            at.hook.weight,
            &mut self.compressor,
            &mut self.full,
        );
    }
}

/// What keys have in them of rows that are not all that their event says, or not only what [`Batch::push_known`] makes of it.
/// No hook has this bit.
const MORE: u64 = 1 << 31;
/// What those have of a container's birth whose state is a second row. No hook has this bit either.
const STATED: u64 = 1 << 30;
const _: () = assert!(HOOK_LIMIT as u64 <= STATED);

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

    /// The row of a container's state.
    #[inline(always)]
    fn row(&self, ts: u64, thread: u32, def: ContainerDef, state: &State) -> Container {
        let counted = def.kind.is_counted();
        Container {
            ts,
            value: self.value,
            site: self.hook.site,
            type_id: self.hook.type_id,
            field: self.field,
            kind: def.kind,
            reason: self.reason,
            len: (!counted).then_some(state.len),
            capacity: def.kind.has_capacity().then_some(state.capacity),
            element_size: def.element_size,
            addr: (state.addr != 0).then_some(state.addr),
            strong: counted.then_some(state.len),
            weak: counted.then_some(state.capacity),
            thread,
        }
    }
}

/// The words that were read of a container.
struct State {
    len: u64,
    capacity: u64,
    addr: u64,
}

impl State {
    /// That of a birth in one slot.
    #[inline(always)]
    const fn at_birth(slot: &Slot) -> Self {
        Self { len: slot.p0 & u32::MAX as u64, capacity: slot.p0 >> 32, addr: slot.p1 }
    }
}

/// Appends a row; a full chunk is sealed first.
#[inline(always)]
fn put<R: Record>(
    chunk: &mut Chunk<R>,
    key: u64,
    row: impl Fn() -> R,
    weight: u32,
    compressor: &mut Compressor,
    full: &mut Vec<Sealed>,
) {
    if chunk.is_block_full()
        && let Err(ChunkFull) = chunk.make_room()
    {
        full.extend(chunk.seal_with(compressor));
    }
    chunk.push_keyed(key, row);
    if weight != 1 {
        chunk.weigh(weight.into());
    }
}
