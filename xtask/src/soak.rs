//! Tries the recorder for long, by the program in `soak`.

use crate::command::Command;

/// Builds it optimised: at full rate there is most to lose.
pub(crate) fn run(kills: Option<u64>, seconds: Option<u64>) -> Result<(), String> {
    soak("--release ", kills.unwrap_or(1000), seconds.unwrap_or(600))
}

/// As CI runs it: unoptimised, since that is built for its tests anyway.
pub(crate) fn run_short(kills: Option<u64>, seconds: Option<u64>) -> Result<(), String> {
    soak("", kills.unwrap_or(30), seconds.unwrap_or(10))
}

fn soak(profile: &str, kills: u64, seconds: u64) -> Result<(), String> {
    let arguments = format!("--kills {kills} --seconds {seconds}");
    Command::new(format!(
        "cargo run --quiet {profile}-p memscope-soak --bin memscope-soak --features on -- {arguments}"
    ))
    .run()
}
