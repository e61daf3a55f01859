//! Running the program.

use super::DIR;
use crate::failure::Failure;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) pid: u32,
    /// Its exit code; 128 + n if signal n ended it, as shells have it.
    pub(crate) code: u8,
    /// The signal that ended it.
    pub(crate) signal: Option<String>,
}

/// Runs a program with this terminal as its own, and waits for it.
pub(crate) fn run(program: &Path, args: &[OsString], captures: &Path) -> Result<Ended, Failure> {
    let cannot = |error| Failure::io(format!("cannot run {}", program.display()), error);
    // An interrupt from the keyboard goes to both: the program decides what it does, and then we tell of its capture.
    ctrlc::set_handler(|| {})
        .map_err(|error| Failure::Usage(format!("cannot handle interrupts: {error}")))?;
    let mut child = Command::new(program).args(args).env(DIR, captures).spawn().map_err(cannot)?;
    let pid = child.id();
    let status = child.wait().map_err(cannot)?;
    let signal = signal(status);
    let code = match signal {
        Some(signal) => 128_i32.saturating_add(signal),
        None => status.code().unwrap_or(1),
    };
    // Codes beyond 255 exist on Windows only; they must not become a success.
    Ok(Ended { pid, code: u8::try_from(code).unwrap_or(1), signal: signal.map(signal_name) })
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

/// Names a signal; those named have their number on every Unix.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal} ({name})")
}
