//! `export --follow` writes rows as a program records them, each once, and ends with the program.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use memscope_format::rows::{Lifecycle, LifecycleKind};
use memscope_format::{Chunk, ClockReading, Codec, Commit, FileHeader, Writer, rings_path};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::process::{Command, Stdio};

/// A program that records.
struct Program {
    writer: Writer<File>,
    cycle: u64,
    events: u64,
}

impl Program {
    /// Writes births at these times; returns where their frame ends.
    fn births(&mut self, times: Range<u64>) -> u64 {
        let mut chunk = Chunk::new();
        for ts in times {
            let kind = LifecycleKind::Born;
            let birth =
                Lifecycle { ts, kind, site: 1, type_id: 1, value: ts, origin: 0, thread: 1 };
            chunk.push(&birth).unwrap();
            self.events += 1;
        }
        self.writer.append(&chunk.seal(Codec::None).unwrap()).unwrap();
        self.writer.bytes()
    }

    fn commit(&mut self) {
        self.cycle += 1;
        let clock = ClockReading { ticks: self.cycle, mono_ns: self.cycle };
        let Self { cycle, events, .. } = *self;
        self.writer.commit(&Commit { cycle, clock, events, lost: 0, rings: Vec::new() }).unwrap();
    }
}

#[test]
fn rows_come_as_they_are_recorded_and_those_that_cannot_be_read_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("live.memscope");
    // Whoever records holds a lock on the rings.
    let rings = File::create(rings_path(&path)).unwrap();
    rings.lock().unwrap();
    let header = FileHeader::new([7; 16], 0, Codec::None);
    let sink = File::create(&path).unwrap();
    let mut program = Program { writer: Writer::new(sink, &header).unwrap(), cycle: 0, events: 0 };
    let damaged = program.births(0..100) - 20;
    program.births(100..103);
    program.commit();
    let mut file = File::options().read(true).write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(damaged)).unwrap();
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes).unwrap();
    file.seek(SeekFrom::Start(damaged)).unwrap();
    file.write_all(&bytes.map(|byte| !byte)).unwrap();

    let mut command = Command::new(env!("CARGO_BIN_EXE_memscope"));
    command.args(["export", "--format", "json", "--follow"]).arg(&path);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut times = |count: usize| -> Vec<u64> {
        let rows = lines.by_ref().take(count).map(|line| {
            let row: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            assert_eq!(row["stream"], "LIFECYCLE");
            row["ts"].as_u64().unwrap()
        });
        rows.collect()
    };
    assert_eq!(times(3), [100, 101, 102]);
    program.births(103..105);
    program.commit();
    assert_eq!(times(2), [103, 104]);
    program.births(105..106);
    program.commit();
    program.writer.finish().unwrap();
    std::fs::remove_file(rings_path(&path)).unwrap();
    drop(rings);
    assert_eq!(times(usize::MAX), [105], "each once");
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("100 rows cannot be read"), "{said}");
}
