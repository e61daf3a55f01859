//! How the user called this program, so that it can tell them what to type next.

use memscope_format::second_file::shell_word;
use std::ffi::OsString;
use std::path::Path;

/// Which of the two binaries runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// `memscope`.
    Memscope,
    /// `cargo-memscope`, which cargo calls as `cargo-memscope memscope ...`.
    CargoSubcommand,
}

/// The words that come before a subcommand, as the user typed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation(String);

impl Invocation {
    /// Splits the process's arguments into how it was called and what was asked for.
    ///
    /// What was asked for begins with a word for the program, as clap wants it.
    pub(crate) fn split(
        front: Front,
        args: impl IntoIterator<Item = OsString>,
    ) -> (Self, Vec<OsString>) {
        let mut args = args.into_iter();
        let program = args.next().unwrap_or_else(|| "memscope".into());
        let mut asked: Vec<OsString> = args.collect();
        // A path, as `cargo run` uses, is typed again as it is; a name was found on the search path.
        let mut typed = shell_word(&program.to_string_lossy());
        if front == Front::CargoSubcommand && asked.first().is_some_and(|first| first == "memscope")
        {
            asked.remove(0);
            typed = "cargo memscope".to_owned();
        }
        asked.insert(0, typed.clone().into());
        (Self(typed), asked)
    }

    /// How this program is called.
    pub(crate) fn program(&self) -> &str {
        &self.0
    }

    /// Spells a command that the user can type, for a capture.
    pub(crate) fn command(&self, words: &str, path: &Path) -> String {
        format!("{} {words} {}", self.0, shell_word(&path.to_string_lossy()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(front: Front, args: &[&str]) -> (Invocation, Vec<OsString>) {
        Invocation::split(front, args.iter().map(OsString::from))
    }

    #[test]
    fn the_next_command_is_spelled_as_the_user_called_us() {
        let path = Path::new("target/memscope/a b.memscope");
        let (by_name, asked) = split(Front::Memscope, &["memscope", "info", "x"]);
        assert_eq!(
            by_name.command("summary", path),
            "memscope summary 'target/memscope/a b.memscope'"
        );
        assert_eq!(asked, ["memscope", "info", "x"]);
        let (by_path, _) = split(Front::Memscope, &["target/debug/memscope", "info"]);
        assert_eq!(by_path.command("summary", Path::new("x")), "target/debug/memscope summary x");
    }

    #[test]
    fn cargo_passes_the_subcommands_name() {
        let (cargo, asked) = split(
            Front::CargoSubcommand,
            &["/home/u/.cargo/bin/cargo-memscope", "memscope", "info", "x"],
        );
        assert_eq!(cargo.command("summary", Path::new("x")), "cargo memscope summary x");
        assert_eq!(asked, ["cargo memscope", "info", "x"]);
        let (direct, asked) = split(Front::CargoSubcommand, &["cargo-memscope", "info"]);
        assert_eq!(direct.program(), "cargo-memscope");
        assert_eq!(asked, ["cargo-memscope", "info"]);
    }
}
