//! The files of a recording: where they are, how they begin, and what is done when they cannot be written.

use super::clock::Source;
use super::own_file::OwnFile;
use super::recorder::Recorder;
use super::registry::Registry;
use super::rings::RingsFile;
use super::session::report;
use super::settings::Settings;
use crate::session_types::Stream;
use core::fmt;
use core::sync::atomic::Ordering;
use memscope_format::metadata::{ENDED, FIRST_POSITION, OFF, Part, STOPPED};
use memscope_format::second_file::{FIRST_FILE, SECOND_FILE, merge_command};
use memscope_format::writer::{Retry, WriterOptions};
use memscope_format::{Clock, Error, FileHeader, Metadata, Writer, rings_path};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The files of a recording and the recorders that write to them.
#[derive(Debug)]
pub(super) struct Capture {
    path: PathBuf,
    /// Where it goes on, once it could not be written where it began.
    moved: Arc<OnceLock<PathBuf>>,
    pub(super) writer: Writer<OwnFile>,
    metadata: Metadata,
    pub(super) rings: RingsFile,
    pub(super) recorders: Vec<&'static Recorder>,
    pub(super) clock: Source,
    /// The length of a tick, as far as the time tells that it took to make the files.
    scale: Clock,
    /// Where the positions of each ring begin: past all those of earlier sessions.
    pub(super) first_position: u64,
    /// How often each phase was marked.
    pub(super) marks: HashMap<u32, u64>,
}

/// How failed writes are repeated: for a third of a second, while which threads may wait for room in their rings.
const RETRY: Retry = Retry {
    tries: 5,
    first_pause: Duration::from_millis(10),
    longest_pause: Duration::from_millis(160),
};

impl Capture {
    /// Where it is written now.
    pub(super) fn path(&self) -> &Path {
        self.moved.get().unwrap_or(&self.path)
    }

    /// How many ticks take so long, as far as that can be told when it begins.
    pub(super) fn ticks(&self, time: Duration) -> u64 {
        let ns = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        self.scale.ticks(ns).saturating_sub(self.scale.first().ticks)
    }

    /// Events that were lost, for whatever reason.
    pub(super) fn lost(&self) -> u64 {
        let rings: u64 = self.recorders.iter().map(|recorder| recorder.memory().lost()).sum();
        rings + self.rings.lost_counter().load(Ordering::Relaxed)
    }

    /// Notes that the program goes on when the recording has ended: what is alive then need not be so at exit.
    pub(super) fn note_stopped(&mut self) -> Result<(), Error> {
        self.metadata.labels.push((ENDED.to_owned(), STOPPED.to_owned()));
        self.writer.metadata(&self.metadata)
    }

    /// Closes the capture, if it has all that the rings held, and removes the rings. Returns where it is, or what is wrong
    /// with it.
    pub(super) fn finish(self, drained: Result<(), Error>) -> Result<PathBuf, String> {
        let path = self.path().to_owned();
        let shown = path.display();
        let finished = drained.and_then(|()| self.writer.finish());
        let file = finished.map_err(|error| {
            format!("the capture is incomplete, {shown}: {error} (what was recorded is kept)")
        })?;
        if let Err(error) = self.rings.remove() {
            report(format_args!(
                "{error}: the rings of a capture that needs them no more were not removed: {}",
                self.rings.path().display()
            ));
        }
        if file.is_removed() {
            return Err(format!(
                "the capture is gone, {shown}: it was removed while it was written"
            ));
        }
        Ok(path)
    }

    /// Removes the files of a recording that did not begin.
    pub(super) fn discard(self) {
        // Half a capture without an event is of no use to anybody.
        let _ = (std::fs::remove_file(self.path()), self.rings.remove());
    }

    /// Makes the files, with all that is known before the first event; in the second directory, if that fails in the first.
    pub(super) fn create(
        registry: &Registry,
        settings: &Settings,
        after: u64,
    ) -> Result<Self, StartFailure> {
        let exe = std::env::current_exe().unwrap_or_default();
        // The program may go elsewhere.
        let here = std::env::current_dir().unwrap_or_default();
        let first = here.join(settings.directory(&exe));
        let fallback = settings.fallback().map(|fallback| here.join(fallback));
        let in_directory =
            |dir: &Path, fallback| Self::create_in(dir, fallback, &exe, registry, settings, after);
        match in_directory(&first, fallback.clone()) {
            Err(failure) if let Some(fallback) = fallback => {
                let capture = in_directory(&fallback, None)?;
                let path = capture.path.display();
                report(format_args!("{failure}; recording to {path} instead"));
                Ok(capture)
            }
            created => created,
        }
    }

    fn create_in(
        dir: &Path,
        fallback: Option<PathBuf>,
        exe: &Path,
        registry: &Registry,
        settings: &Settings,
        after: u64,
    ) -> Result<Self, StartFailure> {
        let clock = Source::detect();
        let early = clock.reading();
        let failure = |what, path: &Path| {
            let path = path.to_owned();
            move |error: &dyn fmt::Display| StartFailure { what, path, error: error.to_string() }
        };
        std::fs::create_dir_all(dir).map_err(|e| failure("make the directory", dir)(&e))?;
        let started_unix_ns = unix_ns();
        let program = program_name(exe);
        let pid = std::process::id();
        let named = settings.name.as_ref().unwrap_or(&program);
        let name = format!("{named}-{pid}-{started_unix_ns}.memscope");
        let path = dir.join(&name);
        // Under its own name it is there only when it can be opened, even if this process is killed now.
        let unfinished = dir.join(format!("{name}-new"));
        let rings_path = rings_path(&path);
        let file_id = file_id(started_unix_ns);
        let capacity = settings.ring_capacity();
        // Never at position 0: of the first ring that would be the value id 0, which says "no identity".
        let first_position = after.next_multiple_of(capacity).max(capacity);
        let rings = RingsFile::create(rings_path.clone(), file_id, capacity)
            .map_err(|e| failure("make the file", &rings_path)(&e))?;
        let file = match OwnFile::create(&unfinished, path.clone()) {
            Ok(file) => file,
            Err(error) => {
                let _ = rings.remove();
                return Err(failure("make the file", &unfinished)(&error));
            }
        };
        let mut labels = labels(settings, first_position, registry);
        if let Some(fallback) = &fallback {
            let files = [(FIRST_FILE, path.clone()), (SECOND_FILE, fallback.join(&name))];
            labels.extend(
                files.map(|(label, file)| (label.to_owned(), file.to_string_lossy().into_owned())),
            );
        }
        let header = FileHeader::new(file_id, started_unix_ns, settings.compression().codec);
        let metadata = Metadata {
            program,
            args: std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect(),
            pid,
            exe: exe.to_string_lossy().into_owned(),
            memscope_version: env!("CARGO_PKG_VERSION").to_owned(),
            target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            started_unix_ns,
            clock_source: clock.name().to_owned(),
            clock: [early, clock.reading()],
            ring_capacity: capacity,
            labels,
        };
        let moved = Arc::new(OnceLock::new());
        let options = WriterOptions { retry: RETRY, ..WriterOptions::default() };
        let begin = || {
            let mut writer = Writer::with(file, &header, options)?.durable(settings.durability());
            writer.metadata(&metadata)?;
            writer.define(registry.defs())?;
            std::fs::rename(&unfinished, &path)?;
            Ok::<_, Error>(writer)
        };
        match begin() {
            Ok(mut writer) => {
                if let Some(fallback) = fallback {
                    writer = writer.or_elsewhere(elsewhere(&path, fallback, &name, &moved));
                }
                Ok(Self {
                    path,
                    moved,
                    writer,
                    metadata,
                    rings,
                    recorders: Vec::new(),
                    clock,
                    scale: Clock::new(early, clock.reading()),
                    first_position,
                    marks: HashMap::new(),
                })
            }
            Err(error) => {
                // Half a capture without an event is of no use to anybody.
                let _ = (rings.remove(), std::fs::remove_file(&unfinished));
                Err(failure("write", &path)(&error))
            }
        }
    }
}

/// Opens the file in the second directory in which the capture goes on when it cannot be written any more; once.
fn elsewhere(
    path: &Path,
    fallback: PathBuf,
    name: &str,
    moved: &Arc<OnceLock<PathBuf>>,
) -> impl FnMut(&std::io::Error) -> Option<OwnFile> + Send + use<> {
    let (path, name, moved) = (path.to_owned(), name.to_owned(), Arc::clone(moved));
    move |error| {
        let next = fallback.join(&name);
        let next_path = next.display();
        if moved.get().is_some() {
            return None;
        }
        let made =
            std::fs::create_dir_all(&fallback).and_then(|()| OwnFile::create(&next, next.clone()));
        match made {
            Ok(file) => {
                let together = merge_command("memscope", &path, &next);
                let path = path.display();
                report(format_args!(
                    "cannot write {path}: {error}; it goes on in {next_path}; to put them together: {together}"
                ));
                // It was not set before.
                let _ = moved.set(next);
                Some(file)
            }
            Err(why) => {
                report(format_args!("cannot go on in {next_path}: {why}"));
                None
            }
        }
    }
}

/// What the capture says of itself.
fn labels(settings: &Settings, first_position: u64, registry: &Registry) -> Vec<(String, String)> {
    let mut labels = settings.labels.clone();
    labels.extend(settings.name.clone().map(|name| ("session".to_owned(), name)));
    labels.push((FIRST_POSITION.to_owned(), first_position.to_string()));
    let choice = registry.choice().unwrap_or_default();
    for (stream, _) in Stream::ALL {
        let (part, recorded) = match stream {
            Stream::Values => (Part::Values, choice.values),
            Stream::Calls => (Part::Calls, choice.calls),
            Stream::Contents => (Part::Contents, settings.records(stream)),
            Stream::Readings => (Part::Readings, settings.records(stream)),
        };
        if !recorded {
            labels.push((part.label().to_owned(), OFF.to_owned()));
        }
    }
    labels
}

/// Why recording did not start: what could not be done, to what, and why.
pub(super) struct StartFailure {
    what: &'static str,
    path: PathBuf,
    error: String,
}

impl fmt::Display for StartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot {} {}: {} (set MEMSCOPE_DIR, or `SessionBuilder::directory`, to a writable directory, or MEMSCOPE=off)",
            self.what,
            self.path.display(),
            self.error
        )
    }
}

/// The program's name, without the hash that cargo gives test binaries.
fn program_name(exe: &Path) -> String {
    const HASH_LEN: usize = 16;
    let stem = exe.file_stem().unwrap_or_default().to_string_lossy();
    match stem.rsplit_once('-') {
        Some((name, hash))
            if hash.len() == HASH_LEN && hash.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            name.to_owned()
        }
        _ if stem.is_empty() => "program".to_owned(),
        _ => stem.into_owned(),
    }
}

fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// An id that no other capture has: the keys of the standard library's hasher are the system's random bytes.
fn file_id(salt: u64) -> [u8; 16] {
    use std::hash::{BuildHasher, RandomState};
    let half = || RandomState::new().hash_one((salt, std::process::id())).to_le_bytes();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&half());
    id[8..].copy_from_slice(&half());
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_binaries_are_named_without_their_hash() {
        let name = |exe| program_name(Path::new(exe));
        assert_eq!(name("/target/debug/deps/cache-0123456789abcdef"), "cache");
        assert_eq!(name("/bin/my-tool"), "my-tool");
        assert_eq!(name(""), "program");
    }
}
