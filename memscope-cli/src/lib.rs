//! The command line of memscope: run a program with recording on, and read its capture.
//!
//! `memscope` and `cargo memscope` are the same program. It reads captures through `memscope-format` and never links
//! the recording side. It is the only crate of memscope that prints: results on stdout, notes and errors on stderr.
//!
//! The rooms: [`main`] parses the command line (`args`) and calls one module per command (`run`, `test`, `summary`, `info`,
//! `validate`, `export`, `convert`, `merge`, `recover`, `compact`, `tune`). They write through `console`, lay out with `table`,
//! `cell` and `names`, and fail with a `failure`, which knows its exit code.

mod args;
mod cell;
mod compact;
mod console;
mod convert;
mod export;
mod failure;
mod find;
mod info;
mod invocation;
mod merge;
mod names;
mod recover;
mod run;
mod summary;
mod symbols;
mod table;
mod test;
mod time;
mod tune;
mod validate;
mod wrap;

pub use invocation::Front;

use args::Command;
use console::Console;
use invocation::Invocation;
use std::io::Write;
use std::process::ExitCode;

/// Runs the command that the process's arguments ask for.
///
/// Exit codes: 0 if all went well, 1 if a limit was exceeded, 2 for wrong usage, 3 if a capture is damaged (what could
/// be read was reported), 4 if there is no capture; `run` ends with the program's own, `test` with cargo's.
#[must_use]
pub fn main(front: Front) -> ExitCode {
    let (invocation, words) = Invocation::split(front, std::env::args_os());
    let command = match args::parse(&invocation, words) {
        Ok(command) => command,
        Err(error) => {
            // Help and version go to stdout, mistakes to stderr; if neither takes it, there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::USAGE));
        }
    };
    let mut console = Console::new(invocation);
    let result = match command {
        Command::Run(args) => run::run(&args, &mut console),
        Command::Test(args) => test::run(&args, &mut console),
        Command::Summary(args) => summary::run(&args, &mut console),
        Command::Info(args) => info::run(&args, &mut console),
        Command::Validate(args) => validate::run(&args, &mut console),
        Command::Export(args) => export::run(&args, &mut console),
        Command::Convert(args) => convert::run(&args, &mut console),
        Command::Merge(args) => merge::run(&args, &mut console),
        Command::Recover(args) => recover::run(&args, &mut console),
        Command::Compact(args) => compact::run(&args, &mut console),
        Command::Tune(args) => tune::run(&args, &mut console),
    };
    let flushed = console.out.flush().map_err(failure::Failure::from);
    match result.and(flushed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&console.invocation),
    }
}
