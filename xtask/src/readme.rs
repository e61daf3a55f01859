//! The commands in the README.

use crate::command::{Command, root};
use std::fs;

/// Returns the commands that the README tells its readers to run here, as they are written.
///
/// Those are the lines of `sh` blocks and the lines behind `$ ` in `console` blocks. A block marked `ignore` too is for
/// the reader's own crate.
pub(crate) fn commands() -> Result<Vec<Command>, String> {
    let path = root().join("README.md");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let commands = extract(&text);
    for promised in PROMISED {
        if !commands.iter().any(|command| command == promised) {
            return Err(format!("README.md no longer says `{promised}`"));
        }
    }
    Ok(commands.into_iter().map(Command::new).collect())
}

/// The two commands that do all the set-up.
const PROMISED: [&str; 2] = [
    "cargo run --release -p memscope-cli -- run -p memscope-examples --bin indexer",
    "cargo test --workspace",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Shell,
    Console,
    Other,
}

fn extract(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut block = None;
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(kind(language)) };
            continue;
        }
        let command = match block {
            Some(Block::Shell) => Some(line),
            Some(Block::Console) => line.strip_prefix("$ "),
            Some(Block::Other) | None => None,
        };
        // A command goes without the comment behind it.
        let command = command.map(|line| line.split(" #").next().unwrap_or(line).trim());
        commands.extend(
            command.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned),
        );
    }
    commands
}

fn kind(language: &str) -> Block {
    let mut words = language.split([' ', ',']);
    let (language, marks) = (words.next(), words.collect::<Vec<_>>());
    match language {
        Some("sh") if !marks.contains(&"ignore") => Block::Shell,
        Some("console") if !marks.contains(&"ignore") => Block::Console,
        _ => Block::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_what_a_reader_would_type() {
        let text = "\
```sh
cargo test --workspace   # everything
# only a comment

cargo build
```
cargo clean
```console
$ cargo run -- info
events 12
```
```console ignore
$ cargo add memscope
```
```rust
$ no
```";
        assert_eq!(extract(text), ["cargo test --workspace", "cargo build", "cargo run -- info"]);
    }

    #[test]
    fn the_readme_says_what_it_promises() {
        let commands = commands().unwrap();
        assert!(commands.len() >= PROMISED.len());
    }
}
