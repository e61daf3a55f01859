//! The hooks that the macros put into functions and types.

use super::deep::Insides;
use super::inspect::{FieldVisitor, Identity, Reading, Seen, Sight, Trackable};
use super::recorder::{self, ClosedDrop, Recorder};
use super::sampling::is_left_out;
use super::shape::{DescOf, TypeDesc};
use super::site::{Hook, Site};
use super::stacks;
use memscope_format::defs::ContainerKind;
use memscope_format::raw::{DURATION_UNKNOWN, RawKind, flags, left_out, second_word};
use memscope_format::rows::SnapshotReason;

/// Records that a value's life has ended, and how.
#[inline(always)]
pub(super) fn emit_end(
    recorder: &Recorder,
    hook: &Hook,
    outcome: u8,
    value: u64,
    end: u64,
    closed: Option<ClosedDrop>,
) {
    let panicking = if std::thread::panicking() { flags::PANICKING } else { 0 };
    let (around, outcome, took) = (recorder.enclosing(), outcome | panicking, took(end, closed));
    let words = |took| end_words(around, outcome, value, took, closed);
    if is_slow(took) {
        return emit_slow_end(recorder, hook.id, end, words(most(took)));
    }
    let (flags, payload) = words(took);
    recorder.emit(hook.id, RawKind::End, flags, end, payload);
}

/// How long a drop took that has ended, if that is known.
#[inline(always)]
fn took(end: u64, closed: Option<ClosedDrop>) -> Option<u64> {
    closed.and_then(|closed| closed.start).map(|start| end.saturating_sub(start))
}

/// Whether that is so long that [`emit_slow_end`] is for it. What is not, an event can say.
#[inline(always)]
pub(super) fn is_slow(took: Option<u64>) -> bool {
    took.is_some_and(|took| took >= stacks::slow())
}

/// As much of it as an event can say.
fn most(took: Option<u64>) -> Option<u64> {
    took.map(|took| took.min(DURATION_UNKNOWN - 1))
}

/// Records the end of a slow drop, with the calls that it was within.
#[cold]
#[inline(never)]
fn emit_slow_end(recorder: &Recorder, hook: u32, end: u64, (flags, payload): (u8, [u64; 2])) {
    match stacks::here() {
        0 => recorder.emit(hook, RawKind::End, flags, end, payload),
        stack => {
            let second = (second_word(0, stack), [0; 2]);
            recorder.emit_wide(hook, RawKind::End, flags, end, payload, second)
        }
    };
}

/// The flags and the payload of an end. What encloses it is as [`Recorder::enclosing`] says.
#[inline(always)]
pub(super) fn end_words(
    (depth, around): (u32, u8),
    outcome: u8,
    value: u64,
    took: Option<u64>,
    closed: Option<ClosedDrop>,
) -> (u8, [u64; 2]) {
    let left_out = around | closed.map_or(0, |closed| closed.left_out_within);
    let depth = u64::from(depth.min(u32::from(u16::MAX)));
    let duration = took.unwrap_or(DURATION_UNKNOWN);
    (outcome | left_out << flags::LEFT_OUT_SHIFT, [value, duration | depth << 48])
}

/// Records a birth; returns the value's id.
#[inline(always)]
pub(super) fn born(recorder: &Recorder, hook: &Hook, seen: &Seen, now: u64) -> Option<u64> {
    let variable = seen.inspected;
    let Reading { len, capacity, addr } = variable.reading;
    let position = if variable.desc.shape.container().is_none() {
        recorder.emit(hook.id, RawKind::Born, 0, now, [0; 2])
    } else if let Some(payload) = variable.reading.packed() {
        recorder.emit(hook.id, RawKind::Born, 0, now, payload)
    } else {
        recorder.emit_wide(hook.id, RawKind::Born, 0, now, [len, addr], (capacity, [0; 2]))
    };
    let value = recorder.value(position?);
    if let Some(inside) = &seen.inside {
        inside.emit(recorder, hook, value, None, SnapshotReason::Birth, now);
    }
    Some(value)
}

/// Records the birth of a value in a [`Tracked`](super::tracked::Tracked), or of a clone, whose original has the id `origin`.
/// Returns its id, or the number of one that is left out.
pub(super) fn born_tracked(
    site: &'static Site,
    value: &Seen,
    origin: Option<u64>,
) -> Option<(&'static Hook, u64)> {
    let born = recorder::with(|recorder| {
        let hook = site.hook(value.inspected.desc)?;
        if let Err(number) = recorder.random.choose(hook.chance) {
            return Some((hook, number));
        }
        let id = match origin {
            None => born(recorder, hook, value, recorder.now())?,
            Some(origin) => born_by_cloning(recorder, hook, origin)?,
        };
        Some((hook, id))
    });
    born.flatten()
}

/// Records the birth of a clone; returns its id.
#[inline(always)]
fn born_by_cloning(recorder: &Recorder, hook: &Hook, origin: u64) -> Option<u64> {
    let origin = if is_left_out(origin) { 0 } else { origin };
    let now = recorder.now();
    let position = recorder.emit(hook.id, RawKind::Born, flags::CLONED, now, [origin, 0])?;
    Some(recorder.value(position))
}

/// Records that the drop of such a value begins, with its last state.
pub(super) fn tracked_drops(hook: &Hook, id: u64, value: &Seen) {
    let _ = recorder::with(|recorder| {
        if is_left_out(id) {
            return recorder.open_left_out(id);
        }
        let now = recorder.now();
        last_state(recorder, hook, id, value, now);
        recorder.open_drop(id, now);
    });
}

/// Records that the drop of such a value has ended.
pub(super) fn tracked_ends(hook: &Hook, id: u64) {
    let _ = recorder::with(|recorder| end_of_value(recorder, hook, id));
}

/// Records that the drop of a value has ended, with proof that it was one.
#[inline(always)]
fn end_of_value(recorder: &Recorder, hook: &Hook, id: u64) {
    if is_left_out(id) {
        return recorder.close_left_out(id);
    }
    let end = recorder.now();
    let closed = recorder.close_drop(id);
    emit_end(recorder, hook, flags::DROPPED, id, end, closed);
}

/// Records that such a value is moved out, with its last state.
pub(super) fn tracked_moves(hook: &Hook, id: u64, value: &Seen) {
    if is_left_out(id) {
        return;
    }
    let _ = recorder::with(|recorder| {
        let now = recorder.now();
        last_state(recorder, hook, id, value, now);
        emit_end(recorder, hook, flags::MOVED, id, now, None);
    });
}

pub(super) fn last_state(recorder: &Recorder, hook: &Hook, id: u64, value: &Seen, now: u64) {
    let Seen { inspected, inside } = value;
    if let Some(container) = inspected.desc.shape.container() {
        let (kind, reason) = (container.kind, SnapshotReason::Drop);
        emit_snapshot(recorder, hook, id, None, kind, reason, inspected.reading, now);
        if let Some(inside) = inside {
            inside.emit(recorder, hook, id, None, reason, now);
        }
    }
}

/// Records the birth of a value that carries a probe; returns its id, or the number of one that is left out, 0 if it could
/// not be recorded.
pub(super) fn born_with_probe(
    site: &'static Site,
    desc: &'static TypeDesc,
    origin: Option<u64>,
) -> u64 {
    let born = recorder::with(|recorder| {
        let hook = site.hook(desc)?;
        if let Err(number) = recorder.random.choose(hook.chance) {
            return Some(number);
        }
        if let Some(origin) = origin {
            return born_by_cloning(recorder, hook, origin);
        }
        let position = recorder.emit(hook.id, RawKind::Born, 0, recorder.now(), [0; 2])?;
        Some(recorder.value(position))
    });
    born.flatten().unwrap_or(0)
}

/// Records the end of a value that carries a probe, when the probe is dropped.
pub(super) fn end_of_probe(site: &'static Site, desc: &'static TypeDesc, value: u64) {
    let _ = recorder::with(|recorder| {
        end_of_value(recorder, site.hook(desc)?, value);
        Some(())
    });
}

/// Records that a function of a type's impl block has made a value, and gives it on. A type with a `Probe` tells of that itself.
#[inline(always)]
pub fn constructed<T, S: Sight<T>>(value: T, site: &'static Site, _: S) -> T {
    if const { !S::SHAPE.has_probe() } {
        made(site, S::DESC);
    }
    value
}

fn made(site: &'static Site, desc: &'static TypeDesc) {
    let _ = recorder::with(|recorder| {
        let hook = site.hook(desc)?;
        recorder.random.choose(hook.chance).ok()?;
        recorder.emit(hook.id, RawKind::Born, flags::UNREAD, recorder.now(), [0; 2])
    });
}

/// Records that an annotated struct begins to be dropped, with the states of its containers.
///
/// With a [`Probe`](crate::Probe) among its fields the value has an identity and the drop of the probe is the
/// drop's end. Without one, the drop is recorded now, and its duration stays unknown.
#[inline(always)]
pub fn drop_hook<T: Trackable>(value: &mut T) {
    let Some(site) = T::site() else { return };
    let told = told_identity(value);
    let id = told.unwrap_or(0);
    let _ = recorder::with(|recorder| {
        let hook = site.hook(DescOf::<T>::DESC)?;
        recorder.note_hook(hook.type_id);
        if is_left_out(id) {
            recorder.open_left_out(id);
            return Some(());
        }
        // A drop that does not tell of which value it is, is chosen or not by itself; of a value whose birth was not recorded, its
        // end is not.
        if id == 0 && (told.is_some() || recorder.random.choose(hook.chance).is_err()) {
            recorder.leave_out_within(left_out::UNTIMED_WITHIN);
            return Some(());
        }
        let mut start = recorder.now();
        if const { T::SHAPE.holds_containers() } {
            FieldSnapshots::at(recorder, hook, id, SnapshotReason::Drop, start).take(value);
            if const { T::DEEP } {
                // It does not take the longer for having been gone through.
                start = recorder.now();
            }
        }
        if id == 0 {
            emit_end(recorder, hook, flags::DROPPED, 0, start, None);
        } else {
            recorder.open_drop(id, start);
        }
        Some(())
    });
}

/// How the beginning of a drop is recorded that a type implements itself, chosen as [`Sight`] is.
pub trait DropSight<T>: Copy {
    /// Records it, if the type is a tracked one.
    fn begin(value: &mut T);
}

impl<T: Trackable> DropSight<T> for i32 {
    #[inline(always)]
    fn begin(value: &mut T) {
        drop_hook(value);
    }
}

impl<T> DropSight<T> for u8 {
    #[inline(always)]
    fn begin(_: &mut T) {}
}

/// Records that a value begins to be dropped, if its type is a tracked one.
#[inline(always)]
pub fn drop_hook_if_tracked<T, S: DropSight<T>>(value: &mut T, _: S) {
    S::begin(value);
}

/// A type whose own `Drop` begins with a hook.
#[diagnostic::on_unimplemented(
    message = "no `impl Drop` of `{Self}` has the attribute `#[memscope::track]`",
    label = "says that there is one",
    note = "put `#[memscope::track]` on the `impl Drop for {Self}`, or write `drop = on` to have one written, or `drop = off`"
)]
pub trait DropHasHook {}

/// Is only compiled if the type's own `Drop` begins with a hook.
pub const fn is_hooked<T: DropHasHook>(_: &T) {}

/// Whether a type's own `Drop` begins with a hook, chosen as [`Sight`] is.
pub trait OwnDrop<T>: Copy {
    /// The answer.
    const HAS_HOOK: bool;
}

impl<T: DropHasHook> OwnDrop<T> for i32 {
    const HAS_HOOK: bool = true;
}

impl<T> OwnDrop<T> for u8 {
    const HAS_HOOK: bool = false;
}

/// Whether a type's own `Drop` begins with a hook.
#[must_use]
pub const fn own_drop_has_hook<T, S: OwnDrop<T>>(_: S) -> bool {
    S::HAS_HOOK
}

/// The id of a value, which a probe among its fields tells; 0 if there is none.
#[inline(always)]
pub(super) fn identity<T: Trackable>(value: &T) -> u64 {
    told_identity(value).unwrap_or(0)
}

/// The id of a value, if there is a probe among its fields; 0 if its birth was not recorded.
#[inline(always)]
fn told_identity<T: Trackable>(value: &T) -> Option<u64> {
    let mut identity = Identity::default();
    value.visit_fields(&mut identity);
    identity.0
}

/// Records the states of a value's fields.
#[derive(Debug)]
pub(super) struct FieldSnapshots {
    recorder: &'static Recorder,
    hook: &'static Hook,
    value: u64,
    reason: SnapshotReason,
    now: u64,
}

impl FieldSnapshots {
    #[inline(always)]
    pub(super) fn at(
        recorder: &'static Recorder,
        hook: &'static Hook,
        value: u64,
        reason: SnapshotReason,
        now: u64,
    ) -> Self {
        Self { recorder, hook, value, reason, now }
    }

    /// Takes those of a value.
    #[inline(always)]
    pub(super) fn take<T: Trackable>(mut self, value: &T) {
        if const { T::DEEP } {
            value.visit_fields(&mut DeepFields(self));
        } else {
            value.visit_fields(&mut self);
        }
    }
}

impl FieldVisitor for FieldSnapshots {
    #[inline(always)]
    fn field<T, S: Sight<T>>(&mut self, field: u32, place: &T, _: S) {
        if let Some(container) = const { S::SHAPE.container() } {
            let (kind, reading, field) = (container.kind, S::read(place), Some(field));
            let Self { recorder, hook, value, reason, now } = *self;
            emit_snapshot(recorder, hook, value, field, kind, reason, reading, now);
        }
    }
}

/// As [`FieldSnapshots`], with what is in them.
struct DeepFields(FieldSnapshots);

impl FieldVisitor for DeepFields {
    #[inline]
    fn field<T, S: Sight<T>>(&mut self, field: u32, place: &T, sight: S) {
        self.0.field(field, place, sight);
        if let Some(inside) = S::inside(place).get() {
            let FieldSnapshots { recorder, hook, value, reason, now } = self.0;
            inside.emit(recorder, hook, value, Some(field), reason, now);
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the words of one event, named")]
pub(super) fn emit_snapshot(
    recorder: &Recorder,
    hook: &Hook,
    value: u64,
    field: Option<u32>,
    kind: ContainerKind,
    reason: SnapshotReason,
    reading: Reading,
    now: u64,
) {
    let place =
        u64::from(field.map_or(0, |field| field + 1)) | (reason as u64) << 32 | (kind as u64) << 40;
    let second = (reading.len, [reading.capacity, place]);
    recorder.emit_wide(hook.id, RawKind::Snapshot, 0, now, [value, reading.addr], second);
}
