//! Prints what was measured, as a table in Markdown.

use crate::process::Sample;
use crate::subjects::floor_for;
use crate::{Measured, THREADS};

/// Prints the table of one workload.
#[expect(clippy::print_stdout, reason = "the command's output")]
pub(crate) fn print(measured: &Measured) {
    let instructions = !measured.instructions.is_empty();
    let mut head = "| wall ns | / floor | CPU ns | / floor | 2 threads: wall ns | / 1 thread | CPU ns | bytes kept a run |".to_owned();
    let mut rule = "|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned();
    if instructions {
        head.push_str(" instructions |");
        rule.push_str("--:|");
    }
    println!("\n| {} {head}\n|---{rule}", measured.workload.name());
    for (at, subject) in measured.subjects.iter().enumerate() {
        let [one, two] = &measured.rounds[at];
        let wall = |sample: &Sample| sample.wall_ns;
        let cpu = |sample: &Sample| sample.cpu_ns;
        let floor = floor(measured, one);
        let mut cells = vec![
            subject.name.to_owned(),
            nanoseconds(median(one.iter().map(wall))),
            ratio(one, floor, wall),
            nanoseconds(median(one.iter().map(cpu))),
            ratio(one, floor, cpu),
            nanoseconds(median(two.iter().map(wall))),
            ratio(two, one, wall),
            nanoseconds(median(two.iter().map(cpu))),
            kept(one),
        ];
        if let Some(count) = measured.instructions.get(at) {
            cells.push(format!("{count:.0}"));
        }
        println!("| {} |", cells.join(" | "));
    }
    for (subject, rounds) in measured.subjects.iter().zip(&measured.rounds) {
        for (samples, threads) in rounds.iter().zip(THREADS) {
            let (runs, recorded) = samples.iter().fold((0, 0), |(runs, recorded), sample| {
                (runs + sample.runs, recorded + sample.recorded.unwrap_or(sample.runs))
            });
            if recorded != runs {
                println!(
                    "\n{}, {threads} threads: {recorded} of {runs} runs were recorded.",
                    subject.name
                );
            }
        }
    }
}

/// The rounds of the floor that such a program is compared with.
fn floor<'a>(measured: &'a Measured, samples: &[Sample]) -> &'a [Sample] {
    let name = floor_for(samples.first().map_or(0, |sample| sample.background));
    let at = measured.subjects.iter().position(|subject| subject.name == name);
    at.map_or(&[], |at| &measured.rounds[at][0])
}

/// The median of the ratios of each round.
fn ratio(of: &[Sample], to: &[Sample], part: impl Fn(&Sample) -> f64) -> String {
    format!("{:.2}", median(of.iter().zip(to).map(|(of, to)| part(of) / part(to))))
}

fn nanoseconds(time: f64) -> String {
    format!("{time:.1}")
}

/// What the memory grew by, divided by the runs: 0 where it is bounded.
fn kept(samples: &[Sample]) -> String {
    let each = |sample: &Sample| (sample.grown_kib * 1024) as f64 / sample.runs as f64;
    format!("{:.0}", median(samples.iter().map(each)))
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = of.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
