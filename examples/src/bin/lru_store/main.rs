//! A key-value store of bounded size, driven by a trace of operations.
//!
//! Replays a trace from a file, or one that it makes up, and says how often the store had what it was asked for,
//! how it grew, and how much of what its values reserve is unused.
#![forbid(unsafe_code)]

mod store;
mod trace;

use crate::store::{BackLinks, Entry, Store};
use crate::trace::{Operation, TraceError, Workload};
use clap::Parser;
use memscope_examples::byte_size::ByteSize;
use memscope_examples::census::{self, Census};
use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::process::ExitCode;

/// Replay a trace of operations against a least-recently-used store.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Replay this file, one operation a line: `get KEY`, `put KEY BYTES`, `append KEY BYTES` or `remove KEY`. Blank
    /// lines and lines that begin with # are skipped
    #[arg(long, value_name = "FILE", conflicts_with_all = ["operations", "keys", "seed"])]
    trace: Option<PathBuf>,

    /// Without --trace: how many operations to make up
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    operations: u64,

    /// Without --trace: how many different keys they use
    #[arg(long, value_name = "N", default_value = "4000")]
    keys: NonZeroU64,

    /// Without --trace: another number makes up other operations
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// How much the keys and values may take
    #[arg(long, value_name = "SIZE", default_value = "512KiB")]
    capacity: ByteSize,

    /// Print a line about the store every N operations
    #[arg(long, value_name = "N", default_value = "10000")]
    every: NonZeroU64,

    /// Make the links back to newer entries strong, so that neighbours hold each other and evicted entries leak
    #[arg(long)]
    cycle: bool,

    /// Free the store, then print how many entries were created and dropped
    #[arg(long)]
    check: bool,

    /// Print a running count of the entries created and dropped, at every Nth
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1000")]
    acknowledge: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output had enough of it.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "lru_store: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    census::announce(arguments.acknowledge.unwrap_or(0));
    let back_links = if arguments.cycle { BackLinks::Strong } else { BackLinks::Weak };
    let capacity = usize::try_from(arguments.capacity.0)?;
    let mut store = Store::new(capacity, back_links);
    let mut out = io::stdout().lock();

    let mut replay = Replay::new(arguments.every);
    match &arguments.trace {
        Some(path) => replay.run(&mut store, trace::read(path)?, &mut out)?,
        None => {
            let keys = usize::try_from(arguments.keys.get())?;
            let workload =
                Workload { operations: arguments.operations, keys, seed: arguments.seed };
            replay.run(&mut store, trace::generate(workload).map(Ok), &mut out)?;
        }
    }
    replay.summary(&store, &mut out)?;

    drop(store);
    let entries = Entry::tally().counts();
    writeln!(out, "freed {} of {} entries", entries.dropped, entries.created)?;
    if arguments.check {
        writeln!(out, "{}", Entry::tally())?;
    }
    Ok(())
}

/// A trace on its way through a store, and what came of it.
#[derive(Debug)]
struct Replay {
    every: NonZeroU64,
    operations: u64,
    reads: u64,
    hits: u64,
}

impl Replay {
    fn new(every: NonZeroU64) -> Self {
        Self { every, operations: 0, reads: 0, hits: 0 }
    }

    fn run(
        &mut self,
        store: &mut Store,
        trace: impl Iterator<Item = Result<Operation, TraceError>>,
        out: &mut dyn Write,
    ) -> Result<(), Box<dyn Error>> {
        writeln!(out, "operations  entries        held    reserved  unused  hit rate")?;
        for operation in trace {
            self.apply(store, operation?);
            if self.operations.is_multiple_of(self.every.get()) {
                self.line(store, out)?;
            }
        }
        Ok(())
    }

    #[memscope::track]
    fn apply(&mut self, store: &mut Store, operation: Operation) {
        self.operations += 1;
        match operation {
            Operation::Get { key } => {
                self.reads += 1;
                self.hits += u64::from(store.get(&key).is_some());
            }
            Operation::Put { key, bytes } => {
                let value: Vec<u8> = vec![b'.'; bytes];
                store.put(&key, value);
            }
            Operation::Append { key, bytes } => {
                let more: Vec<u8> = vec![b'+'; bytes];
                store.append(&key, &more);
            }
            Operation::Remove { key } => {
                store.remove(&key);
            }
        }
    }

    fn line(&self, store: &Store, out: &mut dyn Write) -> io::Result<()> {
        let usage = store.usage();
        writeln!(
            out,
            "{:>10}  {:>7}  {:>10}  {:>10}  {:>6}  {:>8}",
            self.operations,
            usage.entries,
            ByteSize(usage.bytes as u64),
            ByteSize(usage.reserved as u64),
            percent(usage.unused as u64, usage.reserved as u64),
            percent(self.hits, self.reads),
        )
    }

    fn summary(&self, store: &Store, out: &mut dyn Write) -> io::Result<()> {
        let Self { operations, reads, hits, .. } = self;
        writeln!(out, "\n{operations} operations, {} evicted", store.evicted)?;
        writeln!(out, "{hits} of {reads} reads found their key: {}", percent(*hits, *reads))
    }
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
