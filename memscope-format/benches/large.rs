//! What a capture of a gigabyte costs a reader that wants little of it, as a table for BENCHMARKS.md.
//!
//! `cargo bench -p memscope-format --bench large -- [MEGABYTES]`: writes a capture of 1000 MB into the directory for temporary
//! files, and measures each way to read it in a process of its own, whose highest memory is then that of this way.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark is a program that prints"
)]

mod counted;
mod program;

use memscope_format::rows::{Container, DropChain, Lifecycle};
use memscope_format::{
    Batch, ClockReading, Codec, Columns, Commit, Event, FileHeader, HookTable, Metadata, Reader,
    Source, Writer,
};
use program::{Program, defs, fill};
use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Events between two commits.
const DRAINED: u64 = 1 << 18;
/// The clock ticks in nanoseconds.
const SECOND: u64 = 1_000_000_000;
const ROUNDS: usize = 5;
/// Megabytes that are cut off, beside half of the footer. Checkpoints are 16 MiB apart: some of what is left ends right behind
/// one, some nearly so far from it.
const CUTS: [u64; 6] = [0, 1, 4, 7, 11, 14];

/// What one process does with the capture.
#[derive(Clone, Copy)]
enum Task {
    Open,
    /// Counts the rows of one second by their sites.
    SecondBySite,
    /// As before, of a hundredth of a second.
    MomentBySite,
    /// All rows of one second.
    SecondOfRows,
    /// Counts all drops by their sites.
    DropsBySite,
    /// All rows of a stream.
    Drops,
}

impl Task {
    const ALL: [(&'static str, Self); 6] = [
        ("open", Self::Open),
        ("births of 1 s, by site", Self::SecondBySite),
        ("births of 10 ms, by site", Self::MomentBySite),
        ("births of 1 s, all columns", Self::SecondOfRows),
        ("all drops, by site", Self::DropsBySite),
        ("all drops, all columns", Self::Drops),
    ];

    /// Returns how many rows were found.
    fn run(self, reader: &Reader) -> u64 {
        let births = reader.chunks::<Lifecycle>();
        let middle = births[births.len() / 2].t_min;
        let during = |time: u64| reader.select::<Lifecycle>().time(middle..middle + time);
        match self {
            Self::Open => 0,
            Self::SecondBySite => by_site(during(SECOND).columns(&["site"]).unwrap()),
            Self::MomentBySite => by_site(during(SECOND / 100).columns(&["site"]).unwrap()),
            Self::SecondOfRows => during(SECOND).rows().unwrap().map(Result::unwrap).count() as u64,
            Self::DropsBySite => by_site(reader.columns::<DropChain>(&["site"]).unwrap()),
            Self::Drops => reader.rows::<DropChain>().map(Result::unwrap).count() as u64,
        }
    }
}

/// Counts rows by their sites; returns how many there are in all.
fn by_site<R: Event>(columns: Columns<'_, R>) -> u64 {
    let mut counts = vec![0_u64; 64];
    for chunk in columns {
        for &site in &chunk.unwrap().columns[0] {
            counts[site as usize] += 1;
        }
    }
    counts.iter().sum()
}

/// What a process found, as it tells its parent.
struct Figures {
    /// Of the first time: what a program that reads the capture once waits.
    first: Duration,
    least: Duration,
    bytes: u64,
    rows: u64,
    /// The highest resident memory, in KiB; 0 where the system does not say.
    memory: u64,
}

impl Figures {
    /// Opens the capture and does the task, again and again.
    fn measure(path: &Path, task: Task) -> Self {
        let mut times = Vec::new();
        let (mut bytes, mut rows) = (0, 0);
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            (rows, bytes) = counted::read(path, |reader| task.run(reader));
            times.push(begun.elapsed());
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let memory = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
        let least = times.iter().copied().min().unwrap();
        Self { first: times[0], least, bytes, rows, memory: memory.unwrap_or(0) }
    }

    /// Lets another process measure.
    fn of_process(path: &Path, task: usize) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap());
        let output = process.args(["--task", &task.to_string()]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let words: Vec<u64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
        let [first, least, bytes, rows, memory] = words[..].try_into().unwrap();
        let (first, least) = (Duration::from_nanos(first), Duration::from_nanos(least));
        Self { first, least, bytes, rows, memory }
    }

    fn print(&self) {
        let Self { first, least, bytes, rows, memory } = self;
        println!("{} {} {bytes} {rows} {memory}", first.as_nanos(), least.as_nanos());
    }

    fn print_row(&self, what: &str) {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "| {what} | {:.1} | {:.1} | {:.2} | {:.2} | {:.0} |",
            ms(self.first),
            ms(self.least),
            self.bytes as f64 / 1e6,
            self.rows as f64 / 1e6,
            self.memory as f64 / 1024.0,
        );
    }
}

/// Writes a capture of at least so many bytes as a runtime does: chunks and a commit a cycle, a checkpoint when one is due.
fn write(path: &Path, bytes: u64) {
    let file = BufWriter::new(File::create(path).unwrap());
    let mut writer = Writer::new(file, &FileHeader::new([7; 16], 0, Codec::Zstd)).unwrap();
    writer.metadata(&Metadata::default()).unwrap();
    writer.define(&defs()).unwrap();
    let mut hooks = HookTable::new();
    hooks.extend(&defs());
    let mut batch = Batch::new(Codec::Zstd);
    let mut program = Program::new();
    let (mut cycle, mut events) = (0, 0);
    while writer.bytes() < bytes {
        fill(&mut batch, &hooks, &program.events(DRAINED));
        cycle += 1;
        events += batch.events;
        for frame in batch.seal() {
            writer.append(&frame).unwrap();
        }
        let clock = ClockReading::default();
        writer.commit(&Commit { cycle, clock, events, lost: 0, rings: Vec::new() }).unwrap();
    }
    writer.finish().unwrap();
}

/// Says what there is to be read.
fn describe(path: &Path) {
    let reader = Reader::open(path).unwrap();
    let streams = reader.streams();
    let chunks: u64 = streams.iter().map(|stream| stream.chunks).sum();
    let births = reader.chunks::<Lifecycle>();
    let last = births.iter().map(|chunk| chunk.t_max).max().unwrap();
    println!(
        "{:.0} MB, {:.0} M events in {:.1} s, {chunks} chunks",
        reader.bytes() as f64 / 1e6,
        reader.events() as f64 / 1e6,
        (last - births[0].t_min) as f64 / SECOND as f64,
    );
    for stream in streams.iter().filter(|stream| stream.rows > 0) {
        let share = 100.0 * stream.bytes as f64 / reader.bytes() as f64;
        println!(
            "{}: {:.0} M rows, {share:.0} % of the bytes",
            stream.stream.name(),
            stream.rows as f64 / 1e6
        );
    }
    assert!(!reader.chunks::<Container>().is_empty());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, task, path] = &arguments[..]
        && flag == "--task"
    {
        let (_, task) = Task::ALL[task.parse::<usize>().unwrap()];
        Figures::measure(Path::new(path), task).print();
        return;
    }
    let megabytes = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(1000_u64);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.memscope");
    write(&path, megabytes * 1_000_000);
    describe(&path);
    println!("\n| | first, ms | least, ms | MB read | M rows | peak memory, MiB |");
    println!("|---|--:|--:|--:|--:|--:|");
    for (number, (what, _)) in Task::ALL.into_iter().enumerate() {
        Figures::of_process(&path, number).print_row(what);
    }
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let whole = Source::len(&file).unwrap();
    for cut in CUTS {
        // With half a footer gone there is none.
        file.set_len(whole - cut * 1_000_000 - 20).unwrap();
        Figures::of_process(&path, 0).print_row(&format!("open, without the last {cut} MB"));
    }
}
