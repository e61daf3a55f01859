//! The inverted index proper: for each word, where it stands.

use crate::document::Document;
use crate::id::Id;
use memscope::Probe;
use memscope_examples::census::{Census, Counted, Tally};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The lines of one document that hold a word.
#[memscope::track]
#[derive(Debug)]
pub(crate) struct Posting {
    pub(crate) document: Id<Document>,
    /// Line numbers from 1, ascending; a line that holds the word twice is there twice.
    pub(crate) lines: Vec<u32>,
    _counted: Counted<Self>,
    _probe: Probe<Self>,
}

impl Posting {
    pub(crate) fn new(document: Id<Document>) -> Self {
        Self { document, lines: Vec::new(), _probe: Probe::new(), _counted: Counted::new() }
    }
}

/// A word and where it stands.
#[memscope::track]
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) text: Arc<str>,
    /// One for each document that holds the word; by document once the dictionary is sorted.
    pub(crate) postings: Vec<Posting>,
    _counted: Counted<Self>,
    _probe: Probe<Self>,
}

impl Term {
    pub(crate) fn new(text: impl Into<Arc<str>>) -> Self {
        Self {
            text: text.into(),
            postings: Vec::new(),
            _probe: Probe::new(),
            _counted: Counted::new(),
        }
    }

    /// How often the word occurs in all documents.
    pub(crate) fn occurrences(&self) -> usize {
        self.postings.iter().map(|posting| posting.lines.len()).sum()
    }
}

impl Census for Posting {
    fn tally() -> &'static Tally {
        static TALLY: Tally = Tally::new("Posting");
        &TALLY
    }
}

impl Census for Term {
    fn tally() -> &'static Tally {
        static TALLY: Tally = Tally::new("Term");
        &TALLY
    }
}

/// A part of the dictionary with a lock of its own.
type Shard = HashMap<Arc<str>, Term>;

/// The words of all documents, in parts that threads fill at the same time.
#[derive(Debug)]
pub(crate) struct Dictionary {
    shards: Box<[Mutex<Shard>]>,
    by_hash: RandomState,
}

impl Dictionary {
    /// Makes an empty dictionary that `threads` threads rarely wait for each other in.
    pub(crate) fn new(threads: usize) -> Self {
        let shards = (threads * 4).next_power_of_two();
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            by_hash: RandomState::new(),
        }
    }

    /// Sorts the words of a document by the shard that they go to.
    pub(crate) fn split(&self, postings: HashMap<String, Posting>) -> Vec<Vec<(String, Posting)>> {
        let mut split: Vec<_> = self.shards.iter().map(|_| Vec::new()).collect();
        for (word, posting) in postings {
            split[self.shard_of(&word)].push((word, posting));
        }
        split
    }

    /// Adds what [`split`](Self::split) made of a document, one shard after the other.
    pub(crate) fn add(&self, split: Vec<Vec<(String, Posting)>>) {
        for (shard, postings) in self.shards.iter().zip(split) {
            if postings.is_empty() {
                continue;
            }
            let mut shard = lock(shard);
            for (word, posting) in postings {
                if let Some(term) = shard.get_mut(word.as_str()) {
                    term.postings.push(posting);
                } else {
                    let text: Arc<str> = word.into();
                    let mut term = Term::new(Arc::clone(&text));
                    term.postings.push(posting);
                    shard.insert(text, term);
                }
            }
        }
    }

    /// Ends the filling: takes the terms out, in order of their text and with their postings by document.
    #[memscope::track]
    pub(crate) fn into_terms(self) -> Vec<Term> {
        let shards = self
            .shards
            .into_iter()
            .map(|shard| shard.into_inner().unwrap_or_else(PoisonError::into_inner));
        let mut terms: Vec<Term> = shards.flat_map(Shard::into_values).collect();
        terms.sort_unstable_by(|a, b| a.text.cmp(&b.text));
        for term in &mut terms {
            term.postings.sort_unstable_by_key(|posting| posting.document);
        }
        terms
    }

    fn shard_of(&self, word: &str) -> usize {
        self.by_hash.hash_one(word) as usize & (self.shards.len() - 1)
    }
}

/// Locks a shard. One that a panicking thread left is still a map of whole terms.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
