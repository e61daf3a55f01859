//! Sites: the places in source that record, one static each.

use super::registry;
use super::sampling::Chance;
use super::shape::TypeDesc;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use memscope_format::defs::{Escape, SiteKind};

/// A place in source. What a hook needs of it lies in the first words.
#[derive(Debug)]
pub struct Site {
    /// The types it has run with, newest first: a list that only grows.
    hooks: AtomicPtr<Hook>,
    /// Its id in captures, from 1; 0 until the registry has seen it.
    pub(super) id: AtomicU32,
    pub(super) kind: SiteKind,
    pub(super) name: &'static str,
    pub(super) module: &'static str,
    pub(super) file: &'static str,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) tags: &'static [&'static str],
    /// Where the variable's value may go, as far as that is proved.
    pub(super) escape: Option<Escape>,
    /// Of so many values one is recorded.
    pub(super) one_in: u32,
}

/// A site instantiated for one type: what a raw event names. Lives as long as the process.
#[derive(Debug)]
pub(super) struct Hook {
    desc: &'static TypeDesc,
    /// The id in raw events, from 1.
    pub(super) id: u32,
    /// The id of the type, the same for all sites.
    pub(super) type_id: u32,
    /// Whether dropping such a value runs code.
    pub(super) needs_drop: bool,
    /// Whether every drop of such a value runs a drop hook.
    pub(super) has_drop_hook: bool,
    /// What a value is chosen with: see [`Chance`].
    pub(super) chance: Chance,
    next: Option<&'static Hook>,
}

impl Hook {
    /// Makes a hook out of what the registry has interned.
    pub(super) fn new(desc: &'static TypeDesc, id: u32, type_id: u32, one_in: u32) -> Self {
        let (needs_drop, has_drop_hook) = (desc.needs_drop, desc.shape.has_drop_hook());
        let chance = Chance::one_in(one_in);
        Self { desc, id, type_id, needs_drop, has_drop_hook, chance, next: None }
    }
}

impl Site {
    /// Describes a site; `site!` is what calls this.
    #[must_use]
    pub const fn new(
        kind: SiteKind,
        name: &'static str,
        module: &'static str,
        file: &'static str,
        (line, column): (u32, u32),
        tags: &'static [&'static str],
    ) -> Self {
        Self {
            hooks: AtomicPtr::new(null_mut()),
            id: AtomicU32::new(0),
            kind,
            name,
            module,
            file,
            line,
            column,
            tags,
            escape: None,
            one_in: 1,
        }
    }

    /// Says where the variable's value may go.
    #[must_use]
    pub const fn escaping(self, escape: Escape) -> Self {
        Self { escape: Some(escape), ..self }
    }

    /// Says that of so many values (calls, tasks) one is to be recorded, chosen by chance.
    #[must_use]
    pub const fn one_in(self, one_in: u32) -> Self {
        Self { one_in, ..self }
    }

    /// Returns the hook of this site for a type: two loads and a comparison, but for the first time.
    ///
    /// `None` if the registry cannot be entered now (a hook that fires within it).
    #[inline(always)]
    pub(super) fn hook(&'static self, desc: &'static TypeDesc) -> Option<&'static Hook> {
        self.find(desc).or_else(|| registry::intern(self, desc))
    }

    /// Looks for the hook of a type among those that exist: mostly there is one.
    #[inline(always)]
    pub(super) fn find(&self, desc: &'static TypeDesc) -> Option<&'static Hook> {
        // SAFETY: hooks are leaked boxes, published with Release after they were written.
        let mut next: Option<&'static Hook> =
            unsafe { self.hooks.load(Ordering::Acquire).as_ref() };
        while let Some(hook) = next {
            if core::ptr::eq(hook.desc, desc) {
                return Some(hook);
            }
            next = hook.next;
        }
        None
    }

    /// Adds a hook. The registry's lock makes the caller the only one that does.
    pub(super) fn publish(&self, mut hook: Box<Hook>) -> &'static Hook {
        // SAFETY: as in `find`.
        hook.next = unsafe { self.hooks.load(Ordering::Relaxed).as_ref() };
        let hook: &'static Hook = Box::leak(hook);
        self.hooks.store(core::ptr::from_ref(hook).cast_mut(), Ordering::Release);
        hook
    }
}

/// Linked sites, as `inventory` lists them.
#[derive(Debug)]
pub struct SiteRefs(pub &'static [Site]);

inventory::collect!(SiteRefs);

/// Evaluates to the `&'static Site` of this place, and lists it.
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($($site:tt)*) => {{
        static SITES: [$crate::__private::Site; 1] = $crate::__private::sites![($($site)*)];
        $crate::__private::inventory::submit! { $crate::__private::SiteRefs(&SITES) }
        &SITES[0]
    }};
}

/// Evaluates to an array of sites.
#[doc(hidden)]
#[macro_export]
macro_rules! __sites {
    ($((
        $kind:ident, $name:expr, $file:expr, $line:expr, $column:expr $(, $tag:expr)* $(; $escape:ident)?
        $(=> $one_in:literal)?
    ))*) => {
        [$(
            $crate::__private::Site::new(
                $crate::__private::SiteKind::$kind,
                $name,
                ::core::module_path!(),
                $file,
                ($line, $column),
                &[$($tag),*],
            )$(.escaping($crate::__private::Escape::$escape))?$(.one_in($one_in))?
        ),*]
    };
}
