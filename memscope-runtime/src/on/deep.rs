//! Looking at what a container's elements own: what the option `deep` adds to a hook.

use super::hashing::{Hashed, Hashes};
use super::inspect::{Reading, Sight};
use super::owned::{Measure, Owns};
use super::recorder::{self, Recorder};
use super::session;
use super::shape::{Shape, TypeDesc};
use super::site::Hook;
use memscope_format::raw::{RawKind, flags};
use memscope_format::rows::SnapshotReason;

/// Looks at a value, and, if it is a container, at its elements: how, each literal says, as that of [`Sight`] does.
#[derive(Debug, Clone, Copy)]
pub struct Deep<S, C, H>(pub S, pub C, pub H);

/// How what a value owns is found out, chosen as [`Sight`] is.
pub trait OwnedSight<T>: Copy {
    /// Whether the type tells.
    const TELLS: bool;

    /// Adds what the value owns.
    fn measure(value: &T, measure: &mut Measure);

    /// Adds what a container's elements own.
    fn elements(value: &T, measure: &mut Measure);
}

impl<T: Owns> OwnedSight<T> for i32 {
    const TELLS: bool = true;

    #[inline]
    fn measure(value: &T, measure: &mut Measure) {
        value.measure(measure);
    }

    #[inline]
    fn elements(value: &T, measure: &mut Measure) {
        value.elements(measure);
    }
}

impl<T> OwnedSight<T> for u8 {
    const TELLS: bool = false;

    #[inline]
    fn measure(_: &T, measure: &mut Measure) {
        measure.opaque::<T>();
    }

    #[inline]
    fn elements(_: &T, measure: &mut Measure) {
        measure.opaque::<T>();
    }
}

/// Whether a value's keys can be hashed, chosen as [`Sight`] is.
pub trait HashSight<T>: Copy {
    /// How they are spread.
    fn hashes(value: &T) -> Option<Hashes>;
}

impl<T: Hashed> HashSight<T> for i32 {
    #[inline]
    fn hashes(value: &T) -> Option<Hashes> {
        Some(value.hashes())
    }
}

impl<T> HashSight<T> for u8 {
    #[inline]
    fn hashes(_: &T) -> Option<Hashes> {
        None
    }
}

impl<T, S: Sight<T>, C: OwnedSight<T>, H: HashSight<T>> Sight<T> for Deep<S, C, H> {
    const SHAPE: Shape = S::SHAPE;
    const DESC: &'static TypeDesc = S::DESC;
    const ELEMENTS_OWN: bool = S::ELEMENTS_OWN;

    #[inline(always)]
    fn read(value: &T) -> Reading {
        S::read(value)
    }

    type Inside = Option<Inside>;

    #[inline]
    fn inside(value: &T) -> Option<Inside> {
        let container = const { S::SHAPE.container() }?;
        if !session::has_contents() || !recorder::may_look() {
            return None;
        }
        let mut measure = Measure::default();
        if const { C::TELLS } {
            C::elements(value, &mut measure);
        } else if const { S::ELEMENTS_OWN } {
            let len = S::read(value).len;
            measure.not_told(if container.kind.is_counted() { 1 } else { len });
        }
        Some(Inside { measure, hashes: H::hashes(value) })
    }

    #[inline]
    fn measure(value: &T, measure: &mut Measure) {
        C::measure(value, measure);
    }
}

/// What a look into a container may give.
pub trait Insides: Copy + core::fmt::Debug {
    /// Whether it was not asked for.
    const ARE_NOTHING: bool;

    /// It, if it was asked for.
    fn get(self) -> Option<Inside>;

    /// What of it stays as it is while the container is only borrowed.
    fn lasting(self) -> Self;
}

impl Insides for () {
    const ARE_NOTHING: bool = true;

    #[inline(always)]
    fn get(self) -> Option<Inside> {
        None
    }

    #[inline(always)]
    fn lasting(self) -> Self {}
}

impl Insides for Option<Inside> {
    const ARE_NOTHING: bool = false;

    #[inline(always)]
    fn get(self) -> Option<Inside> {
        self
    }

    #[inline(always)]
    fn lasting(self) -> Self {
        self.filter(|inside| !inside.measure.may_change)
    }
}

/// What was found in a container.
#[derive(Debug, Clone, Copy)]
pub struct Inside {
    measure: Measure,
    hashes: Option<Hashes>,
}

impl Inside {
    /// Records it, of the container at `field` of a value, beside its state at the same time.
    #[inline(never)]
    pub(super) fn emit(
        &self,
        recorder: &Recorder,
        hook: &Hook,
        value: u64,
        field: Option<u32>,
        reason: SnapshotReason,
        now: u64,
    ) {
        if !session::has_contents() {
            // It was looked at before the session began, by its first event.
            return;
        }
        let low = |number: u64| number.min(u64::from(u32::MAX));
        let field = u64::from(field.map_or(0, |field| field + 1)) << 32;
        let flags = flags::REASON & reason as u8;
        let Measure { blocks, used, room, unknown, shared, .. } = self.measure;
        let second = (room, [low(blocks) | field, low(unknown) | low(shared) << 32]);
        recorder.emit_wide(hook.id, RawKind::Content, flags, now, [value, used], second);
        if let Some(Hashes { keys, distinct, homes, fullest, buckets }) = self.hashes {
            let spread = u64::from(distinct) | u64::from(fullest) << 32;
            let second = (spread, [u64::from(homes) | field, buckets]);
            recorder.emit_wide(hook.id, RawKind::Hashes, flags, now, [value, keys], second);
        }
    }
}
