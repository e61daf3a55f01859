//! The C library's error number. A program may ask for it behind a hook, and what a signal handler interrupts does.

/// Leaves it, when this is dropped, as it was.
#[derive(Debug)]
pub(super) struct Kept {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    number: libc::c_int,
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod place {
    #[cfg(target_os = "linux")]
    use libc::__errno_location as of_this_thread;
    #[cfg(target_vendor = "apple")]
    use libc::__error as of_this_thread;

    /// Where it is.
    fn place() -> *mut libc::c_int {
        // SAFETY: the call has no preconditions.
        unsafe { of_this_thread() }
    }

    pub(super) fn get() -> libc::c_int {
        // SAFETY: it is a variable of this thread, which lives as long.
        unsafe { *place() }
    }

    pub(super) fn set(number: libc::c_int) {
        // SAFETY: as above.
        unsafe { *place() = number };
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
impl Kept {
    pub(super) fn new() -> Self {
        Self { number: place::get() }
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
impl Drop for Kept {
    fn drop(&mut self) {
        place::set(self.number);
    }
}

/// Elsewhere it is not known where it is.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
impl Kept {
    pub(super) const fn new() -> Self {
        Self {}
    }
}
