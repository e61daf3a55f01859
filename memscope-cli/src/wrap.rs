//! Lines that fit the terminal.

use unicode_width::UnicodeWidthStr;

/// Writes words in lines of so many columns at most, the first after `first` and the others after four more spaces. A word that is longer
/// has a line of its own.
pub(crate) fn wrapped<'a>(
    first: &str,
    words: impl IntoIterator<Item = &'a str>,
    width: usize,
) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    for word in words {
        if line.width() + 1 + word.width() > width && !line.trim().is_empty() {
            lines += &line;
            lines.push('\n');
            line = "   ".to_owned();
        }
        line.push(' ');
        line += word;
    }
    lines + &line + "\n"
}

/// The same of a text.
pub(crate) fn wrapped_text(text: &str, width: usize) -> String {
    wrapped(" ", text.split_whitespace(), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_lines_fit() {
        assert_eq!(wrapped_text("a bc def", 20), "  a bc def\n");
        assert_eq!(wrapped_text("a bc def", 8), "  a bc\n    def\n");
        assert_eq!(wrapped_text("a-long-word b", 6), "  a-long-word\n    b\n");
        assert_eq!(wrapped("  mark:", ["a", "b"], 10), "  mark: a\n    b\n");
    }
}
