//! Answers queries from an index.

use crate::build::Index;
use crate::document::Document;
use crate::id::Id;
use crate::lexicon::Pattern;
use crate::words::Folding;
use memscope::Probe;
use memscope_examples::census::{Census, Counted, Tally};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

/// The documents that hold a word that matches a pattern, and the lines.
#[memscope::track]
#[derive(Debug)]
pub(crate) struct Matches {
    documents: BTreeMap<Id<Document>, Vec<u32>>,
    _counted: Counted<Self>,
    _probe: Probe<Self>,
}

impl Census for Matches {
    fn tally() -> &'static Tally {
        static TALLY: Tally = Tally::new("Matches");
        &TALLY
    }
}

/// A document that holds every word of a query.
#[derive(Debug)]
pub(crate) struct Hit<'i> {
    pub(crate) document: &'i Document,
    pub(crate) score: f64,
    pub(crate) lines: Vec<u32>,
}

/// Looks words up in an index and remembers what it found.
#[derive(Debug)]
pub(crate) struct Searcher<'i> {
    index: &'i Index,
    remembered: HashMap<Rc<str>, Rc<Matches>>,
    /// The same patterns, the one that was asked for longest ago first.
    by_use: VecDeque<Rc<str>>,
    pub(crate) lookups: usize,
    pub(crate) answered_from_memory: usize,
}

impl<'i> Searcher<'i> {
    const REMEMBERED_MAX: usize = 64;

    pub(crate) fn new(index: &'i Index) -> Self {
        Self {
            index,
            remembered: HashMap::new(),
            by_use: VecDeque::new(),
            lookups: 0,
            answered_from_memory: 0,
        }
    }

    /// Returns the documents that hold all words of a query, best first.
    ///
    /// The score is tf-idf: a document gains for each word by how often it holds it, the more the rarer the word is.
    #[memscope::track]
    pub(crate) fn answer<F: Folding>(&mut self, query: &str) -> Vec<Hit<'i>> {
        let folding = F::default();
        let mut lookups: Vec<Rc<Matches>> = Vec::new();
        for pattern in query.split_whitespace() {
            let mut folded = String::new();
            folding.fold(pattern, &mut folded);
            lookups.push(self.look_up(&folded));
        }
        // Starting from the rarest word leaves the fewest documents to check.
        lookups.sort_by_key(|matches| matches.documents.len());
        let Some((rarest, others)) = lookups.split_first() else { return Vec::new() };

        let mut hits: Vec<Hit<'i>> = Vec::new();
        for (id, lines) in &rarest.documents {
            let Some(document) = self.index.documents.get(id) else { continue };
            let mut hit = Hit { document, score: 0.0, lines: Vec::new() };
            hit.add(lines, self.rarity(rarest));
            let in_all = others.iter().all(|matches| {
                let lines = matches.documents.get(id);
                lines.inspect(|lines| hit.add(lines, self.rarity(matches))).is_some()
            });
            if in_all {
                hit.lines.sort_unstable();
                hit.lines.dedup();
                hits.push(hit);
            }
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.document.id.cmp(&b.document.id)));
        hits
    }

    fn rarity(&self, matches: &Matches) -> f64 {
        (1.0 + self.index.documents.len() as f64 / matches.documents.len() as f64).ln()
    }

    fn look_up(&mut self, pattern: &str) -> Rc<Matches> {
        self.lookups += 1;
        if let Some(matches) = self.remembered.get(pattern) {
            let matches = Rc::clone(matches);
            self.answered_from_memory += 1;
            if let Some(place) = self.by_use.iter().position(|used| **used == *pattern)
                && let Some(used) = self.by_use.remove(place)
            {
                self.by_use.push_back(used);
            }
            return matches;
        }
        let matches = Rc::new(self.find(pattern));
        if self.remembered.len() == Self::REMEMBERED_MAX
            && let Some(oldest) = self.by_use.pop_front()
        {
            self.remembered.remove(&oldest);
        }
        let pattern: Rc<str> = pattern.into();
        self.by_use.push_back(Rc::clone(&pattern));
        self.remembered.insert(pattern, Rc::clone(&matches));
        matches
    }

    #[memscope::track]
    fn find(&self, pattern: &str) -> Matches {
        let mut documents: BTreeMap<Id<Document>, Vec<u32>> = BTreeMap::new();
        self.index.lexicon.find(Pattern::parse(pattern), &mut |term| {
            for posting in &term.postings {
                documents.entry(posting.document).or_default().extend(&posting.lines);
            }
        });
        Matches { documents, _probe: Probe::new(), _counted: Counted::new() }
    }
}

impl Hit<'_> {
    fn add(&mut self, lines: &[u32], rarity: f64) {
        self.score += (1.0 + lines.len() as f64).ln() * rarity;
        self.lines.extend(lines);
    }
}
