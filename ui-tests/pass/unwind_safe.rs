//! What could be caught when it unwinds still can: `UnwindSafe` and `RefUnwindSafe` are kept.

use memscope::{Probe, Tracked};
use std::cell::RefCell;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};

#[memscope::track]
struct Page {
    text: String,
    probe: Probe<Self>,
}

#[memscope::track]
async fn load(text: String) -> Page {
    let copy = text.clone();
    std::future::ready(()).await;
    Page { text: copy, probe: Probe::new() }
}

#[memscope::track]
thread_local! {
    static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn safe<T: UnwindSafe + RefUnwindSafe>(_: &T) {}

fn main() {
    let page = Page { text: "a".to_owned(), probe: Probe::new() };
    let tracked: Tracked<Vec<u8>> = memscope::tracked!(vec![1]);
    safe(&page);
    safe(&tracked);
    safe(&load(String::new()));
    let length = catch_unwind(|| {
        memscope::track_var!(let text = page.text.clone());
        NAMES.with_borrow_mut(|names| names.push(text));
        tracked.len() + NAMES.take().len()
    });
    assert_eq!(length.unwrap(), 2);
    let _ = &page.probe;
}
