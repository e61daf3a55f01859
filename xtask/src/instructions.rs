//! Counts the instructions of a tracked scope in an optimised program, and fails where they are more than they may be.
//!
//! No time is measured, and nothing depends on the machine but which instructions it has. What callgrind counts is the same with each run.

use crate::callgrind::Profile;
use crate::command::{Command, root};
use crate::toolchain::has_program;
use std::fs;

const BUILD: &str =
    "cargo build --quiet --release -p memscope-soak --features on --bin memscope-scopes";

/// Scopes of each kind: so few that all events lie in the first quarter of a ring, and none must ask for room.
const RUNS: u64 = 1_000;

/// What the rest of a hook is called behind its name.
const REST: &str = "_quickly";

/// What a scope may take.
struct Bound {
    /// What is tracked there.
    what: &'static str,
    /// The functions of the program that are the scope, tracked and not.
    tracked: &'static str,
    bare: &'static str,
    /// Whether it is recorded, or switched off when the program runs.
    records: bool,
    /// Instructions of the hooks, and of what the scope does otherwise because of them.
    instructions: u64,
    /// Functions that are called for it. They call none.
    calls: u64,
}

const BOUNDS: [Bound; 3] = [
    Bound {
        what: "a variable",
        tracked: "tracked",
        bare: "bare",
        records: true,
        instructions: 144,
        calls: 2,
    },
    Bound {
        what: "a variable with a drop",
        tracked: "tracked_with_drop",
        bare: "bare_with_drop",
        records: true,
        instructions: 204,
        calls: 3,
    },
    Bound {
        what: "a variable, switched off",
        tracked: "tracked",
        bare: "bare",
        records: false,
        instructions: 29,
        calls: 0,
    },
];

/// Counts, and compares with the bounds. Where valgrind is missing it fails, or only says so if it is `optional`.
pub(crate) fn run(optional: bool) -> Result<(), String> {
    if !has_program("valgrind") || cfg!(not(target_arch = "x86_64")) {
        let missing = "valgrind is needed, on x86-64";
        if optional {
            eprintln!("xtask: the instructions of hooks are NOT COUNTED: {missing}");
            return Ok(());
        }
        return Err(missing.to_owned());
    }
    Command::new(BUILD).run()?;
    let (recording, off) = (counted(true)?, counted(false)?);
    let mut failures = Vec::new();
    for bound in &BOUNDS {
        let profile = if bound.records { &recording } else { &off };
        let (instructions, calls) = bound.of(profile)?;
        eprintln!(
            "xtask: {}: {instructions} instructions, at most {}; {calls} calls, at most {}",
            bound.what, bound.instructions, bound.calls
        );
        if instructions > bound.instructions as f64 || calls > bound.calls as f64 {
            failures.push(format!("{} takes more than it may", bound.what));
        }
        failures.extend(bound.calls_of_hooks(profile));
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n  ")) }
}

/// The profile of what the program does when everything has happened once.
fn counted(records: bool) -> Result<Profile, String> {
    let dir = root().join("target/instructions");
    let failed = |error| format!("{}: {error}", dir.display());
    fs::create_dir_all(&dir).map_err(failed)?;
    let command = Command::new(format!(
        "valgrind --quiet --tool=callgrind --compress-strings=no --compress-pos=no --zero-before={} \
         --callgrind-out-file=target/instructions/callgrind target/release/memscope-scopes {RUNS}",
        full("counted")
    ));
    let command = command.env("MEMSCOPE_DIR", "target/instructions").env("MEMSCOPE_ALLOC", "off");
    // There the clock goes on while valgrind translates, or runs another thread.
    let command = command.env("MEMSCOPE_SLOW_DROP", "off");
    let command = if records { command } else { command.env("MEMSCOPE", "off") };
    command.run()?;
    let text = fs::read_to_string(dir.join("callgrind")).map_err(failed)?;
    let mut files = fs::read_dir(&dir).map_err(failed)?.filter_map(Result::ok);
    let recorded = files.any(|file| file.path().extension().is_some_and(|e| e == "memscope"));
    fs::remove_dir_all(&dir).map_err(failed)?;
    match (records, recorded) {
        (true, false) => Err("the program that is to record has recorded nothing".to_owned()),
        (false, true) => Err("the program that is switched off has recorded".to_owned()),
        _ => Ok(Profile::read(&text)),
    }
}

impl Bound {
    /// Instructions and calls of a scope because it is tracked. An error if that, or what it is compared with, was not run.
    fn of(&self, profile: &Profile) -> Result<(f64, f64), String> {
        for name in [self.tracked, self.bare] {
            let runs = profile.runs(&full("counted"), &full(name));
            if runs != RUNS {
                return Err(format!("{} was run {runs} times, not {RUNS}", full(name)));
            }
        }
        let [tracked, bare] = [self.tracked, self.bare].map(|name| {
            let calls: u64 = profile.calls(&full(name)).map(|(_, count)| count).sum();
            let instructions = profile.instructions(&full(name));
            [instructions, calls].map(|count| count as f64 / RUNS as f64)
        });
        Ok((tracked[0] - bare[0], tracked[1] - bare[1]))
    }

    /// What of the scope's hooks calls anything but the rest of itself, which callgrind counts as a call where it is a jump.
    fn calls_of_hooks(&self, profile: &Profile) -> Vec<String> {
        let mut failures = Vec::new();
        for (hook, _) in profile.calls(&full(self.tracked)) {
            let rest = format!("{hook}{REST}");
            for function in [hook, &rest] {
                for (called, _) in profile.calls(function).filter(|(called, _)| *called != rest) {
                    failures.push(format!(
                        "{}: {function} is to call nothing, and calls {called}",
                        self.what
                    ));
                }
            }
        }
        failures
    }
}

/// A function of the program, as callgrind calls it.
fn full(name: &str) -> String {
    format!("memscope_scopes::{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A profile of the first bound's scopes, tracked in as many instructions and run so often.
    fn profile(instructions: u64, runs: u64) -> Profile {
        let scope = |name, instructions| {
            let counted =
                format!("fn={}\ncfn={}\ncalls={runs} 1\n1 9\n", full("counted"), full(name));
            format!("{counted}\nfn={}\n2 {}\n\n", full(name), instructions * runs)
        };
        Profile::read(&(scope("tracked", instructions) + &scope("bare", 5)))
    }

    #[test]
    fn what_was_not_run_is_no_scope_of_no_instructions() {
        assert_eq!(BOUNDS[0].of(&profile(105, RUNS)), Ok((100.0, 0.0)));
        let wrong = Err("memscope_scopes::tracked was run 999 times, not 1000".to_owned());
        assert_eq!(BOUNDS[0].of(&profile(105, RUNS - 1)), wrong);
        assert!(BOUNDS[0].of(&Profile::default()).is_err());
    }
}
