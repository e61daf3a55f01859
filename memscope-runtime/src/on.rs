//! Recording: what exists with the feature `record`.
//!
//! A hook ([`variable`], [`hooks`], [`calls`], [`probe`]) writes a raw event into its thread's [`recorder`], whose ring is file memory
//! ([`rings`]); the [`drain`] moves events into the capture of the [`session`]. What a hook is called and which
//! type it saw is interned once, by the [`registry`]. What the program asks its allocator for is counted by [`mod@heap`].

mod calls;
mod capture;
mod clock;
mod containers;
mod content;
mod deep;
mod drain;
mod errno;
mod executor;
mod hashing;
pub(crate) mod heap;
mod hooks;
mod inspect;
mod linked;
mod marker;
mod own_file;
mod owned;
mod pace;
mod performance;
mod places;
mod polling;
mod probe;
mod rate;
mod recorder;
mod registry;
mod returns;
mod rings;
mod sampling;
mod session;
mod settings;
mod shape;
mod signals;
mod site;
mod stacks;
mod standing;
mod statics;
mod tasks;
mod thread_exit;
mod thread_local;
mod tracked;
mod variable;

pub use inspect::Trackable;
pub use probe::Probe;
pub use session::{Session, SessionBuilder, capture_path, flush, mark, stats};
pub use tracked::Tracked;

pub(crate) mod private {
    pub use super::calls::Call;
    pub use super::content::{Contents, follow, snapshot, snapshot_deep};
    pub use super::deep::Deep;
    pub use super::hooks::{
        DropHasHook, constructed, drop_hook, drop_hook_if_tracked, is_hooked, own_drop_has_hook,
    };
    pub use super::inspect::{FieldVisitor, Inspected, Reading, Sight, shape_of};
    #[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
    pub use super::linked::SiteRefs;
    pub use super::marker::{Marker, can_be_sent, can_be_shared};
    pub use super::owned::{Measure, Owns};
    pub use super::returns::{Return, returned};
    pub use super::shape::{Field, Shape};
    pub use super::site::{Site, sites};
    pub use super::statics::StaticRef;
    pub use super::tasks::{Polled, Task, polled, polled_returning};
    pub use super::thread_local::{Held, ThreadLocal};
    pub use super::tracked::tracked;
    pub use super::variable::{Exit, Last, Scoped, Slot, scoped, scoped_always};
    #[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
    pub use crate::__list_sites as list_sites;
    pub use crate::{__shape_of as shape_of, __site as site};
    pub use inventory;
    pub use memscope_format::defs::Variance;
    pub use std::thread_local;
}

/// `tracked!`, recording.
#[doc(hidden)]
#[macro_export]
macro_rules! __tracked {
    ($value:expr) => {
        $crate::__private::tracked($crate::__private::site!(Variable, $value), $value, 0)
    };
}

/// `snapshot!`, recording.
#[doc(hidden)]
#[macro_export]
macro_rules! __snapshot {
    ($hook:ident, $place:expr $(, $sight:expr)?) => {
        $crate::__private::$hook(
            $crate::__private::site!(Snapshot, $place),
            &$place
            $(, $sight)?
        )
    };
}
