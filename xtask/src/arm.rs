//! Runs the tests of the runtime on AArch64, by an emulator of user programs.

use crate::command::root;
use crate::libtest::{self, Skipped};
use crate::toolchain::{has_program, has_target};
use std::process::Command;

const TARGET: &str = "aarch64-unknown-linux-gnu";

/// The C compiler, which also links.
const COMPILER: &str = "aarch64-linux-gnu-gcc";

const EMULATOR: &str = "qemu-aarch64";

/// With the C library of the compiler's.
const RUNNER: &str = "qemu-aarch64 -L /usr/aarch64-linux-gnu";

const FORKS: &str = "QEMU 7.2 aborts when a forked child starts a thread, as the recorder does";

const MEMORY: &str = "QEMU does not limit the address space of what it runs (RLIMIT_AS)";

const BOUNDED: &str = "it bounds the memory of a process, of which the emulator takes more";

/// What the emulator does not do as Linux does.
const LEFT_OUT: &[Skipped] = &[
    Skipped { name: "a_misspelt_variable_of_the_environment", reason: FORKS },
    Skipped { name: "forks::a_child_that_becomes_another_program", reason: FORKS },
    Skipped { name: "forks::a_forked_child_records", reason: FORKS },
    Skipped { name: "forks::a_process_forks_while", reason: FORKS },
    Skipped { name: "threads::endless_recording", reason: BOUNDED },
    Skipped { name: "threads::thousands_of_short_threads", reason: BOUNDED },
    Skipped { name: "limits::threads_without_room_for_their_rings", reason: MEMORY },
    Skipped { name: "limits::without_memory_for_a_ring", reason: MEMORY },
];

/// Runs them, and says how many passed.
pub(crate) fn run() -> Result<(), String> {
    let found = [
        (has_target(TARGET), format!("`rustup target add {TARGET}`")),
        (has_program(COMPILER), "`gcc-aarch64-linux-gnu` of Debian".to_owned()),
        (has_program(EMULATOR), "`qemu-user` of Debian".to_owned()),
    ];
    let missing: Vec<String> =
        found.into_iter().filter(|(is_there, _)| !is_there).map(|(_, how)| how).collect();
    if !missing.is_empty() {
        return Err(format!("what is missing: {}", missing.join(", ")));
    }
    let command = || {
        let mut command = Command::new("cargo");
        command.args(["test", "-p", "memscope-runtime", "--target", TARGET, "--lib"]);
        command.args(["--test", "process", "--no-fail-fast"]).current_dir(root());
        command.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", COMPILER);
        command.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", RUNNER);
        // The tests start themselves again, which the system does not know how to.
        command.env("TEST_RUNNER", RUNNER);
        command
    };
    let left_out: Vec<&Skipped> = LEFT_OUT.iter().collect();
    let passed = libtest::run(command, &[], &left_out)?.or_failure()?;
    eprintln!("\nxtask: {TARGET}, emulated: {passed} tests passed");
    Ok(())
}
