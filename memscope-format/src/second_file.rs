//! Recordings that could not be written any more where they began, and went on in a second file.

use std::path::{Path, PathBuf};

/// The label that says where a recording began that has a second directory to go on in.
pub const FIRST_FILE: &str = "session.first_file";
/// The label that says where such a recording goes on, if it cannot be written any more where it began.
pub const SECOND_FILE: &str = "session.second_file";

/// Spells the command that puts the two files of a recording together, with words as a shell needs them. The new capture lies beside
/// the second file, where there was room.
#[must_use]
pub fn merge_command(program: &str, first: &Path, second: &Path) -> String {
    let [from, then, whole] =
        [first, second, &whole(second)].map(|path| shell_word(&path.to_string_lossy()));
    format!("{program} merge {from} {then} --output {whole}")
}

/// What the whole of a recording is called, beside its second file.
fn whole(second: &Path) -> PathBuf {
    let stem = second.file_stem().unwrap_or_default().to_string_lossy();
    second.with_file_name(format!("{stem}-whole.memscope"))
}

/// Quotes a word for a shell, if it needs it.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_@%+=:,./-".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_lies_beside_the_second_file() {
        let command =
            merge_command("memscope", Path::new("/a b/x.memscope"), Path::new("/c/x.memscope"));
        assert_eq!(
            command,
            "memscope merge '/a b/x.memscope' /c/x.memscope --output /c/x-whole.memscope"
        );
    }

    #[test]
    fn odd_words_are_quoted() {
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
