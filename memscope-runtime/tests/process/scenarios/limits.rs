//! Processes that meet limits of the system.

use super::{MANY, many};
use memscope::Session;
use std::fs::{self, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU8, Ordering};

/// Values of a thread whose capture gets too long.
pub(crate) const RECORDED_MORE: u64 = 20 * MANY;

/// Values of each thread of [`more_threads`], and how many of these there are.
pub(crate) const EACH: u64 = 100;
pub(crate) const THREADS: usize = 3;

/// Sets a limit that can be taken back.
pub(crate) fn limit(resource: libc::__rlimit_resource_t, most: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is this process's own, and the variable this function's.
    let done = unsafe {
        libc::getrlimit(resource, &raw mut limit);
        limit.rlim_cur = most.min(limit.rlim_max);
        libc::setrlimit(resource, &raw const limit)
    };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

/// Limits the address space to what it is now, and so many KiB.
fn limit_memory(more_kib: u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let kib: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    limit(libc::RLIMIT_AS, (kib + more_kib) << 10);
}

/// Limits the length of files. With what the system does about it by default: whoever started this may have seen to that.
pub(crate) fn limit_files(kib: u64) {
    // SAFETY: it is no handler that is set.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_DFL) };
    limit(libc::RLIMIT_FSIZE, kib << 10);
}

/// Becomes a user who may not do everything.
fn become_nobody() {
    const NOBODY: libc::uid_t = 65534;
    // SAFETY: the calls have no preconditions.
    unsafe {
        if libc::geteuid() == 0 {
            assert_eq!(libc::setuid(NOBODY), 0);
        }
    }
}

/// Which disk is full, see [`posix_fallocate`].
static FULL: AtomicU8 = AtomicU8::new(NONE);
const NONE: u8 = 0;
const THAT_OF_CAPTURES: u8 = 1;
const EACH_ONE: u8 = 2;

/// Stands before that of the C library: on a disk that is full there are no blocks to be had. A file that was merely made longer would
/// have them only when its mapping is written to, which ends the process if there are none then.
// SAFETY: it has the name and the signature that it has there, and does the same.
#[unsafe(no_mangle)]
extern "C" fn posix_fallocate(
    file: libc::c_int,
    offset: libc::off_t,
    len: libc::off_t,
) -> libc::c_int {
    type Function = extern "C" fn(libc::c_int, libc::off_t, libc::off_t) -> libc::c_int;
    let is_full = match FULL.load(Ordering::Relaxed) {
        NONE => false,
        EACH_ONE => true,
        _ => fs::read_link(format!("/proc/self/fd/{file}")).unwrap().starts_with(directory()),
    };
    if is_full {
        return libc::ENOSPC;
    }
    // SAFETY: the name ends with a zero, and what it is the name of is a function of this type.
    let next: Function =
        unsafe { std::mem::transmute(libc::dlsym(libc::RTLD_NEXT, c"posix_fallocate".as_ptr())) };
    next(file, offset, len)
}

fn directory() -> PathBuf {
    std::env::var_os("MEMSCOPE_DIR").unwrap().into()
}

/// Lets nobody make or remove files of the directory.
fn make_read_only() {
    fs::set_permissions(directory(), Permissions::from_mode(0o555)).unwrap();
    become_nobody();
}

/// Records in this thread, then in others that are there already, when the limit is set.
fn more_threads(set_limit: impl FnOnce()) {
    let limited = Barrier::new(THREADS + 1);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                limited.wait();
                for i in 0..EACH {
                    memscope::track_var!(let v = [i]);
                    std::hint::black_box(&v);
                }
            });
        }
        many();
        memscope::flush();
        set_limit();
        limited.wait();
    });
}

/// Records values whose rows do not compress.
fn record_more(values: u64) {
    for i in 0..values {
        memscope::track_var!(let v = vec![i.wrapping_mul(0x9E37_79B9_7F4A_7C15)]);
        std::hint::black_box(&v);
    }
}

/// Closes all descriptors, as daemons do, and has files of its own under the same numbers.
fn closed_files() {
    let session = Session::builder().start().unwrap();
    many();
    let open = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let is_ours = |path: &PathBuf| {
        fs::read_link(path).is_ok_and(|file| file.to_string_lossy().contains(".memscope"))
    };
    let number = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().parse().unwrap();
    let ours: Vec<libc::c_int> = open.filter(is_ours).map(number).collect();
    assert_eq!(ours.len(), 2, "the capture and the rings");
    for number in 3..1024 {
        // SAFETY: nothing of this process needs them, but memscope, which is what is tried.
        unsafe { libc::close(number) };
    }
    let own = fs::File::create(directory().join("own")).unwrap();
    for number in &ours {
        // SAFETY: the numbers are nobody's.
        unsafe { libc::dup2(own.as_raw_fd(), *number) };
    }
    many();
    std::thread::spawn(many).join().unwrap();
    memscope::flush();
    let capture = memscope_format::Reader::open(session.capture_path().unwrap()).unwrap();
    assert!(capture.health().live, "its rings are locked again");
    session.stop().unwrap();
    assert_eq!(own.metadata().unwrap().len(), 0);
    // SAFETY: the call changes nothing.
    assert!(ours.iter().all(|number| unsafe { libc::fcntl(*number, libc::F_GETFD) } >= 0));
}

pub(super) fn play(scenario: &str) {
    match scenario {
        "no_descriptors" => {
            limit(libc::RLIMIT_NOFILE, 0);
            many();
        }
        "no_more_descriptors" => more_threads(|| limit(libc::RLIMIT_NOFILE, 0)),
        "short_files" => {
            limit_files(80);
            record_more(RECORDED_MORE);
        }
        // This thread is the one that writes.
        "short_files_flushed" => {
            limit_files(80);
            record_more(1);
            while memscope::stats().is_some() {
                record_more(50);
                memscope::flush();
            }
        }
        "shorter_files" => {
            limit_files(8);
            many();
        }
        "no_longer_files" => more_threads(|| limit_files(1536)),
        "own_short_files" => {
            limit_files(80);
            many();
            // Nothing that memscope did about the signal concerns the program.
            let _ = fs::write(directory().join("own"), vec![0; 100 << 10]);
        }
        "no_memory" => {
            limit_memory(32 << 10);
            many();
        }
        "no_more_memory" => more_threads(|| limit_memory(32 << 10)),
        "no_more_threads" => {
            fs::set_permissions(directory(), Permissions::from_mode(0o777)).unwrap();
            become_nobody();
            limit(libc::RLIMIT_NPROC, 0);
            many();
        }
        "removed" => {
            many();
            fs::remove_dir_all(directory()).unwrap();
            many();
        }
        "read_only" => {
            make_read_only();
            many();
        }
        "read_only_later" => {
            many();
            make_read_only();
            many();
        }
        "no_listener" => {
            // SAFETY: it is no handler that is set.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
            many();
        }
        "full_disk" => {
            FULL.store(EACH_ONE, Ordering::Relaxed);
            many();
        }
        "full_disk_of_captures" => {
            FULL.store(THAT_OF_CAPTURES, Ordering::Relaxed);
            many();
        }
        "full_disk_later" => more_threads(|| FULL.store(EACH_ONE, Ordering::Relaxed)),
        "closed_files" => closed_files(),
        "other_directory" => {
            many();
            std::env::set_current_dir("/").unwrap();
            many();
        }
        _ => panic!("no limit is called {scenario}"),
    }
}
