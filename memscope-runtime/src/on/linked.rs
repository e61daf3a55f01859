//! The sites that are linked into the program, those that are never hit included.
//!
//! With ELF the macros put them side by side into a section of their own, whose ends the linker tells: a single static is the least that
//! the compiler can be asked for. Elsewhere `inventory` lists them, with a constructor for each.

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod list {
    use super::super::site::Site;
    use core::ptr::from_ref;

    /// So that there is such a section, even where there is no site.
    #[used]
    #[unsafe(link_section = concat!(
        "memscope_sites_", env!("CARGO_PKG_VERSION_MAJOR"),
        "_", env!("CARGO_PKG_VERSION_MINOR"), "_", env!("CARGO_PKG_VERSION_PATCH")
    ))]
    static NONE: [Site; 0] = [];

    unsafe extern "C" {
        #[link_name = concat!(
            "__start_memscope_sites_", env!("CARGO_PKG_VERSION_MAJOR"),
            "_", env!("CARGO_PKG_VERSION_MINOR"), "_", env!("CARGO_PKG_VERSION_PATCH")
        )]
        static START: [u8; 0];
        #[link_name = concat!(
            "__stop_memscope_sites_", env!("CARGO_PKG_VERSION_MAJOR"),
            "_", env!("CARGO_PKG_VERSION_MINOR"), "_", env!("CARGO_PKG_VERSION_PATCH")
        )]
        static STOP: [u8; 0];
    }

    /// The sites of this program or library.
    pub(in super::super) fn sites() -> impl Iterator<Item = &'static Site> {
        // SAFETY: the linker defines both; only their places are used.
        let (start, stop) = unsafe { (from_ref(&START), from_ref(&STOP)) };
        let (start, stop) = (start.cast::<Site>(), stop.cast::<Site>());
        let count = (stop.addr() - start.addr()) / size_of::<Site>();
        // SAFETY: what lies between them are the statics that `sites!` put into the section. Each is an array of sites, whose
        // size is a multiple of their alignment, and the compiler does not align statics further that name a section: there is
        // nothing between them. They are never written to but through what their cells allow. Those of other versions lie in
        // sections of other names; those of a second copy of this version, from another source, are sites all the same.
        let linked = unsafe { core::slice::from_raw_parts(start, count) };
        linked.iter().filter(|site| site.is_own())
    }
}

#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
mod list {
    use super::super::site::Site;

    /// The sites of a block.
    #[derive(Debug)]
    pub struct SiteRefs(pub &'static [Site]);

    inventory::collect!(SiteRefs);

    /// The sites of this program, and of the libraries that it has loaded.
    pub(in super::super) fn sites() -> impl Iterator<Item = &'static Site> {
        inventory::iter::<SiteRefs>.into_iter().flat_map(|SiteRefs(sites)| *sites)
    }

    /// Lists the static that holds the sites of a block.
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __list_sites {
        ($name:ident) => {
            $crate::__private::inventory::submit! { $crate::__private::SiteRefs(&$name) }
        };
    }
}

#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
pub use list::SiteRefs;
pub(super) use list::sites;

#[cfg(all(test, not(miri)))]
mod tests {
    /// A macro is expanded elsewhere, where `env!` would tell of another package.
    #[test]
    fn what_macros_by_example_define_lies_in_the_section_of_this_version() {
        let section = format!("memscope_sites_{}", env!("CARGO_PKG_VERSION").replace('.', "_"));
        assert!(include_str!("site.rs").contains(&section));
    }
}
