//! A program that counts by itself what it does, and is recorded in part.

use super::tasks::{Later, poll};
use memscope::Probe;
use std::hint::black_box;
use std::pin::pin;

/// Pages that are made one by one; a fourth of them are moved out of their variable.
pub(crate) const PAGES: u64 = 20_000;
/// Pages that are clones.
pub(crate) const CLONES: u64 = 6_000;
/// Pages that are never dropped.
pub(crate) const KEPT: u64 = 6_000;
/// Books, with a page each.
pub(crate) const BOOKS: u64 = 3_000;
/// Values of a type without a probe.
pub(crate) const PLAIN: u64 = 8_000;
/// Calls of a sampled function, of which a tenth unwind.
pub(crate) const CALLS: u64 = 40_000;
/// Values that own their history; half of them are given back.
pub(crate) const OWNED: u64 = 8_000;
/// Tasks of three polls each; a third is dropped before the last.
pub(crate) const TASKS: u64 = 6_000;

#[memscope::track(sample = 0.1)]
#[derive(Clone)]
struct Page {
    text: String,
    probe: Probe<Self>,
}

impl Page {
    fn new() -> Self {
        Self { text: "page".to_owned(), probe: Probe::new() }
    }
}

#[memscope::track]
struct Book {
    page: Page,
    probe: Probe<Self>,
}

#[memscope::track(sample = 1/5)]
struct Plain {
    text: String,
}

#[memscope::track]
fn leaf(n: u64) {
    black_box(n);
}

#[memscope::track(sample = 0.125)]
fn read(text: String, n: u64) -> usize {
    let words = vec![text.len(); 3];
    leaf(n);
    assert!(!n.is_multiple_of(10), "as it is to");
    words[0]
}

#[memscope::track]
fn reads() {
    for n in 0..CALLS {
        let _ = std::panic::catch_unwind(|| read("a".to_owned(), n));
    }
}

#[memscope::track(sample = 1/4)]
async fn visit() {
    Later::default().await;
    Later::default().await;
}

pub(super) fn sampled() {
    std::panic::set_hook(Box::new(|_| {}));
    for n in 0..PAGES {
        memscope::track_var!(let page = Page::new());
        if n.is_multiple_of(4) {
            let _ = black_box(page.text.len());
            drop(page);
        }
    }
    let page = Page::new();
    for _ in 0..CLONES {
        black_box(&page.clone().text);
    }
    drop(page);
    std::mem::forget((0..KEPT).map(|_| Page::new()).collect::<Vec<_>>());
    for _ in 0..BOOKS {
        memscope::track_var!(#[track(sample = 0.5)] let book = Book { page: Page::new(), probe: Probe::new() });
        black_box((&book.page.probe, &book.probe));
    }
    for _ in 0..PLAIN {
        black_box(&Plain { text: String::new() }.text);
    }
    reads();
    for n in 0..OWNED {
        let mut owned = memscope::track_var!(#[track(sample = 0.2, name = "owned")] own vec![n]);
        owned.push(1);
        if n.is_multiple_of(2) {
            black_box(owned.into_inner());
        }
    }
    for n in 0..TASKS {
        let mut future = pin!(visit());
        let _ = poll(future.as_mut());
        let _ = poll(future.as_mut());
        if !n.is_multiple_of(3) {
            assert!(poll(future.as_mut()).is_ready());
        }
    }
}
