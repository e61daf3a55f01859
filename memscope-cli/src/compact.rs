//! `memscope compact`: a capture written anew, smaller.

use crate::args::CompactArgs;
use crate::console::{Console, Reading, say};
use crate::failure::Failure;
use crate::find;
use memscope_format::report::human::{Bytes, Count};
use memscope_format::{Compression, Error, compact};

/// Runs the command.
pub(crate) fn run(args: &CompactArgs, console: &mut Console) -> Result<(), Failure> {
    let path = find::one_capture(&args.file)?;
    let before = find::open(&path)?.bytes();
    let to = args.output.clone().unwrap_or_else(|| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        path.with_file_name(format!("{name}-compact.memscope"))
    });
    let compression = match args.smallest {
        true => Compression::memory_efficient(),
        false => Compression::balanced(),
    };
    let mut bar = Reading::start();
    let progress = |done, total| bar.advance(done, total);
    let (done, _) = compact(&path, &to, compression, progress).map_err(|error| match error {
        Error::Io(error) => Failure::io(format!("cannot write {}", to.display()), error),
        error => Failure::opening(&path, error),
    })?;
    let events = Count(done.events).of("event");
    let (before, after) = (Bytes(before), Bytes(done.bytes));
    say(&format!("wrote: {} ({events}, {before} before, {after} now; compared)", to.display()));
    say(&format!("next: {}", console.invocation.command("summary", &to)));
    Ok(())
}
