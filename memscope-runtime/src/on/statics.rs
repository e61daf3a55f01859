//! Statics: what they hold when the program ends.

use super::content::Contents;
use super::site::Site;
use memscope_format::rows::SnapshotReason;

/// An annotated static, as `inventory` lists it.
#[derive(Debug)]
pub struct StaticRef {
    site: &'static Site,
    look: fn(Contents),
}

inventory::collect!(StaticRef);

impl StaticRef {
    /// Describes a static; `look` shows its content.
    #[must_use]
    pub const fn new(site: &'static Site, look: fn(Contents)) -> Self {
        Self { site, look }
    }
}

/// Records what the statics hold now, those that no other thread has locked.
pub(super) fn look() {
    for StaticRef { site, look } in inventory::iter::<StaticRef> {
        look(Contents::at(site, SnapshotReason::Exit));
    }
}
