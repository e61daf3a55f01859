//! A file that was indexed.

use crate::corpus::SourceFile;
use crate::id::Id;
use memscope::Probe;
use memscope_examples::census::{Census, Counted, Tally};
use std::{fs, io};

/// What is kept of a file.
#[memscope::track]
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) id: Id<Document>,
    pub(crate) shown: String,
    pub(crate) bytes: u64,
    pub(crate) lines: u32,
    pub(crate) words: u32,
    _counted: Counted<Self>,
    _probe: Probe<Self>,
}

impl Document {
    pub(crate) fn new(source: &SourceFile, text: &str) -> Self {
        Self {
            id: source.id,
            shown: source.shown.clone(),
            bytes: text.len() as u64,
            lines: 0,
            words: 0,
            _probe: Probe::new(),
            _counted: Counted::new(),
        }
    }
}

impl Census for Document {
    fn tally() -> &'static Tally {
        static TALLY: Tally = Tally::new("Document");
        &TALLY
    }
}

/// Reads a file as text; `None` if it is not text.
pub(crate) fn read_text(source: &SourceFile) -> io::Result<Option<String>> {
    let bytes = fs::read(&source.path)?;
    Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
}
