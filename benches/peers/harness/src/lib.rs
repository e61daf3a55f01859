//! The program around a peer: runs one workload, and prints what a run of it took as one line of JSON.
//!
//! `peer WORKLOAD THREADS RUNS [MODE]`: the workload is `scope` or `vec64`; the mode is a word for the peer.
#![forbid(unsafe_code)]

mod process;

use std::env;
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// A run is one of so many of a batch.
pub const BATCH: u64 = 1000;

/// What is measured. The two workloads must not be inlined.
pub trait Peer: Sync + Sized {
    /// Starts what records, once and before anything is measured; the mode is the word that the command line gave.
    fn start(mode: Option<&str>) -> Self;

    /// Runs a scope that has one value and does next to nothing.
    fn scope(x: u64) -> u64;

    /// Makes and drops `vec![0_u8; 64]`.
    fn vec64();

    /// Runs a batch, within what the peer needs around it.
    fn batch(&self, runs: impl FnOnce()) {
        runs();
    }

    /// Waits until what was recorded is where the peer leaves it, if it has a way to, and tells how many runs the peer
    /// says it recorded, if it does.
    fn finish(self) -> Option<u64> {
        None
    }
}

#[derive(Clone, Copy)]
enum Workload {
    Scope,
    Vec64,
}

struct Arguments {
    workload: Workload,
    threads: u64,
    runs: u64,
    mode: Option<String>,
}

/// Does what the command line says.
pub fn main<P: Peer>() {
    let Some(arguments) = arguments() else {
        eprintln!("usage: scope|vec64 THREADS RUNS [MODE]");
        std::process::exit(2);
    };
    let peer = P::start(arguments.mode.as_deref());
    let Arguments { workload, threads, runs, .. } = arguments;
    // What is made at a thread's first event belongs to the start. With one thread it is this one, so that a peer
    // without threads of its own is measured in a program that has none.
    let (before, wall) = if threads == 1 {
        run(&peer, workload, BATCH);
        let before = Before::now(0);
        run(&peer, workload, runs);
        (before, before.at.elapsed())
    } else {
        on_threads(&peer, &arguments)
    };
    let grown = process::memory().saturating_sub(before.memory);
    let recorded = peer.finish().map_or("null".to_owned(), |number| number.to_string());
    let cpu = process::cpu() - before.cpu;
    let each = |time: Duration, runs: u64| time.as_secs_f64() * 1e9 / runs as f64;
    println!(
        "{{\"wall_ns\":{:.3},\"cpu_ns\":{:.3},\"background\":{},\"grown_kib\":{grown},\"runs\":{},\
         \"recorded\":{recorded}}}",
        each(wall, runs),
        each(cpu, runs * threads),
        before.background,
        // With those of the start.
        (runs + BATCH) * threads,
    );
}

/// What is so before anything is measured.
#[derive(Clone, Copy)]
struct Before {
    background: u64,
    memory: u64,
    cpu: Duration,
    at: Instant,
}

impl Before {
    /// With so many threads that the workload runs on, besides the first.
    fn now(workers: u64) -> Self {
        Self {
            background: process::threads().saturating_sub(1 + workers),
            memory: process::memory(),
            cpu: process::cpu(),
            at: Instant::now(),
        }
    }
}

fn arguments() -> Option<Arguments> {
    let mut words = env::args().skip(1);
    let workload = match words.next()?.as_str() {
        "scope" => Workload::Scope,
        "vec64" => Workload::Vec64,
        _ => return None,
    };
    let threads = words.next()?.parse().ok()?;
    let runs: u64 = words.next()?.parse().ok()?;
    Some(Arguments { workload, threads, runs: runs.next_multiple_of(BATCH), mode: words.next() })
}

fn on_threads<P: Peer>(peer: &P, arguments: &Arguments) -> (Before, Duration) {
    let &Arguments { workload, threads, runs, .. } = arguments;
    let gate = Barrier::new(threads as usize + 1);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                run(peer, workload, BATCH);
                gate.wait();
                gate.wait();
                run(peer, workload, runs);
                gate.wait();
            });
        }
        gate.wait();
        let before = Before::now(threads);
        gate.wait();
        gate.wait();
        (before, before.at.elapsed())
    })
}

/// By its name the driver has the instructions within it counted.
#[inline(never)]
fn run<P: Peer>(peer: &P, workload: Workload, runs: u64) {
    for _ in 0..runs / BATCH {
        peer.batch(|| match workload {
            Workload::Scope => {
                for x in 0..BATCH {
                    black_box(P::scope(black_box(x)));
                }
            }
            Workload::Vec64 => {
                for _ in 0..BATCH {
                    P::vec64();
                }
            }
        });
    }
}
