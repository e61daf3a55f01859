//! Measures memscope beside its peers: `cargo xtask peers`, which builds and runs this.
//!
//! Every figure is of a process of its own. Rounds go over all of them in turn, so that what else the machine does hits
//! all alike; the figures are medians of the rounds, the ratios medians of each round's ratio.
#![forbid(unsafe_code)]

mod instructions;
mod process;
mod subjects;
mod table;

use clap::Parser;
use process::{Sample, Task};
use std::process::ExitCode;
use subjects::{Subject, Workload};

/// Measure memscope beside its peers
#[derive(Debug, Parser)]
struct Arguments {
    /// How often each is measured
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Count the instructions of a run besides; needs valgrind
    #[arg(long)]
    instructions: bool,
    /// Only memscope and the floor, one short round: whether it works at all
    #[arg(long)]
    short: bool,
    /// The programs are built already and lie beside this one
    #[arg(long)]
    built: bool,
    /// Only these and the floor
    #[arg(value_name = "PEER", value_parser = subjects::packages())]
    only: Vec<String>,
}

/// What was measured of one workload: a list of rounds for each number of threads and each subject, if it has the
/// workload.
pub(crate) struct Measured {
    pub(crate) workload: Workload,
    pub(crate) subjects: Vec<&'static Subject>,
    /// By subject and number of threads, as in [`THREADS`].
    pub(crate) rounds: Vec<[Vec<Sample>; THREADS.len()]>,
    /// By subject; empty unless they were asked for.
    pub(crate) instructions: Vec<f64>,
}

pub(crate) const THREADS: [u64; 2] = [1, 2];

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("peers: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let chosen: Vec<&Subject> = subjects::ALL
        .iter()
        .filter(|subject| {
            let asked = arguments.only.is_empty()
                || arguments.only.iter().any(|name| name == subject.short());
            subject.is_floor() || if arguments.short { subject.is_ours() } else { asked }
        })
        .collect();
    if !arguments.built {
        process::build(&chosen)?;
    }
    let (rounds, part) = if arguments.short { (1, 100) } else { (arguments.rounds, 1) };
    let mut all: Vec<Measured> = Workload::ALL
        .into_iter()
        .map(|workload| {
            let subjects: Vec<_> =
                chosen.iter().copied().filter(|subject| subject.has(workload)).collect();
            let rounds = subjects.iter().map(|_| Default::default()).collect();
            Measured { workload, subjects, rounds, instructions: Vec::new() }
        })
        .collect();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for measured in &mut all {
            for (at, threads) in THREADS.into_iter().enumerate() {
                for (subject, samples) in measured.subjects.iter().zip(&mut measured.rounds) {
                    let runs = subject.runs / part;
                    let task = Task { subject, workload: measured.workload, threads, runs };
                    samples[at].push(process::sample(&task)?);
                }
            }
        }
    }
    if arguments.instructions {
        for measured in &mut all {
            for subject in &measured.subjects {
                eprintln!("instructions of {}, {}", subject.name, measured.workload.name());
                measured.instructions.push(instructions::count(subject, measured.workload)?);
            }
        }
    }
    for measured in &all {
        table::print(measured);
    }
    Ok(())
}
