//! `memscope merge`: captures of several processes as one.

use crate::args::{self, MergeArgs};
use crate::console::{Console, Reading, say};
use crate::export::{Unfinished, refuse_own_input};
use crate::failure::Failure;
use crate::find;
use memscope_format::report::human::Count;
use memscope_format::{Error, Merge, Reader};
use std::io::{BufWriter, Write};

/// Runs the command.
pub(crate) fn run(args: &MergeArgs, console: &mut Console) -> Result<(), Failure> {
    let mut paths = Vec::new();
    for path in &args.from {
        paths.extend(find::captures(path)?);
    }
    let readers: Vec<Reader> =
        paths.iter().map(|path| find::open(path)).collect::<Result<_, _>>()?;
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
    let damaged: Vec<String> = readers
        .iter()
        .zip(&paths)
        .filter(|(reader, _)| is_damaged(reader, &readers))
        .map(|(_, path)| path.display().to_string())
        .collect();
    if damaged.is_empty() && done.unreadable_rows == 0 {
        return Ok(());
    }
    let rows = Count(done.unreadable_rows).of("row");
    Err(Failure::Damaged(format!("damaged: {}; {rows} cannot be read", damaged.join(", "))))
}

/// Whether something is wrong with a capture that is not put right by the others: of a recording in several files each
/// lacks the frames of the others.
fn is_damaged(reader: &Reader, all: &[Reader]) -> bool {
    let id = reader.header().file_id;
    let in_several = all.iter().filter(|other| other.header().file_id == id).count() > 1;
    let damage = &reader.health().damage;
    damage.iter().any(|damage| !in_several || damage.bytes > 0 || damage.rows.is_some())
}
