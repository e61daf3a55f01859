//! Where a capture is written, and what becomes of it when it cannot be.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "how a child tells its parent")]

use crate::harness::{self, run, run_with};
use crate::scenarios::limits;
use memscope::{Durability, Session};
use memscope_format::Reader;
use memscope_format::report::{OtherFile, Report};
use memscope_format::rows::{DropChain, Lifecycle, LifecycleKind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Calls of `fdatasync` by this process.
static SYNCED: AtomicU64 = AtomicU64::new(0);

/// Stands before that of the C library, and counts.
// SAFETY: it has the name and the signature that it has there, and does the same.
#[unsafe(no_mangle)]
extern "C" fn fdatasync(file: libc::c_int) -> libc::c_int {
    SYNCED.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the call takes no pointers.
    let result = unsafe { libc::syscall(libc::SYS_fdatasync, file) };
    libc::c_int::try_from(result).unwrap_or(-1)
}

/// Commits three times, in a session of this durability if there is to be one, and says how often the device was waited for.
pub(crate) fn commits(durability: Option<Durability>) {
    let _session = durability.map(|told| Session::builder().durability(told).start().unwrap());
    for i in 0..3_u64 {
        memscope::track_var!(let v = vec![i]);
        std::hint::black_box(&v);
        drop(v);
        memscope::flush();
    }
    println!("synced {}", SYNCED.load(Ordering::Relaxed));
}

/// Lets no file grow beyond what a ring needs, until the capture goes on elsewhere; says how many values there were.
pub(crate) fn limited() {
    limits::limit_files(80);
    let mut values = 0;
    let mut record = |count: u64| {
        for _ in 0..count {
            memscope::track_var!(let v = vec![values]);
            std::hint::black_box(&v);
            values += 1;
        }
    };
    record(1);
    let first = memscope::capture_path();
    assert!(first.is_some());
    while memscope::capture_path() == first {
        record(20);
    }
    limits::limit(libc::RLIMIT_FSIZE, libc::RLIM_INFINITY);
    record(10_000);
    println!("values {values}");
}

fn captures(dir: &Path) -> Vec<Reader> {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let captures = files.filter(|file| file.extension().is_some_and(|end| end == "memscope"));
    captures.map(|file| Reader::open(file).unwrap()).collect()
}

#[test]
fn a_capture_that_cannot_begin_in_one_directory_begins_in_the_other() {
    let other = tempfile::tempdir().unwrap();
    let dir = other.path().join("made");
    let run = run_with("many", |command| {
        command.env("MEMSCOPE_DIR", "/dev/null/captures").env("MEMSCOPE_FALLBACK_DIR", &dir)
    });
    assert!(run.status.success());
    let said = run.stderr();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("/dev/null/captures") && said.contains("instead"), "{said}");
    let [capture] = captures(&dir).try_into().unwrap();
    assert!(capture.health().is_whole());
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
}

#[test]
fn a_capture_goes_on_in_the_other_directory_when_it_cannot_be_written_any_more() {
    let other = tempfile::tempdir().unwrap();
    let run = run_with("limited", |command| {
        command.env("MEMSCOPE_RING_KIB", "64").env("MEMSCOPE_FALLBACK_DIR", other.path())
    });
    assert!(run.status.success(), "{:?} {}", run.status, run.stderr());
    let said = run.stderr();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("File too large") && said.contains("it goes on in"), "{said}");
    let first = run.capture();
    let [second] = captures(other.path()).try_into().unwrap();
    assert_eq!(first.header().file_id, second.header().file_id);
    // Each can be read by itself, and does not look as if it were all.
    assert!(second.health().complete && !second.health().is_whole() && !first.health().is_whole());
    let all = [&first, &second];
    let births: Vec<Lifecycle> = all.into_iter().flat_map(harness::rows::<Lifecycle>).collect();
    let drops: Vec<DropChain> = all.into_iter().flat_map(harness::rows::<DropChain>).collect();
    assert!(births.iter().all(|row| row.kind == LifecycleKind::Born));
    let values = |values: &mut dyn Iterator<Item = u64>| {
        let mut values: Vec<u64> = values.collect();
        values.sort_unstable();
        values
    };
    let born = values(&mut births.iter().map(|row| row.value));
    assert_eq!(born.len() as u64, run.number("values "));
    assert!(born == values(&mut drops.iter().map(|row| row.value)));
    assert_eq!(run.files().len(), 1, "no rings are left: {:?}", run.files());

    // The line says what puts them together, and so does a report of either.
    let [first] = run.paths().try_into().unwrap();
    let second = other.path().join(first.file_name().unwrap());
    let together = memscope_format::second_file::merge_command("memscope", &first, &second);
    assert!(said.trim_end().ends_with(&together), "{said} does not end with {together}");
    let other_of = |path: &Path| {
        let report = Report::open(&[path.to_owned()]).unwrap();
        assert!(!report.is_damaged());
        let notes = report.caveats.iter().filter(|caveat| caveat.starts_with("one of two files"));
        assert_eq!(notes.count(), 1, "{:?}", report.caveats);
        report.captures[0].other_file.clone().unwrap()
    };
    assert_eq!(other_of(&first), OtherFile::Second(second.clone()));
    assert_eq!(other_of(&second), OtherFile::First(first.clone()));
    // What is put together is neither.
    let whole = other.path().join("whole.memscope");
    let readers = [first.clone(), second.clone()].map(|path| Reader::open(path).unwrap());
    let file = std::fs::File::create(&whole).unwrap();
    memscope_format::Merge::default().write(&readers, file, |_, _| {}).unwrap();
    let report = Report::open(&[whole]).unwrap();
    assert_eq!(report.captures[0].other_file, None);
    assert_eq!(report.events(), 2 * run.number("values "));
    // Nor is a first file whose second is not there known to have one.
    std::fs::remove_file(second).unwrap();
    assert_eq!(Report::open(&[first]).unwrap().captures[0].other_file, None);
}

/// The rings stay beside the first file, so that it opens as that of any program that was killed.
#[test]
fn a_first_file_tells_of_the_second_one_when_the_program_was_killed() {
    let other = tempfile::tempdir().unwrap();
    let run = run_with("limited_killed", |command| {
        command.env("MEMSCOPE_RING_KIB", "64").env("MEMSCOPE_FALLBACK_DIR", other.path())
    });
    assert!(!run.status.success());
    let first = run.paths().remove(0);
    let second = other.path().join(first.file_name().unwrap());
    assert!(Reader::open(&first).unwrap().health().recovered);
    let other_of = |path: &Path| {
        Report::open(&[path.to_owned()]).unwrap().captures[0].other_file.clone().unwrap()
    };
    assert_eq!(other_of(&first), OtherFile::Second(second.clone()));
    assert_eq!(other_of(&second), OtherFile::First(first));
}

#[test]
fn a_capture_is_on_the_device_when_that_was_asked_for() {
    let plain = run("commits");
    assert_eq!(plain.number("synced "), 0);
    let synced = run_with("commits", |command| command.env("MEMSCOPE_DURABILITY", "commit"));
    assert!(synced.number("synced ") >= 3);
    assert!(synced.capture().health().is_whole());
}

#[test]
fn a_session_says_when_its_capture_is_on_the_device() {
    let told = run("commits as told");
    assert!(told.number("synced ") >= 3);
    assert!(told.capture().health().is_whole());
    // Before what the environment says.
    let of_system = run_with("commits when the system sees fit", |command| {
        command.env("MEMSCOPE_DURABILITY", "commit")
    });
    assert_eq!(of_system.number("synced "), 0);
}

/// A process may be killed at any moment, and what has the name of a capture must be one. So the name is given by a
/// rename, which the kernel tells of.
#[cfg(target_os = "linux")]
#[test]
fn a_capture_has_its_name_only_when_it_can_be_opened() {
    use std::io::Read;
    use std::os::fd::FromRawFd;
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let name = std::ffi::CString::new(dir.path().as_os_str().as_bytes()).unwrap();
    // SAFETY: the call takes flags alone; the descriptor is nobody else's.
    let mut events = unsafe { std::fs::File::from_raw_fd(libc::inotify_init1(libc::IN_CLOEXEC)) };
    let watched = libc::IN_CREATE | libc::IN_MOVED_TO;
    // SAFETY: the name ends in a zero.
    let watch = unsafe {
        libc::inotify_add_watch(std::os::fd::AsRawFd::as_raw_fd(&events), name.as_ptr(), watched)
    };
    assert!(watch >= 0);
    let run = run_with("many", |command| command.env("MEMSCOPE_DIR", dir.path()));
    assert!(run.status.success());
    let mut bytes = vec![0; 1 << 16];
    let len = events.read(&mut bytes).unwrap();
    let mut rest = &bytes[..len];
    let mut found = Vec::new();
    // Four numbers of 32 bits (watch, what happened, cookie, length of the name), and the name, filled up with zeros.
    while let Some((head, behind)) = rest.split_at_checked(16) {
        let number = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().unwrap());
        let (name, behind) = behind.split_at(number(12) as usize);
        let name = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
        if name.ends_with(".memscope") {
            found.push(number(4));
        }
        rest = behind;
    }
    assert_eq!(found, [libc::IN_MOVED_TO]);
}
