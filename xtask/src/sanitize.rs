//! Runs the tests of the runtime where what is undefined is seen: under sanitizers, and in Miri.

use crate::command::root;
use crate::libtest::{self, Skipped};
use crate::toolchain::{need_of_nightly, nightly_cargo, nightly_host};
use clap::ValueEnum;
use std::fs;
use std::path::{Path, PathBuf};

/// A part of what is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Invalid addresses, and blocks that are lost: AddressSanitizer with LeakSanitizer
    Address,
    /// Data races: ThreadSanitizer
    Thread,
    /// The ring, with weak memory: Miri
    Miri,
}

/// A sanitizer of the compiler's.
struct Sanitizer {
    /// As `-Zsanitizer` calls it.
    name: &'static str,
    /// The variable of the environment that it reads its options from.
    variable: &'static str,
    /// Whether the standard library must be compiled with it, since what it does not see of that it would misjudge.
    builds_std: bool,
    passes: &'static [Pass],
    /// What is left out besides [`LEFT_OUT`].
    left_out: &'static [Skipped],
}

/// Tests that are run with the same options.
struct Pass {
    what: &'static str,
    options: &'static str,
    /// Which tests; all but [`LEFT_OUT`], if there are none here.
    only: &'static [&'static str],
}

/// Tests that every sanitizer leaves out: it has nothing to say of them, or they measure what it changes.
const LEFT_OUT: &[Skipped] = &[
    Skipped {
        name: "other_builds::",
        reason: "they build what they try, as users do: without a sanitizer",
    },
    Skipped {
        name: "threads::endless_recording_takes_no_more_memory",
        reason: "it bounds the memory of a process, of which a sanitizer takes a multiple",
    },
    Skipped {
        name: "threads::thousands_of_short_threads_share_a_few_rings",
        reason: "it bounds the memory of a process, of which a sanitizer takes a multiple",
    },
];

const ADDRESS: Sanitizer = Sanitizer {
    name: "address",
    variable: "ASAN_OPTIONS",
    builds_std: false,
    passes: &[
        Pass {
            what: "addresses",
            // Tests look at how a program dies by itself, and at programs that get no memory.
            options: "detect_leaks=0:handle_segv=0:handle_sigbus=0:allocator_may_return_null=1",
            only: &[],
        },
        // Not where processes fork, die or exit in the middle of something: a child has nothing that refers to what the threads of its
        // parent had, and what a thread has that is ended by the process lives nowhere. Nor where a program leaks by itself, or a user's
        // hasher panics: what it panicked with is never dropped, since that may panic, too.
        Pass {
            what: "leaks",
            options: "detect_leaks=1:handle_segv=0",
            only: &[
                "events_come_in_the_order",
                "containers_are_read",
                "sessions::each_of_many",
                "sessions::an_end_of",
                "sessions::a_pause",
                "sessions::live",
                "sessions::marks",
                "statics::",
                "threads::",
            ],
        },
    ],
    left_out: &[],
};

const THREAD: Sanitizer = Sanitizer {
    name: "thread",
    variable: "TSAN_OPTIONS",
    builds_std: true,
    passes: &[Pass {
        what: "data races",
        // A child that was forked records, by a thread of its own.
        options: "die_after_fork=0:handle_segv=0:handle_sigbus=0:allocator_may_return_null=1",
        only: &[],
    }],
    left_out: &[
        Skipped {
            name: "forks::other_programs_are_run",
            reason: "a child is made by `clone` on the memory of its parent, where ThreadSanitizer's own state is in both",
        },
        Skipped {
            name: "threads::a_small_ring_makes_the_program_wait",
            reason: "a full ring is waited for ten seconds, in which a drain that takes many times as long may make no room",
        },
    ],
};

/// Runs the parts that were asked for, or all, and says of each how many tests ran. Fails if one of them could not be run, or found
/// something.
pub(crate) fn run(only: &[Part]) -> Result<(), String> {
    let parts = Part::value_variants().iter();
    let lines: Vec<(bool, String)> = parts
        .filter(|part| only.is_empty() || only.contains(part))
        .map(|part| {
            let (name, done) = match part {
                Part::Address => ("AddressSanitizer", ADDRESS.run()),
                Part::Thread => ("ThreadSanitizer", THREAD.run()),
                Part::Miri => ("Miri", miri()),
            };
            match done {
                Ok(passed) => (true, format!("{name}: tests passed: {passed}; nothing was found")),
                Err(failure) => (false, format!("{name}: FAILED: {failure}")),
            }
        })
        .collect();
    eprintln!();
    for (_, line) in &lines {
        eprintln!("xtask: {line}");
    }
    let failed = lines.iter().filter(|(passed, _)| !passed).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} parts failed", lines.len())) }
}

impl Sanitizer {
    /// Runs all passes; returns how many tests passed in each.
    fn run(&self) -> Result<String, String> {
        let host = nightly_host()?;
        if self.builds_std {
            need_of_nightly("rust-src")?;
        }
        let mut passed = Vec::new();
        for pass in self.passes {
            passed.push(format!("{} ({})", self.pass(&host, pass)?, pass.what));
        }
        Ok(passed.join(", "))
    }

    fn pass(&self, host: &str, pass: &Pass) -> Result<u64, String> {
        let dir = root().join("target/sanitize").join(self.name);
        let reports = dir.join("reports");
        let failed = |error| format!("{}: {error}", reports.display());
        if reports.exists() {
            fs::remove_dir_all(&reports).map_err(failed)?;
        }
        fs::create_dir_all(&reports).map_err(failed)?;
        let reports = fs::canonicalize(&reports).map_err(failed)?;
        // On the command line, not in the environment: what tests build themselves goes without.
        let flags = format!("target.{host}.rustflags=[\"-Zsanitizer={}\"]", self.name);
        // What a child writes to stderr is looked at by tests; so reports go to files, one for each process.
        let log = reports.join("of");
        let options = format!("{}:log_path={}", pass.options, log.display());
        let command = || {
            let mut command = nightly_cargo();
            command.args(["--config", &flags, "test", "-p", "memscope-runtime", "--target", host]);
            command.args(["--lib", "--test", "process", "--no-fail-fast", "--target-dir"]);
            command.arg(&dir).args(self.builds_std.then_some("-Zbuild-std"));
            command.env(self.variable, &options).current_dir(root());
            command
        };
        let left_out: Vec<&Skipped> = LEFT_OUT.iter().chain(self.left_out).collect();
        let tested = libtest::run(command, pass.only, &left_out)?;
        let found = list(&reports)?;
        if found.is_empty() {
            return tested.or_failure();
        }
        for report in &found {
            eprintln!("\n== {}", report.display());
            eprintln!("{}", fs::read_to_string(report).map_err(|error| error.to_string())?);
        }
        Err(format!("{} processes were reported, see {}", found.len(), reports.display()))
    }
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(|e| e.to_string())).collect()
}

/// Runs the tests of the ring with many schedules, and stores as weak as the language's memory model allows.
fn miri() -> Result<String, String> {
    nightly_host()?;
    need_of_nightly("miri")?;
    need_of_nightly("rust-src")?;
    let command = || {
        let mut command = nightly_cargo();
        command.args(["miri", "test", "-p", "memscope-runtime", "--features", "on", "--lib"]);
        command.arg("recorder::tests").current_dir(root());
        // The rings are leaked, as those of a program are.
        let flags = "-Zmiri-many-seeds=0..8 -Zmiri-disable-isolation -Zmiri-ignore-leaks";
        command.env("MIRIFLAGS", flags);
        command
    };
    libtest::run(command, &[], &[])?.or_failure().map(|passed| passed.to_string())
}
