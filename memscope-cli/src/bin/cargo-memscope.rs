//! `cargo memscope`: as `memscope`, called through cargo.

use std::process::ExitCode;

fn main() -> ExitCode {
    memscope_cli::main(memscope_cli::Front::CargoSubcommand)
}
