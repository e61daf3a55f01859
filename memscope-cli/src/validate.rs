//! `memscope validate`: a capture against the format.

use crate::args::ValidateArgs;
use crate::console::Console;
use crate::failure::Failure;
use crate::find;
use memscope_format::report::human::Count;
use memscope_format::validate::{Validation, validate};
use serde::Serialize;

/// Problems that are listed in text; JSON has all.
const LISTED: usize = 20;

#[derive(Serialize)]
struct Answer<'a> {
    valid: bool,
    #[serde(flatten)]
    validation: &'a Validation,
}

/// Runs the command.
pub(crate) fn run(args: &ValidateArgs, console: &mut Console) -> Result<(), Failure> {
    let path = find::one_capture(&args.file)?;
    let validation = validate(&path).map_err(|error| Failure::opening(&path, error))?;
    let valid = validation.errors.is_empty();
    if args.json {
        serde_json::to_writer_pretty(&mut console.out, &Answer { valid, validation: &validation })
            .map_err(std::io::Error::from)?;
        writeln!(console.out)?;
    } else {
        let text = text(&validation);
        let next = console.invocation.command("summary", &path);
        writeln!(console.out, "{text}next: {next}")?;
    }
    if valid {
        return Ok(());
    }
    let errors = Count(validation.errors.len() as u64).of("error");
    let what = format!("{}: damaged ({errors}); what is whole can be read", path.display());
    Err(Failure::Damaged(what))
}

fn text(validation: &Validation) -> String {
    let mut text = String::new();
    for (word, found) in [("error", &validation.errors), ("warning", &validation.warnings)] {
        for finding in found.iter().take(LISTED) {
            text += &format!("{word}: at offset {}: {}\n", finding.offset, finding.what);
        }
        let more = found.len().saturating_sub(LISTED);
        if more > 0 {
            text += &format!("{word}: {} more (--json lists them)\n", Count(more as u64));
        }
    }
    let verdict = if validation.errors.is_empty() { "valid" } else { "damaged" };
    let damaged = validation.frames.iter().filter(|frame| frame.problem.is_some()).count();
    text += &format!(
        "{verdict}: {}, {} of them damaged; {}, {}\n",
        Count(validation.frames.len() as u64).of("frame"),
        Count(damaged as u64),
        Count(validation.errors.len() as u64).of("error"),
        Count(validation.warnings.len() as u64).of("warning"),
    );
    text
}
