//! Libraries that a program loads while it runs.

use super::many;
use std::ffi::{CString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Tells a child where the library is.
pub(crate) const LIBRARY: &str = "TEST_LIBRARY";

/// Values that the library records on each of two threads whenever it is asked to.
pub(crate) const OF_LIBRARY: u64 = 1_000;

/// Runs what a library does, which is loaded for it and unloaded again.
fn in_library(path: &CString, run: impl FnOnce(extern "C" fn(u64))) {
    // SAFETY: the library is the example `plugin`, whose function has this type.
    unsafe {
        let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
        assert!(!library.is_null());
        let record = libc::dlsym(library, c"plugin_record".as_ptr().cast::<c_char>());
        assert!(!record.is_null());
        run(std::mem::transmute::<*mut libc::c_void, extern "C" fn(u64)>(record));
        libc::dlclose(library);
    }
}

/// The child's side: records, and has the library record, which is loaded twice.
pub(super) fn with_a_library(ends: bool) {
    let path = PathBuf::from(std::env::var_os(LIBRARY).unwrap());
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    many();
    in_library(&path, |record| {
        record(OF_LIBRARY);
        std::thread::spawn(many).join().unwrap();
    });
    // Long enough for a thread that the library has left to look about.
    std::thread::sleep(std::time::Duration::from_millis(1200));
    many();
    in_library(&path, |record| {
        record(OF_LIBRARY);
        many();
        if !ends {
            // SAFETY: a signal to this very process.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        }
    });
    many();
}
