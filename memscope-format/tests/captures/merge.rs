//! Captures of several recordings become one in which nothing is mixed up.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::sample;
use memscope_format::defs::{Defs, HookDef, SiteDef, ThreadDef, TypeDef};
use memscope_format::raw::value_id;
use memscope_format::report::{BlockFigures, BlockOwner, Report};
use memscope_format::rows::{
    Container, DropChain, Heap, HeapKind, LeftOut, Lifecycle, LifecycleKind, Metric, Outcome,
    Performance,
};
use memscope_format::{
    Alignment, Chunk, ClockReading, Codec, Commit, Error, Event, FileHeader, Merge, Metadata,
    Reader, Writer, validate,
};
use std::io;
use std::path::Path;

/// One recording: its clock, and what tells its ids from those of others.
#[derive(Clone, Copy)]
struct Recording {
    number: u8,
    /// Ids are this much greater than in the first.
    ids: u32,
    started_unix_ns: u64,
    first: ClockReading,
    ticks_per_us: u64,
    source: &'static str,
}

const FIRST: Recording = Recording {
    number: 1,
    ids: 0,
    started_unix_ns: 1_700_000_000_000_000_000,
    first: ClockReading { ticks: 3_000_000, mono_ns: 1_000_000 },
    ticks_per_us: 3000,
    source: "tsc",
};

impl Recording {
    fn us(self, us: u64) -> u64 {
        self.first.ticks + us * self.ticks_per_us
    }

    fn reading(self, us: u64) -> ClockReading {
        ClockReading { ticks: self.us(us), mono_ns: self.first.mono_ns + us * 1000 }
    }

    fn defs(self) -> Defs {
        let mut defs = sample::defs();
        let n = self.ids;
        for SiteDef { id, .. } in &mut defs.sites {
            *id += n;
        }
        for TypeDef { id, .. } in &mut defs.types {
            *id += n;
        }
        for HookDef { id, site, type_id } in &mut defs.hooks {
            (*id, *site, *type_id) = (*id + n, *site + n, *type_id + n);
        }
        for ThreadDef { id, name, .. } in &mut defs.threads {
            *id += n;
            *name = Some(format!("thread {id} of {}", self.number));
        }
        // One that the others do not have.
        defs.sites[1].name = format!("only in {}", self.number);
        defs
    }

    fn metadata(self) -> Metadata {
        Metadata {
            program: "serve".to_owned(),
            pid: self.number.into(),
            started_unix_ns: self.started_unix_ns,
            clock_source: self.source.to_owned(),
            clock: [self.first, self.first],
            labels: vec![("run".to_owned(), self.number.to_string())],
            ..sample::metadata()
        }
    }

    fn births(self) -> Vec<Lifecycle> {
        let row = |row: u64| Lifecycle {
            ts: self.us(10 * row),
            kind: if row % 3 == 2 { LifecycleKind::Cloned } else { LifecycleKind::Born },
            site: 1 + (row % 4) as u32 + self.ids,
            type_id: 11 + (row % 4) as u32 + self.ids,
            value: value_id((row % 2) as u16, 100 + row),
            origin: if row % 3 == 2 { value_id(0, 100 + row / 2 * 2) } else { 0 },
            thread: 1 + (row % 2) as u32 + self.ids,
        };
        (0..60).map(row).collect()
    }

    fn drops(self) -> Vec<DropChain> {
        let row = |(number, birth): (u64, Lifecycle)| DropChain {
            ts: birth.ts + 5 * self.ticks_per_us,
            duration: (number % 2 == 0).then_some(3 * self.ticks_per_us),
            // Some values have no identity.
            value: if number % 5 == 0 { 0 } else { birth.value },
            site: birth.site,
            type_id: birth.type_id,
            depth: 1,
            outcome: Outcome::Dropped,
            panicking: false,
            thread: birth.thread,
            left_out: LeftOut::default(),
            stack: None,
        };
        (0..).zip(self.births()).map(row).collect()
    }

    fn readings(self) -> Vec<Performance> {
        let reading = |metric, subject, value| Performance {
            ts: self.us(7),
            metric,
            subject,
            value,
            thread: Some(1 + self.ids),
        };
        // A number that would be another as a value's id, and one of a ring.
        vec![reading(Metric::CaptureBytes, 0, 5 << 48 | 7), reading(Metric::RingFill, 1, 77)]
    }

    fn header(self) -> FileHeader {
        FileHeader {
            created_unix_ns: self.started_unix_ns,
            ..FileHeader::new([self.number; 16], 0, Codec::Zstd)
        }
    }

    fn write<W: io::Write>(self, mut writer: Writer<W>) -> W {
        writer.metadata(&self.metadata()).unwrap();
        writer.define(&self.defs()).unwrap();
        for part in 0..3 {
            append(&mut writer, &self.births()[20 * part..20 * (part + 1)]);
            append(&mut writer, &self.drops()[20 * part..20 * (part + 1)]);
        }
        append(&mut writer, &self.readings());
        let clock = self.reading(1000);
        let commit = Commit { cycle: 1, clock, events: 120, lost: 2, rings: Vec::new() };
        writer.commit(&commit).unwrap();
        writer.finish().unwrap()
    }

    fn capture(self, directory: &Path) -> Reader {
        let bytes = self.write(Writer::new(Vec::new(), &self.header()).unwrap());
        sample::open(&directory.join(format!("{}.memscope", self.number)), &bytes).unwrap()
    }
}

fn append<R: Event>(writer: &mut Writer<impl io::Write>, rows: &[R]) {
    let mut chunk = Chunk::new();
    rows.iter().for_each(|row| chunk.push(row).unwrap());
    writer.append(&chunk.seal(Codec::Zstd).unwrap()).unwrap();
}

fn merge(directory: &Path, captures: &[Reader]) -> (memscope_format::Merged, Reader) {
    let mut last = (0, 0);
    let (done, bytes) =
        Merge::default().write(captures, Vec::new(), |read, all| last = (read, all)).unwrap();
    assert_eq!(last.0, last.1);
    assert_eq!(done.bytes, bytes.len() as u64);
    // The bytes are the same on threads.
    let threads = Merge { threads: 2, ..Merge::default() };
    assert!(threads.write(captures, Vec::new(), |_, _| {}).unwrap().1 == bytes);
    let path = directory.join("merged.memscope");
    let reader = sample::open(&path, &bytes).unwrap();
    assert_eq!(validate(&path).unwrap().errors, []);
    (done, reader)
}

fn rows<R: Event>(reader: &Reader) -> Vec<R> {
    reader.rows::<R>().map(Result::unwrap).collect()
}

/// What a row says without ids, with a time that all recordings share, in nanoseconds.
type Said = (u64, String, String, String, Option<u64>);

/// What the rows say, and their value ids, in their order.
fn said(reader: &Reader, ns: impl Fn(u64) -> u64) -> (Vec<Said>, Vec<u64>) {
    let defs = reader.defs();
    let say = |ts, site, type_id, thread, duration: Option<u64>| {
        let site = defs.site(site).unwrap().name.clone();
        let type_name = defs.type_def(type_id).unwrap().name.clone();
        let thread = defs.thread(thread).unwrap().name.clone().unwrap();
        (ns(ts), site, type_name, thread, duration.map(|ticks| reader.clock().duration_ns(ticks)))
    };
    let births = rows::<Lifecycle>(reader);
    let drops = rows::<DropChain>(reader);
    let mut said: Vec<Said> =
        births.iter().map(|row| say(row.ts, row.site, row.type_id, row.thread, None)).collect();
    said.extend(
        drops.iter().map(|row| say(row.ts, row.site, row.type_id, row.thread, row.duration)),
    );
    let mut values: Vec<u64> = births.iter().flat_map(|row| [row.value, row.origin]).collect();
    values.extend(drops.iter().map(|row| row.value));
    (said, values)
}

/// Asserts that the rows of the merged capture are those of the recordings.
fn assert_lossless(merged: &Reader, captures: &[Reader], ns: impl Fn(usize, &Reader, u64) -> u64) {
    let unmerged: Vec<_> = captures
        .iter()
        .enumerate()
        .map(|(place, reader)| said(reader, |ts| ns(place, reader, ts)))
        .collect();
    let (found, values) = said(merged, |ts| ns(captures.len(), merged, ts));
    // Births of all, then drops of all.
    let half = |said: &[Said], second: bool| said[60 * usize::from(second)..][..60].to_vec();
    let expected: Vec<Said> = [false, true]
        .into_iter()
        .flat_map(|second| unmerged.iter().flat_map(move |(said, _)| half(said, second)))
        .collect();
    assert_eq!(found, expected);
    // A value that was another is another, and one that was the same is the same.
    let before: Vec<(usize, u64)> = [0..120, 120..180]
        .into_iter()
        .flat_map(|part| {
            unmerged.iter().enumerate().flat_map(move |(place, (_, values))| {
                values[part.clone()].iter().map(move |&value| (place, value))
            })
        })
        .collect();
    assert_eq!(before.len(), values.len());
    for (&(place, old), &new) in before.iter().zip(&values) {
        assert_eq!(old == 0, new == 0);
        for (&(other_place, other_old), &other_new) in before.iter().zip(&values) {
            let same = old == other_old && (place == other_place || old == 0);
            assert_eq!(same, new == other_new);
        }
    }
}

#[test]
fn recordings_of_one_counter_keep_their_ticks() {
    let directory = tempfile::tempdir().unwrap();
    // Half a second later, with other ids.
    let second = Recording {
        number: 2,
        ids: 5,
        started_unix_ns: FIRST.started_unix_ns + 500_000_000,
        first: FIRST.reading(500_000),
        ..FIRST
    };
    let captures = [FIRST, second].map(|recording| recording.capture(directory.path()));
    let (done, merged) = merge(directory.path(), &captures);
    assert_eq!((done.sources, done.alignment), (2, Alignment::SameCounter));
    assert_eq!((done.rows, done.events, done.unreadable_rows), (244, 240, 0));
    assert_eq!((merged.events(), merged.lost()), (240, 4));
    assert_lossless(&merged, &captures, |_, _, ts| ts);
    assert_eq!(merged.clock().first(), FIRST.first);
    assert_eq!(merged.clock().last(), second.reading(1000));

    // Sites and types that say the same are one; threads never are.
    let defs = merged.defs();
    assert_eq!((defs.sites.len(), defs.types.len(), defs.threads.len()), (5, 4, 4));
    assert_eq!(defs.hooks.len(), 5);
    let metadata = merged.metadata().unwrap();
    assert_eq!((metadata.program.as_str(), metadata.pid), ("serve", 0));
    let label = |name: &str| {
        let found = metadata.labels.iter().find(|(label, _)| label == name);
        found.unwrap_or_else(|| panic!("{name}")).1.as_str()
    };
    assert_eq!([label("source.1.pid"), label("source.2.pid")], ["1", "2"]);
    assert_eq!(label("source.2.label.run"), "2");
    assert!(label("merged.clock").contains("one counter"));

    // A chunk names the recording that its rows are of.
    let path = directory.path().join("merged.memscope");
    let bytes = std::fs::read(path).unwrap();
    let mut sources = Vec::new();
    let mut at = memscope_format::header::FILE_HEADER_LEN;
    while at < bytes.len() {
        let header =
            memscope_format::frame::FrameHeader::from_bytes(bytes[at..].first_chunk().unwrap());
        let (header, _) = header.unwrap();
        if header.frame_type.stream().is_some() {
            sources.push(header.source);
        }
        at += header.frame_len() as usize;
    }
    assert_eq!(sources, [1, 1, 1, 2, 2, 2]);

    let readings = rows::<Performance>(&merged);
    let found: Vec<_> = readings.iter().map(|row| (row.metric, row.value)).collect();
    let expected = [(Metric::CaptureBytes, 5 << 48 | 7), (Metric::RingFill, 77)];
    assert_eq!(found, [expected, expected].concat());
    let rings: Vec<u64> = readings
        .iter()
        .filter(|row| row.metric == Metric::RingFill)
        .map(|row| row.subject)
        .collect();
    let births = rows::<Lifecycle>(&merged);
    assert_eq!(rings, [births[1].value >> 48, births[61].value >> 48]);
}

#[test]
fn other_counters_are_brought_to_one_line_by_the_clocks_that_both_read() {
    let directory = tempfile::tempdir().unwrap();
    let same_machine = Recording {
        number: 2,
        started_unix_ns: FIRST.started_unix_ns + 2_000_000,
        first: ClockReading { ticks: 99, mono_ns: FIRST.first.mono_ns + 2_000_000 },
        ticks_per_us: 24,
        source: "arm",
        ..FIRST
    };
    let other_machine = Recording {
        number: 3,
        started_unix_ns: FIRST.started_unix_ns + 40_000_000,
        first: ClockReading { ticks: 5, mono_ns: 77_000_000_000 },
        ..same_machine
    };
    for (second, alignment, later) in [
        (same_machine, Alignment::MonotonicClock, 2_000_000),
        (other_machine, Alignment::WallClock, 40_000_000),
    ] {
        let captures = [FIRST, second].map(|recording| recording.capture(directory.path()));
        let (done, merged) = merge(directory.path(), &captures);
        assert_eq!(done.alignment, alignment);
        let label = &merged.metadata().unwrap().labels[0];
        assert_eq!(*label, ("merged.clock".to_owned(), alignment.to_string()));
        assert_lossless(&merged, &captures, |place, reader, ts| {
            let ns = u64::try_from(reader.clock().ns(ts)).unwrap();
            if place == 1 { ns + later } else { ns }
        });
    }
}

/// What a writer left in two directories is put together as what it was.
#[test]
fn files_of_one_recording_are_not_two() {
    struct Limited(Vec<u8>, usize);
    impl io::Write for Limited {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() + bytes.len() > self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let whole = FIRST.capture(directory.path());
    let limit = whole.bytes() as usize / 2;
    let (sender, receiver) = std::sync::mpsc::channel();
    let moved = sender.clone();
    let mut made = 0;
    let writer = Writer::new(Limited(Vec::new(), limit), &FIRST.header()).unwrap();
    // What the first sink took is what a writer of the same content had written until then.
    let writer = writer.or_elsewhere(move |_| {
        made += 1;
        moved.send(made).unwrap();
        Some(Limited(Vec::new(), usize::MAX))
    });
    let second = FIRST.write(writer).0;
    assert_eq!(receiver.try_recv(), Ok(1));
    let first = std::fs::read(directory.path().join("1.memscope")).unwrap();
    let frames = {
        let mut at = memscope_format::header::FILE_HEADER_LEN;
        let mut end = at;
        while at <= limit {
            end = at;
            let header =
                memscope_format::frame::FrameHeader::from_bytes(first[at..].first_chunk().unwrap());
            at += header.unwrap().0.frame_len() as usize;
        }
        end
    };
    let parts = [
        sample::open(&directory.path().join("part2.memscope"), &second).unwrap(),
        sample::open(&directory.path().join("part1.memscope"), &first[..frames]).unwrap(),
    ];
    assert!(parts.iter().all(|part| rows::<Lifecycle>(part).len() < 60));
    let (done, merged) = merge(directory.path(), &parts);
    assert_eq!((done.sources, done.rows), (1, 122));
    assert_lossless(&merged, &[whole], |_, _, ts| ts);
}

#[test]
fn what_cannot_be_merged_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = Merge::default().write(&[], Vec::new(), |_, _| {}).unwrap_err();
    assert!(matches!(error, Error::NoData));
    let twice = [FIRST.capture(directory.path()), FIRST.capture(directory.path())];
    let error = Merge::default().write(&twice, Vec::new(), |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("the same frames twice"), "{error}");
}

#[test]
fn what_is_damaged_or_lost_in_one_is_so_in_all() {
    let directory = tempfile::tempdir().unwrap();
    let second = Recording { number: 2, ..FIRST };
    let captures = [FIRST, second].map(|recording| recording.capture(directory.path()));
    let path = directory.path().join("2.memscope");
    let mut bytes = std::fs::read(&path).unwrap();
    let memscope_format::chunks::Place::Frame { offset, .. } =
        captures[1].chunks::<DropChain>()[1].place
    else {
        panic!()
    };
    bytes[offset as usize + 64 + 40] ^= 1;
    let damaged = sample::open(&path, &bytes).unwrap();
    let [first, _] = captures;
    let (done, merged) = merge(directory.path(), &[first, damaged]);
    assert_eq!((done.rows, done.unreadable_rows), (224, 20));
    assert_eq!(merged.unwritten(), [(memscope_format::Stream::DropChain, 20)]);
    assert!(!merged.health().is_whole());
    assert!(rows::<Container>(&merged).is_empty());
}

/// What is freed is found by its address, which a block of another process may have, too.
#[test]
fn blocks_of_several_processes_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let capture = |recording: Recording, frees: bool| {
        let mut writer = Writer::new(Vec::new(), &recording.header()).unwrap();
        writer.metadata(&recording.metadata()).unwrap();
        writer.define(&recording.defs()).unwrap();
        let row = |us, kind| Heap {
            ts: recording.us(us),
            kind,
            block: None,
            addr: 0x7f00_0000_1000,
            size: 64,
            old_size: None,
            align: 8,
            // Each has a site that the other does not have.
            site: (kind == HeapKind::Alloc).then_some(recording.defs().sites[1].id),
            stack: None,
            thread: 1 + recording.ids,
            old_addr: None,
        };
        let mut rows = vec![row(10, HeapKind::Alloc)];
        rows.extend(frees.then(|| row(20, HeapKind::Free)));
        append(&mut writer, &rows);
        let commit = Commit { cycle: 1, clock: recording.reading(1000), ..Commit::default() };
        writer.commit(&commit).unwrap();
        Reader::from_bytes(writer.finish().unwrap()).unwrap()
    };
    let second = Recording { number: 2, first: FIRST.reading(500_000), ..FIRST };
    let captures = [capture(FIRST, false), capture(second, true)];
    let (_, merged) = merge(directory.path(), &captures);
    let addresses: Vec<u64> = rows::<Heap>(&merged).iter().map(|row| row.addr).collect();
    assert!(addresses[0] != addresses[1] && addresses[1] == addresses[2], "{addresses:x?}");
    assert!(addresses.iter().all(|address| address % (1 << 48) == 0x7f00_0000_1000));
    let report = Report::open(&[directory.path().join("merged.memscope")]).unwrap();
    let left = |name: &str| {
        let of = |known: &&BlockFigures| matches!(&known.owner, BlockOwner::Site(site) if site.name == name);
        report.blocks.iter().find(of).unwrap().live_bytes.exact().copied()
    };
    assert_eq!((left("only in 1"), left("only in 2")), (Some(64), Some(0)));
}
