//! `memscope recover`: what is left of a damaged capture, or of a program that died, as a whole capture.

use crate::args::RecoverArgs;
use crate::console::{Console, Reading, say};
use crate::failure::Failure;
use crate::find;
use memscope_format::report::human::Count;
use memscope_format::{Error, Rewritten, recover};
use std::path::Path;

/// Runs the command.
pub(crate) fn run(args: &RecoverArgs, console: &mut Console) -> Result<(), Failure> {
    let path = find::one_capture(&args.file)?;
    let recovered = find::open(&path)?.health().recovered_events;
    let to = args.output.clone().unwrap_or_else(|| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        path.with_file_name(format!("{name}-recovered.memscope"))
    });
    let mut bar = Reading::start();
    let progress = |done, total| bar.advance(done, total);
    let (done, _) = recover(&path, &to, progress).map_err(|error| match error {
        Error::Io(error) => Failure::io(format!("cannot write {}", to.display()), error),
        error => Failure::opening(&path, error),
    })?;
    told(&done, recovered, &to);
    say(&format!("next: {}", console.invocation.command("summary", &to)));
    if done.damage.is_empty() && done.unreadable_rows == 0 {
        return Ok(());
    }
    Err(Failure::incomplete(&path, &done.damage, done.unreadable_rows))
}

fn told(done: &Rewritten, from_rings: u64, to: &Path) {
    let rings = match from_rings {
        0 => String::new(),
        events => format!(", {} of them from the rings", Count(events)),
    };
    let events = Count(done.events).of("event");
    say(&format!("wrote: {} ({events}{rings}; read again and checked)", to.display()));
}
