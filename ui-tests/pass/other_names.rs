//! memscope under another name, and behind another crate's re-export.

pub extern crate memscope as scope;

mod vendored {
    pub mod deeper {
        pub use scope as memscope_as_re_exported;
    }
}

#[scope::track(crate = crate::vendored::deeper::memscope_as_re_exported)]
struct Page {
    text: String,
    probe: scope::Probe<Self>,
}

#[scope::track(crate = ::memscope, name = "reader")]
fn read(text: String) -> Page {
    let copy = text.clone();
    Page { text: copy, probe: scope::Probe::new() }
}

fn main() {
    scope::track_var!(let page = read("a".into()));
    vendored::deeper::memscope_as_re_exported::track_var!(let other = page.text.clone());
    assert_eq!(other, "a");
    let _ = &page.probe;
}
