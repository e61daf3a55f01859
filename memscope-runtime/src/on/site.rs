//! Sites: the places in source that record, one static each.

use super::places::Places;
use super::registry;
use super::sampling::Chance;
use super::shape::TypeDesc;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering};
use memscope_format::defs::{Escape, SiteKind};

/// Marks the sites of this runtime. Its address counts.
static RUNTIME: AtomicU8 = AtomicU8::new(0);

/// A place in source.
#[derive(Debug)]
#[repr(C)]
pub struct Site {
    /// Whose it is: a second copy of this version may be linked, from another source.
    runtime: &'static AtomicU8,
    /// The types it has run with, newest first: a list that only grows.
    hooks: AtomicPtr<Hook>,
    /// Its id in captures, from 1; 0 until the registry has seen it.
    pub(super) id: AtomicU32,
    /// Its place among the sites of the text.
    index: u32,
    /// What is to be said of it: a single string, which costs the compiler next to nothing. See [`Site::describe`].
    text: &'static str,
}

/// A site instantiated for one type: what a raw event names. Lives as long as the process.
#[derive(Debug)]
pub(super) struct Hook {
    desc: &'static TypeDesc,
    /// The id in raw events, from 1.
    pub(super) id: u32,
    /// The id of the type, the same for all sites.
    pub(super) type_id: u32,
    /// Whether every drop of such a value runs a drop hook.
    pub(super) has_drop_hook: bool,
    /// What a value is chosen with: see [`Chance`].
    pub(super) chance: Chance,
    /// Whether the variable is certain to be dropped where its scope ends.
    pub(super) stays: bool,
    /// Where it was called, of an async function.
    pub(super) places: Places,
    next: Option<&'static Hook>,
}

impl Hook {
    /// Makes a hook out of what the registry has interned.
    pub(super) fn new(
        desc: &'static TypeDesc,
        id: u32,
        type_id: u32,
        of: &Described,
        chance: Chance,
    ) -> Self {
        let has_drop_hook = desc.shape.has_drop_hook();
        let stays = of.escape == Some(Escape::Dropped);
        let places = Places::default();
        Self { desc, id, type_id, has_drop_hook, chance, stays, places, next: None }
    }
}

impl Site {
    const fn new(text: &'static str, index: u32) -> Self {
        let (hooks, id) = (AtomicPtr::new(null_mut()), AtomicU32::new(0));
        Self { runtime: &RUNTIME, hooks, id, index, text }
    }

    /// Whether it is a site of this runtime, and not of another copy.
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    pub(super) fn is_own(&self) -> bool {
        core::ptr::eq(self.runtime, &raw const RUNTIME)
    }

    /// What its text says of it; `None` if the macros were not those of this version.
    ///
    /// The text is the path of a module, and of each site a line with tabs between its fields: the kind; the escape class, if one
    /// is proved; of how many values one is recorded, 0 if that is not said; file; line; column; tags, U+001F between them; name.
    pub(super) fn describe(&self) -> Option<Described> {
        let mut sites = self.text.split('\n');
        let module = sites.next()?;
        let mut fields = sites.nth(self.index as usize)?.splitn(8, '\t');
        let kind = fields.next()?;
        let escape = fields.next()?;
        Some(Described {
            kind: SiteKind::ALL.into_iter().find(|known| format!("{known:?}") == kind)?,
            escape: Escape::ALL.into_iter().find(|known| format!("{known:?}") == escape),
            one_in: fields.next()?.parse().ok()?,
            module,
            file: fields.next()?,
            line: fields.next()?.parse().ok()?,
            column: fields.next()?.parse().ok()?,
            tags: fields.next()?.split('\u{1f}').filter(|tag| !tag.is_empty()).collect(),
            name: fields.next()?,
        })
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

/// What is known of a site.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) kind: SiteKind,
    /// Where the variable's value may go, as far as that is proved.
    pub(super) escape: Option<Escape>,
    /// Of so many values one is recorded; 0 if the source does not say.
    pub(super) one_in: u32,
    pub(super) module: &'static str,
    pub(super) file: &'static str,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) tags: Vec<&'static str>,
    pub(super) name: &'static str,
}

/// The sites that a text tells of.
#[must_use]
pub const fn sites<const N: usize>(text: &'static str) -> [Site; N] {
    let mut sites = [const { Site::new("", 0) }; N];
    let mut index = 0;
    while index < N {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a block of 2^32 sites is no source text"
        )]
        {
            sites[index] = Site::new(text, index as u32);
        }
        index += 1;
    }
    sites
}

/// Evaluates to the `&'static Site` of a place, for macros that only know where they are called.
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($kind:ident, $name:expr) => {{
        #[cfg_attr(
            all(any(target_os = "linux", target_os = "android"), not(miri)),
            used,
            unsafe(link_section = "memscope_sites_0_1_0")
        )]
        static SITES: [$crate::__private::Site; 1] = $crate::__private::sites(::core::concat!(
            ::core::module_path!(),
            "\n",
            ::core::stringify!($kind),
            "\t\t0\t",
            ::core::file!(),
            "\t",
            ::core::line!(),
            "\t",
            ::core::column!(),
            "\t\t",
            ::core::stringify!($name)
        ));
        #[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
        $crate::__private::list_sites!(SITES);
        &SITES[0]
    }};
}
