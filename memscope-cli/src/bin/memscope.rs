//! `memscope`: run a program with recording on, and read its capture.

use std::process::ExitCode;

fn main() -> ExitCode {
    memscope_cli::main(memscope_cli::Front::Memscope)
}
