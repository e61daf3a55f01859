//! Removes memscope's annotations from source text.
//!
//! Everything else stays in its line and column, so that panic messages and `line!()` are the same.

/// Returns the source without annotations, and how many there were.
pub(crate) fn strip(source: &str) -> (String, usize) {
    let mut text = source.to_owned();
    let mut removed = 0;
    // Longest first: a struct's attribute line, its field, the field's value, then statements.
    for whole in [
        "_probe: Probe<Self>,",
        "_probe: Probe::new(),",
        "use memscope::Probe;",
        "#[memscope::track]",
    ] {
        while let Some(start) = text.find(whole) {
            blank(&mut text, start..start + whole.len());
            removed += 1;
        }
    }
    while let Some(start) = text.find("#[memscope::track(") {
        let end = closing(&text, start + "#[memscope::track".len()) + 2;
        blank(&mut text, start..end);
        removed += 1;
    }
    while let Some(start) = text.find("memscope::snapshot!(") {
        let end = closing(&text, start + "memscope::snapshot!".len());
        blank(&mut text, start..end + 2);
        removed += 1;
    }
    for call in ["memscope::track_var!", "memscope::tracked!", "memscope::Tracked::into_inner"] {
        while let Some(start) = text.find(&format!("{call}(")) {
            let open = start + call.len();
            let close = closing(&text, open);
            blank(&mut text, close..close + 1);
            blank(&mut text, start..open + 1);
            declare(&mut text, open + 1..close);
            removed += 1;
        }
    }
    (text, removed)
}

/// Makes what stood in `track_var!` the declaration alone.
fn declare(text: &mut String, inside: std::ops::Range<usize>) {
    if text[inside.clone()].starts_with("#[track(") {
        let start = inside.start;
        let end = closing(text, start + "#[track".len()) + 2;
        blank(text, start..end);
    }
    if text[inside.clone()].starts_with("own ") {
        text.replace_range(inside.start..inside.start + "own".len(), "let");
    }
}

/// Overwrites a range, which is ASCII, with spaces; line breaks stay.
fn blank(text: &mut String, range: std::ops::Range<usize>) {
    let spaces: String =
        text[range.clone()].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
    text.replace_range(range, &spaces);
}

/// Returns where the parenthesis that opens at `open` closes. The annotations hold none in text or comments.
fn closing(text: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return at,
            b')' => depth -= 1,
            _ => {}
        }
    }
    panic!("the parenthesis at byte {open} is not closed");
}

#[test]
fn only_annotations_go_and_the_rest_stays_in_place() {
    let source = "\
use memscope::Probe;
#[memscope::track(drop = off)]
struct Id { _probe: Probe<Self>, n: u32 }
#[memscope::track]
fn f() {
    memscope::track_var!(let v: T = T::default());
    memscope::snapshot!(*self.v.borrow());
    memscope::track_var!(#[track(deep, sample = 1/2)] let w = f(v));
    memscope::track_var!(own mut x = memscope::tracked!(f(w)));
    g(Id { _probe: Probe::new(), n: 1 }, memscope::Tracked::into_inner(x))
}";
    let expected = [
        "",
        "",
        "struct Id {                      n: u32 }",
        "",
        "fn f() {",
        "                         let v: T = T::default() ;",
        "",
        "                                                      let w = f(v) ;",
        "                         let mut x =                    f(w)  ;",
        "    g(Id {                       n: 1 },                               x )",
        "}",
    ];
    let (stripped, removed) = strip(source);
    let lines: Vec<_> = stripped.lines().map(str::trim_end).collect();
    assert_eq!(lines, expected);
    assert_eq!((stripped.len(), removed), (source.len(), 11));
}
