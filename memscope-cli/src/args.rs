//! The command line.

use crate::invocation::Invocation;
use crate::time;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use memscope_format::{Codec, Compression};
use std::ffi::OsString;
use std::path::PathBuf;

/// Record what a program's values do, and read the recording.
#[derive(Debug, Parser)]
#[command(name = "memscope", version, subcommand_required = true, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    Test(TestArgs),
    Summary(SummaryArgs),
    Info(InfoArgs),
    Validate(ValidateArgs),
    Export(ExportArgs),
    Convert(ConvertArgs),
    Merge(MergeArgs),
    Recover(RecoverArgs),
    Compact(CompactArgs),
    Tune(TuneArgs),
}

/// Build a program with recording on, and run it
///
/// Takes what `cargo run` takes: options for cargo first, then `--`, then arguments for the program. The capture goes
/// to `memscope` in the target directory, or where MEMSCOPE_DIR says. The exit code is that of the program.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Options for cargo, such as `--release`, `-p PACKAGE` or `--bin NAME`
    #[arg(value_name = "CARGO ARGS", allow_hyphen_values = true)]
    pub(crate) cargo: Vec<OsString>,
    /// Arguments for the program: what follows the first `--`.
    #[arg(skip)]
    pub(crate) program: Vec<OsString>,
}

/// Build tests with recording on, and run them
///
/// Takes what `cargo test` takes: options for cargo first, then `--`, then arguments for the tests. Each test process makes a
/// capture, in whose rows tests are threads by their names. They go to a new directory in `memscope` in the target directory, or where
/// MEMSCOPE_DIR says. The exit code is that of cargo.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Options for cargo, such as `--release`, `-p PACKAGE` or `--test NAME`, and the name of tests
    #[arg(value_name = "CARGO ARGS", allow_hyphen_values = true)]
    pub(crate) cargo: Vec<OsString>,
    /// Arguments for the tests: what follows the first `--`.
    #[arg(skip)]
    pub(crate) tests: Vec<OsString>,
}

/// Show what a capture says: values by site and type, containers, drops, findings
///
/// Marks: `≈` within the error shown below the table, `±` at most so far off, `≥` at least, `?` unknown for the reason
/// shown. Exit codes: 0; 3 if a capture is damaged; 4 if there is none.
#[derive(Debug, Args)]
pub(crate) struct SummaryArgs {
    /// A capture, or a directory of captures to put together
    #[arg(value_name = "FILE|DIR")]
    pub(crate) path: PathBuf,
    /// Print everything as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Rows of each table; 0 for all (of the slowest drops, 1000)
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top: usize,
}

/// Show what a capture holds, and whether all of it can be read
///
/// Exit codes: 0; 3 if a capture is damaged; 4 if there is none.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// A capture, or a directory of captures
    #[arg(value_name = "FILE|DIR")]
    pub(crate) path: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Check a capture against the format, frame by frame
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// A capture, or a directory of one
    #[arg(value_name = "FILE|DIR")]
    pub(crate) file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write all rows of a capture in another format
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// A capture, or a directory of one
    #[arg(value_name = "FILE|DIR")]
    pub(crate) file: PathBuf,
    /// What to write
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,
    /// Where to write it, when it is whole; by default to stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write rows to stdout as the program records them, until it ends
    #[arg(long, conflicts_with = "output")]
    pub(crate) follow: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// JSON Lines: an object a row, first the definitions, then the events
    Json,
}

/// Write a capture in another codec, as JSON Lines or as MessagePack, or make a capture of those
///
/// What a file is its name says: .memscope, .jsonl or .msgpack. Nothing is lost either way.
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// What to read
    #[arg(value_name = "FROM")]
    pub(crate) from: PathBuf,
    /// What to write
    #[arg(value_name = "TO")]
    pub(crate) to: PathBuf,
    /// How a new capture is compressed
    #[arg(long, value_enum, default_value = "balanced")]
    pub(crate) preset: Preset,
    /// With which codec, if not that of the preset
    #[arg(long, value_enum)]
    pub(crate) codec: Option<CodecName>,
    /// At which level, if not that of the preset
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) level: Option<i32>,
    /// Keep only this stream; may be given several times
    #[arg(long = "stream", value_name = "STREAM")]
    pub(crate) streams: Vec<String>,
    /// Keep only what happened from this time on, since recording began: `1.5s`, `20ms`, `7us`, `100ns`
    #[arg(long, value_name = "TIME", value_parser = time::duration_ns)]
    pub(crate) from_time: Option<u64>,
    /// Keep only what happened before this time
    #[arg(long, value_name = "TIME", value_parser = time::duration_ns)]
    pub(crate) to_time: Option<u64>,
    /// Threads that compress a new capture, whose bytes do not depend on it; by default one less than there are cores
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

/// Put captures of several processes together as one
///
/// Ids are unique in the new capture, and definitions that say the same are one. Times are of one clock: as they were
/// where all recordings read one counter, else brought together by the monotonic or the wall clock, which the labels of
/// the new capture say. Exit codes: 0; 3 if a capture is damaged.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Captures, or directories of captures
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) from: Vec<PathBuf>,
    /// What to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// How the new capture is compressed
    #[arg(long, value_enum, default_value = "balanced")]
    pub(crate) preset: Preset,
    /// Threads that compress; by default one less than there are cores
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// The least time to write
    HighPerformance,
    /// As captures are recorded
    Balanced,
    /// As balanced, but columns that hardly shrink are stored as they are
    Auto,
    /// The least size
    MemoryEfficient,
}

impl Preset {
    /// What it stands for.
    pub(crate) const fn compression(self) -> Compression {
        match self {
            Self::HighPerformance => Compression::high_performance(),
            Self::Balanced => Compression::balanced(),
            Self::Auto => Compression::auto(),
            Self::MemoryEfficient => Compression::memory_efficient(),
        }
    }
}

/// Threads that compress: as many as were asked for, or one for each core but that of the thread that reads.
pub(crate) fn threads(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| {
        std::thread::available_parallelism().map_or(0, |cores| cores.get().saturating_sub(1))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodecName {
    None,
    Lz4,
    Zstd,
    Brotli,
}

impl CodecName {
    /// The codec of the format.
    pub(crate) const fn codec(self) -> Codec {
        match self {
            Self::None => Codec::None,
            Self::Lz4 => Codec::Lz4,
            Self::Zstd => Codec::Zstd,
            Self::Brotli => Codec::Brotli,
        }
    }
}

/// Save what is left of a damaged capture, or of a program that died, as a whole capture
///
/// The new capture is read again and checked. Exit codes: 0; 3 if something could not be saved.
#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// A capture, or a directory of one
    #[arg(value_name = "FILE|DIR")]
    pub(crate) file: PathBuf,
    /// Where to write; never over a file. By default beside the capture, with `-recovered` in the name
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Write a capture anew, smaller: events that were recorded in haste become compressed columns
///
/// The new capture is read again and compared with the old one, row by row.
#[derive(Debug, Args)]
pub(crate) struct CompactArgs {
    /// A capture, or a directory of one
    #[arg(value_name = "FILE|DIR")]
    pub(crate) file: PathBuf,
    /// Where to write; never over a file. By default beside the capture, with `-compact` in the name
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Take the time to make it as small as can be
    #[arg(long)]
    pub(crate) smallest: bool,
}

/// Try codecs, levels and sizes of chunks on a capture's own rows, and say which are best
///
/// Takes some seconds. The times are of this machine as it is now. Of a large capture a sample is tried, which is said.
#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    /// A capture, or a directory of one
    #[arg(value_name = "FILE|DIR")]
    pub(crate) file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses the arguments; help speaks of the program as the user called it.
pub(crate) fn parse(
    invocation: &Invocation,
    mut words: Vec<OsString>,
) -> Result<Command, clap::Error> {
    // What follows `--` is the program's own and never looked into; clap would take it for more of what came before.
    let dashes = words
        .iter()
        .position(|word| word == "--")
        .filter(|_| words.get(1).is_some_and(|word| word == "run" || word == "test"));
    let behind = dashes.map(|at| words.split_off(at).split_off(1));
    let name = invocation.program();
    let mut command = CommandLine::command().bin_name(name.to_owned());
    for (subcommand, whose) in [("run", "PROGRAM"), ("test", "TEST")] {
        let usage = format!("{name} {subcommand} [CARGO ARGS]... [-- {whose} ARGS...]");
        command = command.mut_subcommand(subcommand, |one| one.override_usage(usage));
    }
    let matches = command.try_get_matches_from(words)?;
    let mut command = CommandLine::from_arg_matches(&matches)?.command;
    match (&mut command, behind) {
        (Command::Run(run), Some(words)) => run.program = words,
        (Command::Test(test), Some(words)) => test.tests = words,
        _ => {}
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invocation::Front;

    fn parsed(words: &[&str]) -> Command {
        let (invocation, words) =
            Invocation::split(Front::Memscope, words.iter().map(OsString::from));
        parse(&invocation, words).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn run_passes_options_on_to_cargo_and_what_follows_the_dashes_to_the_program() {
        let line = [
            "memscope",
            "run",
            "--release",
            "-p",
            "app",
            "--bin",
            "serve",
            "--",
            "--port",
            "80",
            "--",
            "x",
        ];
        let Command::Run(run) = parsed(&line) else { panic!("run was asked for") };
        assert_eq!(run.cargo, ["--release", "-p", "app", "--bin", "serve"]);
        assert_eq!(run.program, ["--port", "80", "--", "x"]);
        let Command::Run(run) = parsed(&["memscope", "run", "--", "--help"]) else {
            panic!("run was asked for")
        };
        assert!(run.cargo.is_empty());
        assert_eq!(run.program, ["--help"]);
        let Command::Run(run) = parsed(&["memscope", "run"]) else { panic!("run was asked for") };
        assert!(run.cargo.is_empty() && run.program.is_empty());
        let line = ["memscope", "test", "-p", "app", "name", "--", "--test-threads=1"];
        let Command::Test(test) = parsed(&line) else { panic!("test was asked for") };
        assert_eq!(test.cargo, ["-p", "app", "name"]);
        assert_eq!(test.tests, ["--test-threads=1"]);
    }
}
