//! Each form, without the option `crate`.

use std::sync::Mutex;

#[scope::track]
struct Page {
    text: String,
    probe: scope::Probe<Self>,
}

#[scope::track]
impl Page {
    fn new(text: &str) -> Self {
        let text = text.to_owned();
        Self { text, probe: scope::Probe::new() }
    }
}

#[scope::track]
static PAGES: Mutex<Vec<Page>> = Mutex::new(Vec::new());

#[scope::track(ret, deep)]
fn read(text: String) -> Vec<String> {
    let words = text.split(' ').map(str::to_owned).collect();
    words
}

#[test]
fn the_name_is_found() {
    scope::track_var!(let words = read("a b".to_owned()));
    let words = scope::track_var!(own words);
    PAGES.lock().unwrap().push(Page::new(&words[0]));
    scope::snapshot!(PAGES);
    let pages = PAGES.lock().unwrap();
    assert_eq!(pages[0].text, "a");
    let _ = &pages[0].probe;
}
