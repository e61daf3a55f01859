//! Cuts text into words.

/// How words that differ only in case are treated. Implemented by zero-sized types, chosen once per run.
pub(crate) trait Folding: Default {
    /// Appends a word to `out` in the form in which it is indexed.
    fn fold(&self, word: &str, out: &mut String);
}

/// `Vec`, `vec` and `VEC` are one word.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct IgnoreCase;

/// Each spelling is a word of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeepCase;

impl Folding for IgnoreCase {
    fn fold(&self, word: &str, out: &mut String) {
        if word.is_ascii() {
            out.push_str(word);
            let start = out.len() - word.len();
            out[start..].make_ascii_lowercase();
        } else {
            out.extend(word.chars().flat_map(char::to_lowercase));
        }
    }
}

impl Folding for KeepCase {
    fn fold(&self, word: &str, out: &mut String) {
        out.push_str(word);
    }
}

/// Shorter words say nothing, longer ones are data.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=40;

/// Returns the words of a line: runs of letters, digits and `_` that hold a letter.
pub(crate) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| LENGTHS.contains(&word.len()) && word.contains(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_identifiers_and_not_numbers() {
        let line = "let héap_size: u64 = 1_024 * x.len();";
        assert_eq!(words(line).collect::<Vec<_>>(), ["let", "héap_size", "u64", "len"]);
    }

    #[test]
    fn folding_appends() {
        let mut out = String::from("a ");
        IgnoreCase.fold("VecDeque", &mut out);
        IgnoreCase.fold("ÄRA", &mut out);
        KeepCase.fold("Vec", &mut out);
        assert_eq!(out, "a vecdequeäraVec");
    }
}
