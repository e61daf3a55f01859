//! Recording: what exists with the feature `on`.
//!
//! A hook ([`hooks`], [`probe`]) writes a raw event into its thread's [`recorder`], whose ring is file memory
//! ([`rings`]); the [`drain`] moves events into the capture of the [`session`]. What a hook is called and which
//! type it saw is interned once, by the [`registry`].

mod clock;
mod containers;
mod drain;
mod hooks;
mod inspect;
mod probe;
mod recorder;
mod registry;
mod rings;
mod session;
mod shape;
mod site;

pub use inspect::Trackable;
pub use probe::Probe;
pub use session::{capture_path, flush};

pub(crate) mod private {
    pub use super::hooks::{
        DropHasHook, Exit, Scoped, Slot, drop_hook, drop_hook_if_tracked, own_drop_has_hook,
        scoped, scoped_always, snapshot,
    };
    pub use super::inspect::{FieldVisitor, Inspected, Reading, Sight, inspect, shape_of};
    pub use super::shape::{Field, Shape};
    pub use super::site::{Site, SiteRef};
    pub use crate::{__inspect as inspect, __shape_of as shape_of, __site as site};
    pub use inventory;
    pub use memscope_format::defs::SiteKind;
}

/// Records the state of a container now: its length, capacity and heap block.
///
/// The argument is a place, such as a variable or a field; it is only borrowed. What is not a container
/// records nothing.
///
/// ```
/// let mut names = Vec::with_capacity(8);
/// names.push("ada");
/// memscope::snapshot!(names);
/// ```
#[macro_export]
macro_rules! snapshot {
    ($place:expr $(,)?) => {
        $crate::__private::snapshot(
            $crate::__private::site!(
                Snapshot,
                ::core::stringify!($place),
                ::core::file!(),
                ::core::line!(),
                ::core::column!()
            ),
            $crate::__private::inspect!(&$place),
        )
    };
}
