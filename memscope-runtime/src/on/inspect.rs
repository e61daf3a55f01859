//! Looking at a value: what its type says of itself, else only its type.
//!
//! Looking at `v` must work for every type, also for a bare `T` in generic code, and must not take part in type
//! inference: a variable's type may only be decided further down. Method resolution, the usual way to prefer one
//! implementation, needs the type at once; trait selection can wait. So the choice is left to selection, as the
//! type of an integer literal: see [`Sight`].

use super::deep::{Inside, Insides};
use super::owned::Measure;
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

    /// Whether the elements of a container are dropped by running code: only then can they own anything.
    #[doc(hidden)]
    const ELEMENTS_OWN: bool = true;

    /// Whether the contents of the containers among an annotated type's fields are to be read.
    #[doc(hidden)]
    const DEEP: bool = false;

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

    /// Does nothing, but compiles only if the probe among an annotated type's fields is its own.
    #[doc(hidden)]
    fn has_own_probe() {}

    /// Shows every field that a value of an annotated type has.
    #[doc(hidden)]
    #[inline(always)]
    fn visit_fields(&self, _visitor: &mut impl FieldVisitor) {}
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

    /// The words of a birth that have all of it, if they do.
    #[inline(always)]
    pub(super) fn packed(self) -> Option<[u64; 2]> {
        let Self { len, capacity, addr } = self;
        let fits = len < u64::from(u32::MAX) && capacity < u64::from(u32::MAX);
        fits.then_some([len | capacity << 32, addr])
    }
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
    /// As [`Trackable::ELEMENTS_OWN`].
    const ELEMENTS_OWN: bool = true;

    /// The type.
    const DESC: &'static TypeDesc;

    /// Reads a value.
    fn read(value: &T) -> Reading;

    /// Looks at a value.
    #[inline(always)]
    fn look(value: &T) -> Inspected {
        Inspected { desc: Self::DESC, reading: Self::read(value) }
    }

    /// What is found in a container: nothing, where that was not asked for.
    type Inside: Insides;

    /// Looks at what is in a container.
    fn inside(value: &T) -> Self::Inside;

    /// Looks at a value, and at what is in it where that was asked for.
    #[inline(always)]
    fn see(value: &T) -> Seen {
        Seen { inspected: Self::look(value), inside: Self::inside(value).get() }
    }

    /// Adds what a value owns, as far as that is known of its type.
    #[inline]
    fn measure(_: &T, measure: &mut Measure) {
        measure.opaque::<T>();
    }
}

/// A value that was looked at, with what is in it.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub(super) inspected: Inspected,
    pub(super) inside: Option<Inside>,
}

impl Seen {
    /// What is seen of a value without looking into it.
    #[inline(always)]
    pub(super) const fn outside(desc: &'static TypeDesc, reading: Reading) -> Self {
        Self { inspected: Inspected { desc, reading }, inside: None }
    }
}

/// Looks into the value.
impl<T: Trackable> Sight<T> for i32 {
    const SHAPE: Shape = T::SHAPE;
    const DESC: &'static TypeDesc = DescOf::<T>::DESC;
    const ELEMENTS_OWN: bool = T::ELEMENTS_OWN;

    type Inside = ();

    #[inline(always)]
    fn inside(_: &T) {}

    #[inline(always)]
    fn read(value: &T) -> Reading {
        value.read()
    }
}

/// Looks at the value's type alone.
impl<T> Sight<T> for u8 {
    const SHAPE: Shape = Shape::Opaque;
    const DESC: &'static TypeDesc = &TypeDesc::of::<T>(Shape::Opaque);

    type Inside = ();

    #[inline(always)]
    fn inside(_: &T) {}

    #[inline(always)]
    fn read(_: &T) -> Reading {
        Reading::NOTHING
    }
}

/// What a diverging initialiser leaves where the type `!` is not meant (before edition 2024).
impl Trackable for () {}

/// Returns the shape of a type.
#[must_use]
pub const fn shape_of<T, S: Sight<T>>(_: S) -> Shape {
    S::SHAPE
}

/// Evaluates to the [`Shape`] of a type, [`Shape::Opaque`] if it says nothing of itself.
#[doc(hidden)]
#[macro_export]
macro_rules! __shape_of {
    ($type:ty) => {
        $crate::__private::shape_of::<$type, _>(0)
    };
}

/// Is shown the fields of a value of an annotated type.
pub trait FieldVisitor {
    /// Shows the field at `index` in source order.
    fn field<T, S: Sight<T>>(&mut self, index: u32, field: &T, sight: S);
}

/// Finds the value id in a value's probe, if there is one; 0 where the birth was not recorded.
#[derive(Debug, Default)]
pub(super) struct Identity(pub(super) Option<u64>);

impl FieldVisitor for Identity {
    #[inline(always)]
    fn field<T, S: Sight<T>>(&mut self, _: u32, field: &T, _: S) {
        if const { matches!(S::SHAPE, Shape::Probe) } {
            self.0 = Some(S::read(field).len);
        }
    }
}
