//! What a `PhantomData` field makes of the type that has it.

use memscope_format::defs::{MarkerDef, Variance};

/// What the macro and the compiler say of a marker.
#[derive(Debug)]
pub struct Marker {
    /// How the type varies with its parameters.
    pub variance: &'static [(&'static str, Option<Variance>)],
    /// Whether it can be sent.
    pub send: Option<bool>,
    /// Whether it can be shared.
    pub sync: Option<bool>,
}

impl Marker {
    /// The definition that the capture carries.
    pub(super) fn def(&self) -> MarkerDef {
        let variance = self.variance.iter().map(|(name, variance)| ((*name).to_owned(), *variance));
        MarkerDef { variance: variance.collect(), send: self.send, sync: self.sync }
    }
}

/// Whether a type is [`Send`], chosen as [`Sight`](super::inspect::Sight) is.
pub trait Sending<T: ?Sized>: Copy {
    /// The answer.
    const IS: bool;
}

impl<T: Send + ?Sized> Sending<T> for i32 {
    const IS: bool = true;
}

impl<T: ?Sized> Sending<T> for u8 {
    const IS: bool = false;
}

/// Whether a type is [`Sync`], chosen as [`Sight`](super::inspect::Sight) is.
pub trait Sharing<T: ?Sized>: Copy {
    /// The answer.
    const IS: bool;
}

impl<T: Sync + ?Sized> Sharing<T> for i32 {
    const IS: bool = true;
}

impl<T: ?Sized> Sharing<T> for u8 {
    const IS: bool = false;
}

/// Whether values of a type can be sent to other threads. In generic code the compiler only sees what holds for all parameters:
/// `never` and `is_concrete` are what the macro knows of them.
#[must_use]
pub const fn can_be_sent<T: ?Sized, S: Sending<T>>(
    _: S,
    never: bool,
    is_concrete: bool,
) -> Option<bool> {
    answer(S::IS, never, is_concrete)
}

/// Whether values of a type can be shared with other threads; see [`can_be_sent`].
#[must_use]
pub const fn can_be_shared<T: ?Sized, S: Sharing<T>>(
    _: S,
    never: bool,
    is_concrete: bool,
) -> Option<bool> {
    answer(S::IS, never, is_concrete)
}

const fn answer(is: bool, never: bool, is_concrete: bool) -> Option<bool> {
    if is {
        Some(true)
    } else if never || is_concrete {
        Some(false)
    } else {
        None
    }
}
