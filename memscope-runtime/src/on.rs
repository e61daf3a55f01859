//! Recording: what exists with the feature `record`.
//!
//! A hook ([`hooks`], [`calls`], [`probe`]) writes a raw event into its thread's [`recorder`], whose ring is file memory
//! ([`rings`]); the [`drain`] moves events into the capture of the [`session`]. What a hook is called and which
//! type it saw is interned once, by the [`registry`]. What the program asks its allocator for is counted by [`mod@heap`].

mod calls;
mod capture;
mod clock;
mod containers;
mod content;
mod deep;
mod drain;
mod executor;
mod hashing;
pub(crate) mod heap;
mod hooks;
mod inspect;
mod marker;
mod owned;
mod pace;
mod polling;
mod probe;
mod recorder;
mod registry;
mod returns;
mod rings;
mod sampling;
mod session;
mod shape;
mod site;
mod statics;
mod thread_exit;
mod thread_local;
mod tracked;

pub use inspect::Trackable;
pub use probe::Probe;
pub use session::{capture_path, flush};
pub use tracked::Tracked;

pub(crate) mod private {
    pub use super::calls::{Call, Polled, polled, polled_returning};
    pub use super::content::{Contents, follow, snapshot, snapshot_deep};
    pub use super::deep::Deep;
    pub use super::hooks::{
        DropHasHook, Exit, Last, Scoped, Slot, constructed, drop_hook, drop_hook_if_tracked,
        is_hooked, own_drop_has_hook, scoped, scoped_always,
    };
    pub use super::inspect::{FieldVisitor, Inspected, Reading, Sight, shape_of};
    pub use super::marker::{Marker, can_be_sent, can_be_shared};
    pub use super::owned::{Measure, Owns};
    pub use super::returns::{Return, returned};
    pub use super::shape::{Field, Shape};
    pub use super::site::{Site, SiteRefs};
    pub use super::statics::StaticRef;
    pub use super::thread_local::{Held, ThreadLocal};
    pub use super::tracked::tracked;
    pub use crate::{__shape_of as shape_of, __site as site, __sites as sites};
    pub use inventory;
    pub use memscope_format::defs::{Escape, SiteKind, Variance};
    pub use std::thread_local;
}

/// Makes a [`Tracked`] value of an expression, without a procedural macro: as
/// [`track_var!(own ...)`](crate::track_var).
///
/// ```
/// let mut names = memscope::tracked!(Vec::new());
/// names.push("ada");
/// assert_eq!(names.len(), 1);
/// ```
#[macro_export]
macro_rules! tracked {
    ($value:expr $(,)?) => {
        $crate::__private::tracked(
            $crate::__private::site!(
                Variable,
                ::core::stringify!($value),
                ::core::file!(),
                ::core::line!(),
                ::core::column!()
            ),
            $value,
            0,
        )
    };
}

/// Records the state of a container now: its length, capacity and heap block.
///
/// The argument is a place, such as a variable, a field or a static; it is only borrowed. Of a value of an annotated type it
/// is the containers among its fields. What is in a `Mutex`, `RwLock`, `RefCell`, `OnceLock`, `OnceCell`, `LazyLock`, `LazyCell` or `Option` is
/// followed, if nobody has locked or borrowed it and it has been made: nothing is waited for. What is not a container
/// records nothing.
///
/// With `deep` behind it, also what the container's elements own, and how well the keys of a hash map are spread: see the
/// option of that name of [`track`](macro@crate::track). That is not followed into locks and cells.
///
/// ```
/// let mut names = Vec::with_capacity(8);
/// names.push("ada".to_owned());
/// memscope::snapshot!(names);
/// memscope::snapshot!(names, deep);
/// ```
#[macro_export]
macro_rules! snapshot {
    ($place:expr $(,)?) => { $crate::snapshot!(@ snapshot, $place, 0) };
    ($place:expr, deep $(,)?) => {
        $crate::snapshot!(@ snapshot_deep, $place, $crate::__private::Deep(0, 0, 0), 0)
    };
    (@ $hook:ident, $place:expr, $($sight:expr),+) => {
        $crate::__private::$hook(
            $crate::__private::site!(
                Snapshot,
                ::core::stringify!($place),
                ::core::file!(),
                ::core::line!(),
                ::core::column!()
            ),
            &$place,
            $($sight),+
        )
    };
}
