//! Measures memscope beside its peers, in the workspace `benches/peers`.

use crate::command::Command;

const RUN: &str = "cargo run --quiet --locked --manifest-path benches/peers/Cargo.toml -p driver";

/// Builds all of them and measures; the arguments are those of the driver there.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    Command::new(format!("{RUN} --release -- {}", arguments.join(" "))).run()
}

/// Builds memscope and the floor there, unoptimised and in this workspace's target directory, and runs each once: neither their
/// peers nor a release build are compiled for it.
pub(crate) fn run_short() -> Result<(), String> {
    Command::new(format!("{RUN} --target-dir target -- --short")).run()
}
