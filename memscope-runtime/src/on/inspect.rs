//! Looking at a value: what its type says of itself, else only its type.
//!
//! `inspect!(&v)` must work for every type, also for a bare `T` in generic code. It goes by method resolution:
//! `(&&Inspect(&v)).inspect()` finds [`InspectTrackable`] at the first step if the type is [`Trackable`], else
//! [`InspectOpaque`] at the second.

use super::hooks;
use super::shape::{DescOf, Shape, TypeDesc};
use super::site::Site;

/// A type whose values memscope can look into.
///
/// Implemented for the containers of the standard library, and by [`track`](crate::track) for structs.
#[diagnostic::on_unimplemented(
    message = "memscope cannot look into `{Self}`",
    label = "not a tracked type, or not yet known here",
    note = "if `{Self}` is a type of yours, put `#[memscope::track]` on it",
    note = "if this is the initialiser of a tracked variable, its type is only decided further down: write it, `let v: {Self} = ...`"
)]
pub trait Trackable {
    #[doc(hidden)]
    const SHAPE: Shape;

    /// Reads a container's state, or a probe's value.
    #[doc(hidden)]
    #[inline(always)]
    fn read(&self) -> Reading {
        Reading::NOTHING
    }

    /// The site of an annotated type.
    #[doc(hidden)]
    #[inline(always)]
    fn site() -> Option<&'static Site> {
        None
    }

    /// Shows every field of an annotated struct.
    #[doc(hidden)]
    #[inline(always)]
    fn visit_fields(&self, _visitor: &mut FieldVisitor<'_>) {}
}

/// What was read of a value: two words whose meaning is that of a container's kind.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Length; of counted handles the strong count; of a probe its value.
    pub(super) len: u64,
    /// Capacity, [`Reading::UNKNOWN`] where there is none; of counted handles the weak count.
    pub(super) capacity: u64,
    /// Address of the heap block, 0 where there is none or it does not tell.
    pub(super) addr: u64,
}

impl Reading {
    pub(super) const NOTHING: Self = Self { len: 0, capacity: 0, addr: 0 };
    pub(super) const UNKNOWN: u64 = u64::MAX;
}

/// A value that was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Inspected {
    pub(super) desc: &'static TypeDesc,
    pub(super) reading: Reading,
}

/// Carries a reference to the value that is looked at.
#[derive(Debug)]
pub struct Inspect<'a, T: ?Sized>(pub &'a T);

/// Looks into a value whose type says what it is.
pub trait InspectTrackable {
    /// Reads the value.
    fn inspect(&self) -> Inspected;
}

impl<T: Trackable> InspectTrackable for &Inspect<'_, T> {
    #[inline(always)]
    fn inspect(&self) -> Inspected {
        Inspected { desc: DescOf::<T>::DESC, reading: self.0.read() }
    }
}

/// Looks at a value of which only the type is known.
pub trait InspectOpaque {
    /// Names the value's type.
    fn inspect(&self) -> Inspected;
}

impl<T> InspectOpaque for Inspect<'_, T> {
    #[inline(always)]
    fn inspect(&self) -> Inspected {
        Inspected { desc: const { &TypeDesc::of::<T>(Shape::Opaque) }, reading: Reading::NOTHING }
    }
}

/// Evaluates to an [`Inspected`] of a reference.
#[doc(hidden)]
#[macro_export]
macro_rules! __inspect {
    ($reference:expr) => {{
        #[allow(unused_imports)]
        use $crate::__private::{InspectOpaque as _, InspectTrackable as _};
        (&&$crate::__private::Inspect($reference)).inspect()
    }};
}

/// Goes over the fields of an annotated struct.
#[derive(Debug)]
pub struct FieldVisitor<'a>(pub(super) FieldPass<'a>);

/// What the visit is for.
#[derive(Debug)]
pub(super) enum FieldPass<'a> {
    /// To find the value id in its probe, 0 if there is none.
    Identity(&'a mut u64),
    /// To record the containers among the fields.
    Containers(hooks::FieldSnapshots),
}

impl FieldVisitor<'_> {
    /// Shows the field at `index` in source order.
    #[inline(always)]
    pub fn field(&mut self, index: u32, field: Inspected) {
        match (&mut self.0, field.desc.shape) {
            (FieldPass::Identity(id), Shape::Probe) => **id = field.reading.len,
            (FieldPass::Containers(snapshots), Shape::Container(container)) => {
                snapshots.record(index, container.kind, field.reading);
            }
            _ => {}
        }
    }
}
