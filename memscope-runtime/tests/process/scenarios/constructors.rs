//! Types whose values are made by functions of their own.

use memscope::Probe;
use std::sync::Arc;

#[memscope::track]
pub(crate) struct Page {
    text: String,
}

#[memscope::track]
impl Page {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty".to_owned());
        }
        let page = Self { text: text.to_owned() };
        Ok(page)
    }

    fn shared() -> Arc<Self> {
        Arc::new(Self::new("shared"))
    }

    fn longer(mut self) -> Self {
        self.text.push('x');
        self
    }
}

#[memscope::track]
struct Probed {
    probe: Probe<Self>,
}

#[memscope::track]
impl Probed {
    fn new() -> Self {
        Self { probe: Probe::new() }
    }
}

/// Pages made by `new`, by `parse`, and how many of both are forgotten.
pub(crate) const MADE: (u64, u64, u64) = (6, 3, 2);

pub(super) fn constructors() {
    for _ in 0..4 {
        drop(Page::new("a").longer());
    }
    std::mem::forget((Page::shared(), Page::shared()));
    for text in ["a", "", "b", "", "c"] {
        drop(Page::parse(text));
    }
    let probed = Probed::new();
    std::hint::black_box(&probed.probe);
}
