//! Names short enough for a table.

use std::collections::{HashMap, HashSet};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Leaves out the module paths in a type's name: `alloc::vec::Vec<app::Doc>` becomes `Vec<Doc>`.
pub(crate) fn short_type(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut rest = name;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_path_char(c)).unwrap_or(rest.len());
        let (path, after) = rest.split_at(end);
        short.push_str(last_segment(path));
        let mut separator = after.chars();
        short.extend(separator.next());
        rest = separator.as_str();
    }
    short
}

fn is_path_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '{' | '}' | '#')
}

/// Returns the last segment of a path; a closure's keeps that of the function which it is in.
fn last_segment(path: &str) -> &str {
    let mut start = path.len();
    loop {
        start = path[..start].rfind("::").unwrap_or(0);
        let segment = path[start..].trim_start_matches(':');
        // `<A as B>::C` leaves a path that begins with `::`, which is not one to cut.
        if start == 0 {
            return path;
        }
        if !segment.starts_with('{') {
            return segment;
        }
    }
}

/// Shortens the types' names of a table, except where two would become the same.
pub(crate) fn short_types<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> HashMap<&'a str, String> {
    let names: HashSet<&str> = names.into_iter().collect();
    let mut uses: HashMap<String, usize> = HashMap::new();
    for name in &names {
        *uses.entry(short_type(name)).or_default() += 1;
    }
    let chosen = |name: &'a str| {
        let short = short_type(name);
        (name, if uses[&short] == 1 { short } else { name.to_owned() })
    };
    names.into_iter().map(chosen).collect()
}

/// Cuts a text to so many columns, with an ellipsis in its middle: its end often tells more than the middle.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let head = taken(text.chars(), room.div_ceil(2));
    let tail: String = taken(text.chars().rev(), room / 2).chars().rev().collect();
    format!("{head}…{tail}")
}

/// Cuts a text to so many columns, keeping its end.
pub(crate) fn fit_end(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let tail: String = taken(text.chars().rev(), room).chars().rev().collect();
    format!("…{tail}")
}

/// Returns the first characters that fit in so many columns.
fn taken(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut left = columns;
    chars
        .take_while(|c| {
            let width = c.width().unwrap_or(0);
            let fits = width <= left;
            left = left.saturating_sub(width);
            fits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_type_names_are_left_out() {
        for (name, short) in [
            ("u32", "u32"),
            ("app::Doc", "Doc"),
            ("alloc::vec::Vec<core::option::Option<app::Doc>>", "Vec<Option<Doc>>"),
            (
                "std::collections::hash::map::HashMap<alloc::string::String, (u8, app::a::B)>",
                "HashMap<String, (u8, B)>",
            ),
            ("&mut [app::Doc; 4]", "&mut [Doc; 4]"),
            ("app::load::{{closure}}", "load::{{closure}}"),
            ("<app::A as app::T>::Out", "<A as T>::Out"),
            ("dyn core::ops::function::Fn(app::A) -> app::B", "dyn Fn(A) -> B"),
        ] {
            assert_eq!(short_type(name), short);
        }
    }

    #[test]
    fn names_that_would_collide_stay_long() {
        let names = ["app::a::Node", "app::b::Node", "app::b::Leaf"];
        let short = short_types(names);
        assert_eq!(
            names.map(|name| short[name].as_str()),
            ["app::a::Node", "app::b::Node", "Leaf"]
        );
    }

    #[test]
    fn long_paths_lose_their_beginning() {
        assert_eq!(fit_end("src/store.rs:12", 15), "src/store.rs:12");
        assert_eq!(fit_end("src/store.rs:12", 12), "…store.rs:12");
    }

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(fit("abcdefgh", 8), "abcdefgh");
        assert_eq!(fit("abcdefgh", 5), "ab…gh");
        assert_eq!(fit("abcdefgh", 4), "ab…h");
        assert_eq!(fit("日本語日本語", 7), "日…語", "wide characters take two columns");
        assert_eq!(fit("abc", 0), "");
    }
}
