//! `memscope tune`: how a capture is best compressed.

use crate::args::TuneArgs;
use crate::console::{Console, Reading};
use crate::failure::Failure;
use crate::find;
use crate::table::{Kind, Table};
use memscope_format::report::human::Count;
use memscope_format::{Noise, Trial, Tuning, tune};
use std::io::Write;
use std::time::Duration;

/// Runs the command.
pub(crate) fn run(args: &TuneArgs, console: &mut Console) -> Result<(), Failure> {
    let path = find::one_capture(&args.file)?;
    let reader = find::open(&path)?;
    let mut bar = Reading::start();
    let progress = |done, all| bar.advance(done, all);
    let tuning = tune(&reader, progress).map_err(|error| Failure::opening(&path, error))?;
    drop(bar);
    if args.json {
        serde_json::to_writer_pretty(&mut console.out, &tuning).map_err(std::io::Error::from)?;
        writeln!(console.out)?;
        return Ok(());
    }
    let text = text(&tuning, console.width);
    let next = console.invocation.command("compact", &args.file);
    writeln!(console.out, "{text}next: {next}")?;
    Ok(())
}

fn text(tuning: &Tuning, width: usize) -> String {
    let Some(recommended) = &tuning.recommended else {
        return "The capture has no rows to try anything on.\n".to_owned();
    };
    let rows = Count(tuning.rows).of("row");
    let tried = match tuning.rows < tuning.all_rows {
        true => format!("a sample of {rows}, of {}", Count(tuning.all_rows)),
        false => format!("all {rows}"),
    };
    let mut table = Table::new()
        .column("", Kind::Word)
        .column("Codec", Kind::Word)
        .column("Level", Kind::Figure)
        .column("Noise", Kind::Word)
        .column("Rows a chunk", Kind::Figure)
        .column("Bytes a row", Kind::Figure)
        .column("Write", Kind::Figure)
        .column("Read", Kind::Figure);
    for trial in &tuning.best {
        let mark = if trial == recommended { "*" } else { "" };
        table.row(
            [
                mark.to_owned(),
                trial.compression.codec.name().to_owned(),
                trial.compression.level.to_string(),
                noise(trial).to_owned(),
                Count(trial.chunk_rows as u64).to_string(),
                format!("{:.2}", trial.bytes as f64 / tuning.rows as f64),
                each(trial.encode, tuning.rows),
                each(trial.decode, tuning.rows),
            ]
            .map(Into::into),
        );
    }
    format!(
        "Tried on {tried}; what nothing else beats in size and in both times:\n\n{}\n* recommended: the smallest of those \
         that take at most twice as long as the fastest, to write and to read\n",
        table.render(width)
    )
}

/// What is done with columns that look random.
const fn noise(trial: &Trial) -> &'static str {
    match (trial.compression.noise, trial.compression.least_gain) {
        (Noise::Store, _) => "stored",
        (_, 1..) => "where worth it",
        (Noise::Count, _) => "counted",
        _ => "searched",
    }
}

/// A time for each row.
fn each(time: Duration, rows: u64) -> String {
    format!("{:.1} ns", time.as_nanos() as f64 / rows as f64)
}
