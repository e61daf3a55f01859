//! What a place holds: through locks, cells and lazily made values, as far as it can be seen without waiting for anybody and
//! without making anything.

use super::hooks::{self, FieldSnapshots};
use super::inspect::{Seen, Sight, Trackable};
use super::recorder;
use super::sampling::is_left_out;
use super::shape::{DescOf, Shape};
use super::site::Site;
use memscope_format::rows::SnapshotReason;
use std::cell::{LazyCell, OnceCell, RefCell};
use std::sync::{LazyLock, Mutex, OnceLock, RwLock, TryLockError};

/// Records the containers in a place as they are now.
#[derive(Debug, Clone, Copy)]
pub struct Contents {
    site: &'static Site,
    reason: SnapshotReason,
}

impl Contents {
    pub(super) const fn at(site: &'static Site, reason: SnapshotReason) -> Self {
        Self { site, reason }
    }

    fn record<T: Trackable>(self, value: &T) {
        let Self { site, reason } = self;
        match T::SHAPE {
            Shape::Container(container) => {
                let _ = recorder::with(|recorder| {
                    let hook = site.hook(DescOf::<T>::DESC)?;
                    let (now, reading) = (recorder.now(), value.read());
                    let kind = container.kind;
                    hooks::emit_snapshot(recorder, hook, 0, None, kind, reason, reading, now);
                    Some(())
                });
            }
            Shape::Fields { .. } if const { T::SHAPE.holds_containers() } => {
                // One that is left out of its type's sampling was asked for here: a reading without identity.
                let id = Some(hooks::identity(value)).filter(|id| !is_left_out(*id)).unwrap_or(0);
                let _ = recorder::with(|recorder| {
                    let hook = site.hook(DescOf::<T>::DESC)?;
                    FieldSnapshots::at(recorder, hook, id, reason, recorder.now()).take(value);
                    Some(())
                });
            }
            _ => {}
        }
    }
}

/// A place that containers can be in. What is locked or borrowed by another, or not made yet, shows nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no container that memscope knows: `snapshot!` would record nothing",
    label = "not a container, a type with `#[memscope::track]`, or a lock or cell around one",
    note = "of a reference, take what it refers to: `memscope::snapshot!(*v)`",
    note = "if it is a type of yours, put `#[memscope::track]` on it",
    note = "if it is a type parameter, take the snapshot where the type is known, or bound it by `memscope::Trackable`"
)]
pub trait Content {
    /// Shows them.
    fn show(&self, to: Contents);
}

impl<T: Trackable> Content for T {
    #[inline]
    fn show(&self, to: Contents) {
        to.record(self);
    }
}

impl<T: Content> Content for Mutex<T> {
    fn show(&self, to: Contents) {
        match self.try_lock() {
            Ok(inside) => inside.show(to),
            // What a panic left there is there all the same.
            Err(TryLockError::Poisoned(inside)) => inside.into_inner().show(to),
            Err(TryLockError::WouldBlock) => {}
        }
    }
}

impl<T: Content> Content for RwLock<T> {
    fn show(&self, to: Contents) {
        match self.try_read() {
            Ok(inside) => inside.show(to),
            Err(TryLockError::Poisoned(inside)) => inside.into_inner().show(to),
            Err(TryLockError::WouldBlock) => {}
        }
    }
}

impl<T: Content> Content for RefCell<T> {
    fn show(&self, to: Contents) {
        if let Ok(inside) = self.try_borrow() {
            inside.show(to);
        }
    }
}

/// Implements it for what may hold a value, and tells.
macro_rules! perhaps {
    ($($owner:ident<T $(, $more:ident)?>: $get:expr;)*) => {$(
        impl<T: Content $(, $more)?> Content for $owner<T $(, $more)?> {
            fn show(&self, to: Contents) {
                let get: fn(&Self) -> Option<&T> = $get;
                if let Some(inside) = get(self) {
                    inside.show(to);
                }
            }
        }
    )*};
}

perhaps! {
    Option<T>: Option::as_ref;
    OnceCell<T>: OnceCell::get;
    OnceLock<T>: OnceLock::get;
    LazyCell<T, F>: LazyCell::get;
    LazyLock<T, F>: LazyLock::get;
}

/// How the containers in a place are found, chosen as [`Sight`](super::inspect::Sight) is.
pub trait Follow<T>: Copy {
    /// Shows them; nothing, if the type has none that are known.
    fn follow(place: &T, to: Contents);
}

impl<T: Content> Follow<T> for i32 {
    #[inline]
    fn follow(place: &T, to: Contents) {
        place.show(to);
    }
}

impl<T> Follow<T> for u8 {
    #[inline(always)]
    fn follow(_: &T, _: Contents) {}
}

/// Shows the containers in a place.
#[inline]
pub fn follow<T, F: Follow<T>>(place: &T, to: Contents, _: F) {
    F::follow(place, to);
}

/// Records the containers in a place because the program asked.
pub fn snapshot<T: Content>(site: &'static Site, place: &T) {
    place.show(Contents::at(site, SnapshotReason::Asked));
}

/// As [`snapshot`], with what is in a place that is a container itself.
pub fn snapshot_deep<T: Content, S: Sight<T>>(site: &'static Site, place: &T, _: S) {
    let container = const { S::SHAPE.container() };
    let Some(container) = container else { return snapshot(site, place) };
    let Seen { inspected, inside } = S::see(place);
    let _ = recorder::with(|recorder| {
        let hook = site.hook(inspected.desc)?;
        let (now, reading, reason) = (recorder.now(), inspected.reading, SnapshotReason::Asked);
        hooks::emit_snapshot(recorder, hook, 0, None, container.kind, reason, reading, now);
        if let Some(inside) = inside {
            inside.emit(recorder, hook, 0, None, reason, now);
        }
        Some(())
    });
}
