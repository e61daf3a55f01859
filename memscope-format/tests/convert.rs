//! A capture becomes JSON Lines or MessagePack, and the same capture again; or another capture with the same rows.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod sample;

use memscope_format::convert::{Notation, export, import};
use memscope_format::report::Report;
use memscope_format::rows::{DropChain, HeapUser, Lifecycle, LifecycleKind, Metric, Performance};
use memscope_format::{
    Chunk, Codec, Commit, Compression, Error, Merge, Reader, Rewrite, Stream, Writer, recover,
    validate,
};
use sample::{Rows, Sample, open};
use std::path::Path;
use std::process::Command;

const NOTATIONS: [Notation; 2] = [Notation::JsonLines, Notation::MessagePack];

/// The sample, and 70,000 sampled births: more than a chunk has.
fn capture() -> Vec<u8> {
    let mut sample = Sample::of_three_cycles(Codec::Zstd);
    let mut chunk = Chunk::new();
    for row in 0..70_000_u64 {
        let kind = LifecycleKind::Born;
        let birth = Lifecycle {
            ts: 9000 + row,
            kind,
            site: 1,
            type_id: 11,
            value: row,
            origin: 0,
            thread: 1,
        };
        if chunk.len() == memscope_format::chunk::CHUNK_ROWS {
            sample.writer.append(&chunk.seal(Codec::Zstd).unwrap()).unwrap();
        }
        chunk.push_weighted(&birth, 1 + row % 3).unwrap();
    }
    sample.writer.append(&chunk.seal(Codec::Zstd).unwrap()).unwrap();
    sample.finish()
}

fn weights(reader: &Reader) -> Vec<u64> {
    let chunks = reader.chunks::<Lifecycle>();
    chunks.iter().flat_map(|chunk| reader.weights::<Lifecycle>(chunk).unwrap()).collect()
}

/// Everything but how rows are cut and compressed.
fn assert_same(found: &Reader, expected: &Reader) {
    assert!(found.health().is_whole());
    assert_eq!(found.metadata(), expected.metadata());
    assert_eq!(found.defs(), expected.defs());
    assert_eq!(found.header().file_id, expected.header().file_id);
    assert_eq!(found.header().created_unix_ns, expected.header().created_unix_ns);
    assert_eq!(found.clock().last(), expected.clock().last());
    assert_eq!(found.lost(), expected.lost());
    assert!(Rows::of(found) == Rows::of(expected));
    assert_eq!(weights(found), weights(expected));
}

#[test]
fn what_is_exported_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let reader = open(&directory.path().join("x.memscope"), &capture()).unwrap();
    for notation in NOTATIONS {
        let mut items = Vec::new();
        let mut last = (0, 0);
        let done = export(&reader, notation, &mut items, |rows, all| last = (rows, all)).unwrap();
        assert_eq!((done.rows, done.unreadable_rows, last), (70_072, 0, (70_072, 70_072)));
        let mut bytes = Vec::new();
        let rows = import(items.as_slice(), notation, &mut bytes, Compression::memory_efficient())
            .unwrap();
        assert_eq!(rows, 70_072);
        let path = directory.path().join("y.memscope");
        let back = open(&path, &bytes).unwrap();
        assert_same(&back, &reader);
        // The same items again.
        let mut again = Vec::new();
        export(&back, notation, &mut again, |_, _| {}).unwrap();
        assert!(again == items);

        let cut = items.len() - 60;
        let error = import(&items[..cut], notation, Vec::new(), Compression::default());
        assert!(matches!(error, Err(Error::Corrupt { .. } | Error::Truncated { .. })), "{error:?}");
    }
    let error = import(b"".as_slice(), Notation::JsonLines, Vec::new(), Compression::default());
    assert!(matches!(error, Err(Error::NoData)));
    let error = import(b"[]\n".as_slice(), Notation::JsonLines, Vec::new(), Compression::default());
    assert!(matches!(error, Err(Error::Corrupt { offset: 0, .. })));
}

/// Python's msgpack reads it; run where that is installed, as the decoder in `conformance/`.
#[test]
fn another_language_reads_the_messagepack() {
    let python = std::env::var("MEMSCOPE_PYTHON");
    let interpreter = python.as_deref().unwrap_or("python3");
    let check = Command::new(interpreter).args(["-c", "import msgpack"]).output();
    if python.is_err() && !check.is_ok_and(|output| output.status.success()) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let capture = Sample::of_three_cycles(Codec::Zstd).finish();
    let reader = open(&directory.path().join("x.memscope"), &capture).unwrap();
    let [lines, packed] = NOTATIONS.map(|notation| {
        let path = directory.path().join(format!("{notation:?}"));
        let file = std::fs::File::create(&path).unwrap();
        export(&reader, notation, file, |_, _| {}).unwrap();
        path
    });
    let program = "import json, msgpack, sys\n\
        items = list(msgpack.Unpacker(open(sys.argv[1], 'rb')))\n\
        assert items == [json.loads(line) for line in open(sys.argv[2])]\n\
        print(len(items))";
    let output =
        Command::new(interpreter).args(["-c", program]).args([packed, lines]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Two about the capture, 4 sites, 4 types, 4 hooks, 2 threads, 4 other definitions, 72 rows, and the end.
    assert_eq!(output.stdout, b"93\n");
}

#[test]
fn a_capture_is_written_anew_in_other_codecs() {
    let directory = tempfile::tempdir().unwrap();
    let reader = open(&directory.path().join("x.memscope"), &capture()).unwrap();
    for codec in Codec::ALL.into_iter().filter(|codec| codec.is_available()) {
        let rewrite = Rewrite { compression: codec.into(), chunk_rows: 1000, ..Rewrite::default() };
        let (done, bytes) = rewrite.write(&reader, Vec::new(), |_, _| {}).unwrap();
        assert_eq!((done.rows, done.bytes), (70_072, bytes.len() as u64));
        let path = directory.path().join("y.memscope");
        let back = open(&path, &bytes).unwrap();
        assert_same(&back, &reader);
        assert_eq!(back.header().codec, codec);
        assert_eq!(back.chunks::<Lifecycle>().len(), 71);
        assert_eq!(validate(&path).unwrap().errors, []);
    }
}

#[test]
fn a_capture_is_cut_by_stream_and_time() {
    let directory = tempfile::tempdir().unwrap();
    let reader = open(&directory.path().join("x.memscope"), &capture()).unwrap();
    let rewrite = Rewrite {
        streams: vec![Stream::Lifecycle, Stream::DropChain],
        ticks: 3000..=3050,
        ..Rewrite::default()
    };
    let (done, bytes) = rewrite.write(&reader, Vec::new(), |_, _| {}).unwrap();
    let path = directory.path().join("y.memscope");
    let cut = open(&path, &bytes).unwrap();
    let all = Rows::of(&reader);
    let kept = Rows {
        lifecycle: all
            .lifecycle
            .into_iter()
            .filter(|row| (3000..=3050).contains(&row.ts))
            .collect(),
        drop_chain: all
            .drop_chain
            .into_iter()
            .filter(|row: &DropChain| (3000..=3050).contains(&row.ts))
            .collect(),
        ..Rows::default()
    };
    assert_eq!(Rows::of(&cut), kept);
    assert_eq!((done.rows, done.events, cut.events()), (11, 11, 11));
    let labels = &cut.metadata().unwrap().labels;
    let said = |name: &str| labels.iter().find(|label| label.0 == name).unwrap().1.as_str();
    assert_eq!(said("cut.streams"), "LIFECYCLE, DROP_CHAIN");
    assert_eq!(said("cut.ticks"), "3000 to 3050");
    assert_eq!(validate(&path).unwrap().errors, []);
}

fn recovered(path: &Path, bytes: &[u8]) -> (u64, Rows, Rows) {
    std::fs::write(path, bytes).unwrap();
    let before = Rows::of(&Reader::open(path).unwrap());
    let to = path.with_extension("recovered");
    let (done, validation) = recover(path, &to, |_, _| {}).unwrap();
    assert_eq!((&validation.errors, validation.complete), (&vec![], true));
    let error = recover(path, &to, |_, _| {}).unwrap_err();
    assert!(matches!(error, Error::Io(_)), "a file is never written over");
    let after = Rows::of(&Reader::open(&to).unwrap());
    std::fs::remove_file(to).unwrap();
    (done.unreadable_rows, before, after)
}

#[test]
fn what_is_left_of_a_damaged_capture_becomes_a_whole_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let mut bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let reader = open(&path, &bytes).unwrap();
    let chunk = reader.chunks::<DropChain>()[1];
    let memscope_format::chunks::Place::Frame { offset, .. } = chunk.place else { panic!() };
    bytes[offset as usize + 64 + 30] ^= 4;
    let (unreadable, before, after) = recovered(&path, &bytes);
    assert_eq!(unreadable, 4);
    // What is missing is said by whatever is made of it.
    let damaged = open(&path, &bytes).unwrap();
    for notation in NOTATIONS {
        let (mut items, mut imported) = (Vec::new(), Vec::new());
        export(&damaged, notation, &mut items, |_, _| {}).unwrap();
        import(items.as_slice(), notation, &mut imported, Compression::default()).unwrap();
        let (_, rewritten) = Rewrite::default().write(&damaged, Vec::new(), |_, _| {}).unwrap();
        for bytes in [imported, rewritten] {
            let made = open(&directory.path().join("y.memscope"), &bytes).unwrap();
            assert_eq!(made.unwritten(), [(Stream::DropChain, 4)]);
            assert!(made.health().complete && !made.health().is_whole());
        }
    }
    assert_eq!((before.len(), before.errors.len(), after.errors.len()), (68, 1, 0));
    assert_eq!(after, Rows { errors: vec![], ..before });

    let (unreadable, before, after) = recovered(&path, &bytes[..offset as usize + 20]);
    assert_eq!((unreadable, before.errors.len()), (0, 0));
    assert_eq!(after, before);
    assert!(after.len() > 20);
}

#[test]
fn a_sink_that_fails_is_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let reader = open(&directory.path().join("x.memscope"), &bytes).unwrap();
    for notation in NOTATIONS {
        let error = export(&reader, notation, Full, |_, _| {}).unwrap_err();
        let Error::Io(error) = error else { panic!("{error}") };
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }
    assert!(matches!(Rewrite::default().write(&reader, Full, |_, _| {}), Err(Error::Io(_))));
    let error = Writer::new(Full, &sample::file_header(Codec::None)).err();
    assert!(matches!(error, Some(Error::Io(_))));
}

/// Each stream and each table is in one of these captures.
#[test]
fn rows_of_every_stream_come_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    for name in ["streams", "contents", "variants"] {
        let reader = Reader::open(folder.join(name).with_extension("memscope")).unwrap();
        let rows = |reader: &Reader| {
            reader.streams().iter().map(|total| (total.stream, total.rows)).collect::<Vec<_>>()
        };
        for notation in NOTATIONS {
            let (mut items, mut bytes) = (Vec::new(), Vec::new());
            export(&reader, notation, &mut items, |_, _| {}).unwrap();
            import(items.as_slice(), notation, &mut bytes, Compression::balanced()).unwrap();
            assert_eq!(rows(&Reader::from_bytes(bytes).unwrap()), rows(&reader), "{name}");
        }
    }
}

/// A copy ends as any file does; what it is a copy of need not have.
#[test]
fn a_copy_does_not_say_more_than_what_it_is_of() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let report = |path| Report::open(&[path]).unwrap();
    std::fs::write(path("killed.memscope"), Sample::of_three_cycles(Codec::Zstd).killed()).unwrap();
    recover(path("killed.memscope"), path("recovered.memscope"), |_, _| {}).unwrap();
    let (killed, recovered) = (report(path("killed.memscope")), report(path("recovered.memscope")));
    assert!(Reader::open(path("recovered.memscope")).unwrap().health().complete);
    assert!(!recovered.captures[0].complete);
    assert_eq!(recovered.sites, killed.sites);

    let whole = Reader::from_bytes(Sample::of_three_cycles(Codec::Zstd).finish()).unwrap();
    let births = Rewrite { streams: vec![Stream::Lifecycle], ..Rewrite::default() };
    let file = std::fs::File::create(path("births.memscope")).unwrap();
    births.write(&whole, file, |_, _| {}).unwrap();
    let births = report(path("births.memscope"));
    assert!(births.captures[0].is_part && !births.caveats.is_empty());
    let reached = births.sites.iter().filter(|site| site.was_reached());
    assert!(reached.inspect(|site| assert!(!site.lives.alive_at_exit.is_exact())).count() > 0);
}

/// What is missing from a capture is missing from each copy, which says so.
#[test]
fn a_copy_of_a_damaged_capture_is_not_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let report = |path| Report::open(&[path]).unwrap();
    let bytes = Sample::of_three_cycles(Codec::Zstd).finish();
    let frames = sample::frames(&bytes);
    let mut events = frames.iter().filter(|(_, header)| header.frame_type.stream().is_some());
    let &(at, header) = events.nth(2).unwrap();
    let cut = [&bytes[..at], &bytes[at + header.frame_len() as usize..]].concat();
    let damaged = open(&path("damaged.memscope"), &cut).unwrap();
    let of_damaged = report(path("damaged.memscope"));
    assert!(of_damaged.is_damaged());

    recover(path("damaged.memscope"), path("recovered.memscope"), |_, _| {}).unwrap();
    let (mut items, mut imported) = (Vec::new(), Vec::new());
    export(&damaged, Notation::JsonLines, &mut items, |_, _| {}).unwrap();
    import(items.as_slice(), Notation::JsonLines, &mut imported, Compression::default()).unwrap();
    let (_, merged) = Merge::default().write(&[damaged], Vec::new(), |_, _| {}).unwrap();
    for (name, bytes) in [("imported.memscope", imported), ("merged.memscope", merged)] {
        open(&path(name), &bytes).unwrap();
    }
    for name in ["recovered.memscope", "imported.memscope", "merged.memscope"] {
        let copy = report(path(name));
        let [capture] = copy.captures.as_slice() else { panic!("{name}") };
        assert!(capture.is_of_damaged && !capture.whole, "{name}");
        assert!(copy.caveats.iter().any(|said| said.contains("could not be read")), "{name}");
        assert_eq!(copy.sites, of_damaged.sites, "{name}");
    }
}

/// Whose last part says how it ended.
#[test]
fn a_copy_of_a_capture_in_parts_ended_as_that_did() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    for (bytes, complete) in [
        (Sample::of_three_cycles(Codec::Zstd).finish(), true),
        (Sample::of_three_cycles(Codec::Zstd).killed(), false),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let parts = Reader::opening().frames(7).open(&path).unwrap();
        assert!(parts.health().rest.is_some());
        let (_, copy) = Rewrite::default().write(&parts, Vec::new(), |_, _| {}).unwrap();
        open(&path, &copy).unwrap();
        let report = Report::open(std::slice::from_ref(&path)).unwrap();
        assert_eq!(report.ended_at_exit(), complete, "{:?}", report.caveats);
    }
}

/// What was read last is of the end of a recording that got there, and of no copy of another.
#[test]
fn the_last_readings_in_a_copy_are_of_no_end_that_there_was_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.memscope");
    let capture = |ends| {
        let mut writer = Writer::new(Vec::new(), &sample::file_header(Codec::None)).unwrap();
        writer.metadata(&sample::metadata()).unwrap();
        let mut chunk = Chunk::new();
        for (metric, subject) in
            [(Metric::Allocations, HeapUser::Program as u64), (Metric::UserTime, 0)]
        {
            let row = Performance { ts: 1000, metric, subject, value: 7, thread: None };
            chunk.push(&row).unwrap();
        }
        writer.append(&chunk.seal(Codec::None).unwrap()).unwrap();
        writer.commit(&Commit { cycle: 1, ..Commit::default() }).unwrap();
        if ends { writer.finish().unwrap() } else { writer.sink().clone() }
    };
    for (ends, fidelity) in [(true, "exact"), (false, "at_least")] {
        let reader = Reader::from_bytes(capture(ends)).unwrap();
        let (_, copy) = Rewrite::default().write(&reader, Vec::new(), |_, _| {}).unwrap();
        for bytes in [capture(ends), copy] {
            open(&path, &bytes).unwrap();
            let report = Report::open(std::slice::from_ref(&path)).unwrap();
            assert_eq!(report.heap.program.allocations.fidelity(), fidelity);
            assert_eq!(report.captures[0].performance.user_ns.fidelity(), fidelity);
        }
    }
}
