//! `memscope merge`: captures of several processes as one.

use crate::args::{self, MergeArgs};
use crate::console::{Console, Reading, say};
use crate::export::{Unfinished, refuse_own_input};
use crate::failure::Failure;
use crate::find;
use memscope_format::report::human::Count;
use memscope_format::{Error, Merge, OpenFiles, Reader};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Captures that are open at once: a process may have few files, and there may be many of them.
const OPEN: usize = 16;

/// Runs the command.
pub(crate) fn run(args: &MergeArgs, console: &mut Console) -> Result<(), Failure> {
    let mut paths = Vec::new();
    for path in &args.from {
        paths.extend(find::captures(path)?);
    }
    let opening = Reader::opening().files(&OpenFiles::new(OPEN));
    let open = |path: &PathBuf| opening.open(path).map_err(|error| Failure::opening(path, error));
    let readers: Vec<Reader> = paths.iter().map(open).collect::<Result<_, _>>()?;
    for path in &paths {
        refuse_own_input(path, &args.output)?;
    }
    let cannot = |error| Failure::io(format!("cannot write {}", args.output.display()), error);
    let (unfinished, file) = Unfinished::create(&args.output).map_err(cannot)?;
    let mut bar = Reading::start();
    let merge =
        Merge { compression: args.preset.compression(), threads: args::threads(args.threads) };
    let progress = |done, total| bar.advance(done, total);
    let written = merge.write(&readers, BufWriter::new(file), progress);
    let (done, mut sink) = written.map_err(|error| match error {
        Error::Io(error) => cannot(error),
        error => Failure::Usage(format!("these cannot be merged: {error}")),
    })?;
    sink.flush().and_then(|()| unfinished.finish()).map_err(cannot)?;
    drop(bar);
    let (rows, recordings) =
        (Count(done.rows).of("row"), Count(done.sources.into()).of("recording"));
    say(&format!("wrote: {} ({rows} of {recordings})", args.output.display()));
    say(&format!("times: {}", done.alignment));
    say(&format!("next: {}", console.invocation.command("summary", &args.output)));
    if done.damaged.is_empty() {
        return Ok(());
    }
    let damaged = done.damaged.iter().filter_map(|place| paths.get(*place));
    let damaged: Vec<String> = damaged.map(|path| path.display().to_string()).collect();
    let what = "what cannot be read is missing, and the new capture says so";
    Err(Failure::Damaged(format!("damaged: {}; {what}", damaged.join(", "))))
}
