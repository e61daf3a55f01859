//! `memscope convert`: a capture in another codec, as JSON Lines or as MessagePack, and back.

use crate::args::{self, ConvertArgs};
use crate::console::{Console, Reading, say};
use crate::export::{Unfinished, refuse_own_input};
use crate::failure::Failure;
use crate::find;
use memscope_format::convert::{Notation, export, import};
use memscope_format::report::human::Count;
use memscope_format::{Clock, Compression, Error, Rewrite, Stream};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::ops::RangeInclusive;
use std::path::Path;

/// What a file holds, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Capture,
    Items(Notation),
}

impl Kind {
    fn of(path: &Path) -> Result<Self, Failure> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("memscope") => Ok(Self::Capture),
            Some("jsonl" | "ndjson") => Ok(Self::Items(Notation::JsonLines)),
            Some("msgpack") => Ok(Self::Items(Notation::MessagePack)),
            _ => Err(Failure::Usage(format!(
                "{}: the name must end in .memscope, .jsonl or .msgpack, to say what it is",
                path.display()
            ))),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &ConvertArgs, console: &mut Console) -> Result<(), Failure> {
    if let (Some(from), Some(to)) = (args.from_time, args.to_time)
        && from >= to
    {
        let what = "--from-time must be before --to-time";
        return Err(Failure::Usage(what.to_owned()));
    }
    let from = if args.from.is_dir() { Kind::Capture } else { Kind::of(&args.from)? };
    let to = Kind::of(&args.to)?;
    let compression = compression(args);
    let kept = streams(args)?;
    let cannot = |error| Failure::io(format!("cannot write {}", args.to.display()), error);
    let (rows, missing) = match (from, to) {
        (Kind::Items(_), Kind::Items(_)) => {
            let what = "one of the two must be a capture";
            return Err(Failure::Usage(what.to_owned()));
        }
        (Kind::Items(notation), Kind::Capture) => {
            if is_cut(args) {
                let what = "--stream, --from-time and --to-time are for captures";
                return Err(Failure::Usage(what.to_owned()));
            }
            refuse_own_input(&args.from, &args.to)?;
            let source = File::open(&args.from).map_err(|error| {
                Failure::io(format!("cannot read {}", args.from.display()), error)
            })?;
            let (unfinished, file) = Unfinished::create(&args.to).map_err(cannot)?;
            let mut sink = BufWriter::new(file);
            let rows = import(BufReader::new(source), notation, &mut sink, compression)
                .map_err(|error| Failure::opening(&args.from, error))?;
            sink.flush().and_then(|()| unfinished.finish()).map_err(cannot)?;
            (rows, None)
        }
        (Kind::Capture, to) => {
            let path = find::one_capture(&args.from)?;
            refuse_own_input(&path, &args.to)?;
            let reader = find::open(&path)?;
            let (unfinished, file) = Unfinished::create(&args.to).map_err(cannot)?;
            let mut sink = BufWriter::new(file);
            let mut bar = Reading::start();
            let progress = |done, total| bar.advance(done, total);
            let failed = |error| match error {
                Error::Io(error) => cannot(error),
                error => Failure::opening(&path, error),
            };
            let done = match to {
                Kind::Capture => {
                    let ticks = ticks(args, reader.clock());
                    let threads = args::threads(args.threads);
                    let streams = kept;
                    let rewrite =
                        Rewrite { compression, streams, ticks, threads, ..Rewrite::default() };
                    let (done, _) = rewrite.write(&reader, &mut sink, progress).map_err(failed)?;
                    (done.rows, done.unreadable_rows, done.damage)
                }
                Kind::Items(notation) => {
                    if is_cut(args) {
                        let what = "--stream, --from-time and --to-time are for captures that become captures";
                        return Err(Failure::Usage(what.to_owned()));
                    }
                    let done = export(&reader, notation, &mut sink, progress).map_err(failed)?;
                    let damage = reader.damage_beside_chunks().cloned().collect();
                    (done.rows, done.unreadable_rows, damage)
                }
            };
            sink.flush().and_then(|()| unfinished.finish()).map_err(cannot)?;
            let (rows, unreadable, damage) = done;
            let is_whole = unreadable == 0 && damage.is_empty();
            (rows, (!is_whole).then(|| Failure::incomplete(&path, &damage, unreadable)))
        }
    };
    say(&format!("wrote: {} ({})", args.to.display(), Count(rows).of("row")));
    if to == Kind::Capture {
        say(&format!("next: {}", console.invocation.command("info", &args.to)));
    }
    missing.map_or(Ok(()), Err)
}

/// Whether only a part is to be kept.
fn is_cut(args: &ConvertArgs) -> bool {
    !args.streams.is_empty() || args.from_time.is_some() || args.to_time.is_some()
}

/// The ticks that are kept.
fn ticks(args: &ConvertArgs, clock: &Clock) -> RangeInclusive<u64> {
    let tick = |ns: u64| clock.ticks(i64::try_from(ns).unwrap_or(i64::MAX));
    let first = args.from_time.map_or(0, tick);
    match args.to_time.map(tick) {
        None => first..=u64::MAX,
        // What happened at the end itself is not before it.
        Some(end) => match end.checked_sub(1) {
            Some(last) => first..=last,
            None => RangeInclusive::new(1, 0),
        },
    }
}

fn compression(args: &ConvertArgs) -> Compression {
    let mut compression = args.preset.compression();
    if let Some(codec) = args.codec {
        compression = Compression { noise: compression.noise, ..codec.codec().into() };
    }
    if let Some(level) = args.level {
        compression.level = level;
    }
    compression
}

fn streams(args: &ConvertArgs) -> Result<Vec<Stream>, Failure> {
    if args.streams.is_empty() {
        return Ok(Stream::ALL.to_vec());
    }
    let known = || Stream::ALL.map(Stream::name).join(", ");
    let find = |name: &String| {
        let same = |stream: &Stream| stream.name().eq_ignore_ascii_case(&name.replace('-', "_"));
        let found = Stream::ALL.into_iter().find(same);
        found.ok_or_else(|| Failure::Usage(format!("no stream {name}; there are {}", known())))
    };
    args.streams.iter().map(find).collect()
}
