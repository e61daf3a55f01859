//! Of which type the probe in a tracked type must be: of that very one, whose values it would else count for another.

use crate::{Probe, Trackable};
use core::marker::PhantomData;
use core::ops::Deref;

/// A probe of the values of a type.
#[diagnostic::on_unimplemented(
    message = "the probe in `{Owner}` is that of another type",
    label = "would record values of `{Owner}` as those of another type",
    note = "write `Probe<Self>`"
)]
pub trait ProbeOf<Owner> {}

impl<T: Trackable> ProbeOf<T> for Probe<T> {}

/// Stands for a field of this type, which is called as a probe is.
#[derive(Debug)]
pub struct FieldOf<F>(PhantomData<F>);

impl<F> FieldOf<F> {
    /// It, of any type.
    #[must_use]
    pub const fn any() -> Self {
        Self(PhantomData)
    }
}

impl<T: Trackable> FieldOf<Probe<T>> {
    /// Compiles if the probe is one of the values of the type that it stands in.
    pub const fn stands_in<Owner>(&self)
    where
        Probe<T>: ProbeOf<Owner>,
    {
    }
}

/// Stands for what else is called so.
#[derive(Debug)]
pub struct OtherField;

impl OtherField {
    /// Compiles.
    pub const fn stands_in<Owner>(&self) {}
}

/// Methods of the type itself are found before those of what it refers to.
impl<F> Deref for FieldOf<F> {
    type Target = OtherField;

    #[inline]
    fn deref(&self) -> &OtherField {
        &OtherField
    }
}
