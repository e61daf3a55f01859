//! Looking at a value: what its type says of itself, else only its type.
//!
//! `inspect!(&v)` must work for every type, also for a bare `T` in generic code, and must not take part in type
//! inference: a variable's type may only be decided further down. Method resolution, the usual way to prefer one
//! implementation, needs the type at once; trait selection can wait. So the choice is left to selection, as the
//! type of an integer literal: see [`Sight`].

use super::hooks;
use super::shape::{DescOf, Shape, TypeDesc};
use super::site::Site;

/// A type whose values memscope can look into.
///
/// Implemented for the containers of the standard library, and by [`track`](crate::track) for types.
#[diagnostic::on_unimplemented(
    message = "memscope cannot look into `{Self}`",
    label = "`{Self}` is not a tracked type",
    note = "if it is a type of yours, put `#[memscope::track]` on it",
    note = "if it is `!`, the initialiser never gives a value: write it without `let`"
)]
pub trait Trackable {
    /// What there is to see; nothing, for a type whose attribute is in error.
    #[doc(hidden)]
    const SHAPE: Shape = Shape::Opaque;

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

    /// Shows every field that a value of an annotated type has.
    #[doc(hidden)]
    #[inline(always)]
    fn visit_fields(&self, _visitor: &mut FieldVisitor<'_>) {}
}

/// What was read of a value: two words whose meaning is that of a container's kind.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Length; of counted handles the strong count; of a probe its value.
    pub(super) len: u64,
    /// Capacity, 0 where the container has none to tell; of counted handles the weak count.
    pub(super) capacity: u64,
    /// Address of the heap block, 0 where there is none or it does not tell.
    pub(super) addr: u64,
}

impl Reading {
    pub(super) const NOTHING: Self = Self { len: 0, capacity: 0, addr: 0 };
}

/// A value that was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Inspected {
    pub(super) desc: &'static TypeDesc,
    pub(super) reading: Reading,
}

/// How values of a type are looked at, chosen by the compiler as the type of a literal `0`.
///
/// For a type that is not [`Trackable`] only `u8` implements this, and the literal becomes a `u8`. For one that is,
/// both do, nothing decides between them, and the literal becomes what an undecided integer always becomes, an
/// `i32`. Either happens when the value's type is known, however late that is.
pub trait Sight<T>: Copy {
    /// What can be seen of values of the type.
    const SHAPE: Shape;

    /// The type.
    const DESC: &'static TypeDesc;

    /// Reads a value.
    fn read(value: &T) -> Reading;

    /// Looks at a value.
    #[inline(always)]
    fn look(value: &T) -> Inspected {
        Inspected { desc: Self::DESC, reading: Self::read(value) }
    }
}

/// Looks into the value.
impl<T: Trackable> Sight<T> for i32 {
    const SHAPE: Shape = T::SHAPE;
    const DESC: &'static TypeDesc = DescOf::<T>::DESC;

    #[inline(always)]
    fn read(value: &T) -> Reading {
        value.read()
    }
}

/// Looks at the value's type alone.
impl<T> Sight<T> for u8 {
    const SHAPE: Shape = Shape::Opaque;
    const DESC: &'static TypeDesc = &TypeDesc::of::<T>(Shape::Opaque);

    #[inline(always)]
    fn read(_: &T) -> Reading {
        Reading::NOTHING
    }
}

/// What a diverging initialiser leaves where the type `!` is not meant (before edition 2024).
impl Trackable for () {}

/// Looks at a value.
#[inline(always)]
pub fn inspect<T, S: Sight<T>>(value: &T, _: S) -> Inspected {
    S::look(value)
}

/// Returns the shape of a type.
#[must_use]
pub const fn shape_of<T, S: Sight<T>>(_: S) -> Shape {
    S::SHAPE
}

/// Evaluates to an [`Inspected`] of a reference.
#[doc(hidden)]
#[macro_export]
macro_rules! __inspect {
    ($reference:expr) => {
        $crate::__private::inspect($reference, 0)
    };
}

/// Evaluates to the [`Shape`] of a type, [`Shape::Opaque`] if it says nothing of itself.
#[doc(hidden)]
#[macro_export]
macro_rules! __shape_of {
    ($type:ty) => {
        $crate::__private::shape_of::<$type, _>(0)
    };
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
