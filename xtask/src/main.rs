//! The project's own commands.
//!
//! `cargo xtask ci` runs every check that a change has to pass, and stops at the first that fails. `cargo xtask crates`
//! tries the macros on published crates, and `cargo xtask cost` measures what they cost the compiler. `cargo xtask fuzz` runs the fuzz targets of the capture format.
//! `cargo xtask peers` measures memscope beside its peers, and `cargo xtask soak` kills programs that record, and has one record for long.
//! `cargo xtask damage` flips every bit of captures. `cargo xtask sanitize` runs the tests of the runtime where what is undefined is
//! seen, `cargo xtask arm` runs them on AArch64, and `cargo xtask targets` compiles it for other systems. `cargo xtask instructions` counts those
//! of hooks.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "the command's output")]

mod arm;
mod callgrind;
mod command;
mod crates;
mod fuzz;
mod instructions;
mod libtest;
mod peers;
mod readme;
mod sanitize;
mod soak;
mod steps;
mod targets;
mod toolchain;

use crate::command::Command;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The tests that damage captures.
const DAMAGE: &str = "cargo test -p memscope-format --test damage";

/// The tests that make up programs.
const DIFFERENTIAL: &str =
    "cargo test -p memscope-ui-tests -p memscope-ui-tests-edition-2021 --test differential";

/// The project's own commands.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run the tests of the runtime on AArch64, emulated; needs qemu-user, a C compiler and the standard library for it
    Arm,
    /// Run the checks of CI, in order
    Ci {
        /// Run only these
        #[arg(value_name = "STEP", value_parser = steps::names())]
        only: Vec<String>,
    },
    /// Annotate published crates all over and run their own tests, with hooks off and on
    Crates {
        /// Only those that CI runs
        #[arg(long)]
        short: bool,
        /// Only these
        #[arg(value_name = "CRATE")]
        only: Vec<String>,
    },
    /// Flip every bit of captures; the tests flip those of headers, and one of each third byte behind them
    Damage,
    /// Measure how long published crates are compiled, plain, annotated, and annotated with hooks on
    Cost {
        /// How often each is compiled
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Only these
        #[arg(value_name = "CRATE")]
        only: Vec<String>,
    },
    /// Compile and run random functions with the attribute and without, in both editions; what they do must be the same
    Differential {
        /// The first program; its number is what it is made from
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// How many
        #[arg(long, default_value_t = 40)]
        programs: u64,
    },
    /// Run the fuzz targets of the capture format in turn; needs cargo-fuzz and the nightly toolchain
    Fuzz {
        /// How long, in all
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// A few seconds of each target; without cargo-fuzz or the nightly toolchain nothing, which is said
        #[arg(long, conflicts_with_all = ["minutes", "only"])]
        short: bool,
        /// Only these
        #[arg(value_name = "TARGET")]
        only: Vec<String>,
    },
    /// Count the instructions of tracked scopes, and compare with what they may be; needs valgrind
    Instructions {
        /// Without valgrind nothing, which is said
        #[arg(long)]
        optional: bool,
    },
    /// Measure memscope beside its peers; builds them all, and takes a quarter of an hour
    Peers {
        /// Only memscope and the floor, one short round: whether it works at all
        #[arg(long)]
        short: bool,
        /// For the driver in benches/peers: `--help` after `--` tells
        #[arg(
            value_name = "ARGUMENT",
            conflicts_with = "short",
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        arguments: Vec<String>,
    },
    /// Run the tests of the runtime under sanitizers, and those of the ring in Miri; needs the nightly toolchain
    Sanitize {
        /// Only these
        #[arg(value_name = "PART")]
        only: Vec<sanitize::Part>,
    },
    /// Kill programs that record at full rate, and have one work for long; fails if their captures lack anything
    Soak {
        /// 30 kills and 10 seconds, unoptimised, where nothing else is said
        #[arg(long)]
        short: bool,
        /// How often a program is killed; 1000 where nothing else is said
        #[arg(long)]
        kills: Option<u64>,
        /// How long a program works; 600 where nothing else is said, which takes 20 GB in the directory for temporary files
        #[arg(long)]
        seconds: Option<u64>,
    },
    /// Check that the runtime compiles for other systems
    Targets {
        /// Only those that CI checks; of what is not installed nothing, which is said
        #[arg(long)]
        short: bool,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Arm => arm::run(),
        Task::Ci { only } => ci(&only),
        Task::Crates { short, only } => crates::run(&only, short),
        Task::Damage => Command::new(DAMAGE).env("MEMSCOPE_EVERY_BIT", "1").run(),
        Task::Cost { rounds, only } => crates::cost::run(&only, rounds),
        Task::Differential { from, programs } => differential(from, programs),
        Task::Fuzz { short: true, .. } => fuzz::run_short(),
        Task::Instructions { optional } => instructions::run(optional),
        Task::Peers { short: true, .. } => peers::run_short(),
        Task::Peers { arguments, .. } => peers::run(&arguments),
        Task::Sanitize { only } => sanitize::run(&only),
        Task::Soak { short: true, kills, seconds } => soak::run_short(kills, seconds),
        Task::Soak { kills, seconds, .. } => soak::run(kills, seconds),
        Task::Targets { short } => targets::run(short),
        Task::Fuzz { minutes, only, .. } => fuzz::run(Duration::from_secs(60 * minutes), &only),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Some programs at a time, so that one that fails is seen early.
fn differential(from: u64, programs: u64) -> Result<(), String> {
    let all: Vec<String> =
        (from..from.saturating_add(programs)).map(|seed| seed.to_string()).collect();
    for seeds in all.chunks(8) {
        let seeds = seeds.join(" ");
        eprintln!("\nxtask: programs {seeds}");
        Command::new(DIFFERENTIAL).env("MEMSCOPE_SEED", seeds).run()?;
    }
    Ok(())
}

fn ci(only: &[String]) -> Result<(), String> {
    let started = Instant::now();
    for step in steps::ALL
        .iter()
        .filter(|step| only.is_empty() || only.iter().any(|name| name == step.name))
    {
        for command in (step.commands)()? {
            eprintln!("\n== {}: {command}", step.name);
            let started = Instant::now();
            command.run()?;
            eprintln!("== {}: {:.0?}", step.name, started.elapsed());
        }
    }
    eprintln!("\nxtask: all passed in {:.0?}", started.elapsed());
    Ok(())
}
