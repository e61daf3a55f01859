//! Reads the files of a corpus into an index, on several threads.

use crate::corpus::{Corpus, SourceFile};
use crate::dictionary::{Dictionary, Posting};
use crate::document::{Document, read_text};
use crate::id::Id;
use crate::lexicon::Lexicon;
use crate::words::{Folding, words};
use indicatif::ProgressBar;
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{io, panic, thread};

/// What can be searched.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) documents: BTreeMap<Id<Document>, Document>,
    pub(crate) lexicon: Lexicon,
    /// Files that could not be read or are no text.
    pub(crate) skipped: usize,
}

/// What the threads share.
struct Shared<'c> {
    corpus: &'c Corpus,
    next: AtomicUsize,
    progress: &'c ProgressBar,
}

/// What one thread hands back.
#[derive(Default)]
struct Yield {
    documents: Vec<Document>,
    skipped: usize,
}

/// Indexes a corpus. The progress bar advances by the bytes of each file.
///
/// # Errors
///
/// If a thread cannot be started.
#[memscope::track]
pub(crate) fn build<F: Folding>(
    corpus: &Corpus,
    threads: NonZeroUsize,
    progress: &ProgressBar,
) -> io::Result<Index> {
    let dictionary = Arc::new(Dictionary::new(threads.get()));
    let shared = Shared { corpus, next: AtomicUsize::new(0), progress };
    let yields: Vec<Yield> = thread::scope(|scope| {
        let mut workers = Vec::new();
        for number in 0..threads.get() {
            let (shared, dictionary) = (&shared, Arc::clone(&dictionary));
            let worker = thread::Builder::new().name(format!("index-{number}"));
            workers.push(worker.spawn_scoped(scope, move || work::<F>(shared, &dictionary))?);
        }
        let joined = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        io::Result::Ok(joined.collect())
    })?;

    let mut index = Index { documents: BTreeMap::new(), lexicon: Lexicon::default(), skipped: 0 };
    for part in yields {
        index.skipped += part.skipped;
        index.documents.extend(part.documents.into_iter().map(|document| (document.id, document)));
    }
    // The threads have given back their handles, so this is the last one.
    if let Some(dictionary) = Arc::into_inner(dictionary) {
        index.lexicon = Lexicon::from_sorted(dictionary.into_terms());
    }
    Ok(index)
}

/// Indexes files until there are no more.
fn work<F: Folding>(shared: &Shared<'_>, dictionary: &Dictionary) -> Yield {
    let mut done = Yield::default();
    while let Some(source) = shared.corpus.files.get(shared.next.fetch_add(1, Ordering::Relaxed)) {
        match read_text(source) {
            Ok(Some(text)) => done.documents.push(index_text::<F>(source, text, dictionary)),
            Ok(None) | Err(_) => done.skipped += 1,
        }
        shared.progress.inc(source.bytes);
    }
    done
}

/// Adds the words of one file to the dictionary.
#[memscope::track]
fn index_text<F: Folding>(source: &SourceFile, text: String, dictionary: &Dictionary) -> Document {
    memscope::track_var!(let folding: F = F::default());
    memscope::track_var!(let id: Id<Document> = source.id);
    let mut document = Document::new(source, &text);
    let mut postings: HashMap<String, Posting> = HashMap::new();
    let mut word = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        for spelled in words(line) {
            word.clear();
            folding.fold(spelled, &mut word);
            if !postings.contains_key(&word) {
                postings.insert(word.clone(), Posting::new(id));
            }
            if let Some(posting) = postings.get_mut(&word) {
                posting.lines.push(number);
            }
            document.words += 1;
        }
        document.lines = number;
    }
    let split = dictionary.split(postings);
    dictionary.add(split);
    document
}
