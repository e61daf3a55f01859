//! The words of an index as a tree, for lookups that are not exact.
//!
//! A ternary search tree (Bentley and Sedgewick, "Fast algorithms for sorting and searching strings", 1997): each
//! node is one character with its alternatives to both sides, and what follows it below.

use crate::dictionary::Term;
use memscope::Probe;
use memscope_examples::census::{Census, Counted, Tally};

/// A character in some words.
#[memscope::track]
#[derive(Debug)]
pub(crate) struct Node {
    character: char,
    /// Words with a smaller character here.
    lower: Option<Box<Node>>,
    /// Words that go on after this character.
    next: Option<Box<Node>>,
    /// Words with a greater character here.
    higher: Option<Box<Node>>,
    /// The word that ends here.
    term: Option<Box<Term>>,
    _counted: Counted<Self>,
    _probe: Probe<Self>,
}

impl Node {
    fn new(character: char) -> Self {
        Self {
            character,
            lower: None,
            next: None,
            higher: None,
            term: None,
            _probe: Probe::new(),
            _counted: Counted::new(),
        }
    }
}

impl Census for Node {
    fn tally() -> &'static Tally {
        static TALLY: Tally = Tally::new("Node");
        &TALLY
    }
}

/// Which words a lookup wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern<'a> {
    /// `alloc*`: words that begin so.
    Prefix(&'a str),
    /// `?rc`: words of this length, with any character for each `?`. Without one it is the word itself.
    Wildcard(&'a str),
    /// `hashmp~`: words at most one insertion, deletion or replacement away.
    Similar(&'a str),
}

impl<'a> Pattern<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        if let Some(prefix) = text.strip_suffix('*') {
            Self::Prefix(prefix)
        } else if let Some(word) = text.strip_suffix('~') {
            Self::Similar(word)
        } else {
            Self::Wildcard(text)
        }
    }
}

/// All terms of an index.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    root: Option<Box<Node>>,
    terms: usize,
}

impl Lexicon {
    /// Builds the tree from terms that are sorted by their text.
    pub(crate) fn from_sorted(terms: Vec<Term>) -> Self {
        let mut lexicon = Self { root: None, terms: terms.len() };
        let mut terms: Vec<_> = terms.into_iter().map(Some).collect();
        lexicon.insert_balanced(&mut terms);
        lexicon
    }

    pub(crate) fn len(&self) -> usize {
        self.terms
    }

    /// Visits all terms in order of their text.
    pub(crate) fn for_each<'t>(&'t self, visit: &mut dyn FnMut(&'t Term)) {
        visit_all(self.root.as_deref(), visit);
    }

    /// Visits the terms that match, in order of their text.
    pub(crate) fn find<'t>(&'t self, pattern: Pattern<'_>, visit: &mut dyn FnMut(&'t Term)) {
        let root = self.root.as_deref();
        match pattern {
            Pattern::Prefix(prefix) => visit_prefix(root, prefix, visit),
            Pattern::Wildcard(wildcard) => visit_wildcard(root, wildcard, visit),
            Pattern::Similar(word) => {
                let word: Vec<char> = word.chars().collect();
                let distances: Vec<usize> = (0..=word.len()).collect();
                visit_similar(root, &word, &distances, visit);
            }
        }
    }

    /// Inserts the middle term before those to both sides, which keeps the siblings of each level balanced.
    fn insert_balanced(&mut self, terms: &mut [Option<Term>]) {
        let middle = terms.len() / 2;
        let (before, rest) = terms.split_at_mut(middle);
        let Some((term, after)) = rest.split_first_mut() else { return };
        if let Some(term) = term.take() {
            self.insert(term);
        }
        self.insert_balanced(before);
        self.insert_balanced(after);
    }

    fn insert(&mut self, term: Term) {
        let text = term.text.clone();
        let mut place = &mut self.root;
        let mut characters = text.chars().peekable();
        while let Some(&character) = characters.peek() {
            let node = place.get_or_insert_with(|| Box::new(Node::new(character)));
            if character < node.character {
                place = &mut node.lower;
            } else if character > node.character {
                place = &mut node.higher;
            } else {
                characters.next();
                if characters.peek().is_none() {
                    node.term = Some(Box::new(term));
                    return;
                }
                place = &mut node.next;
            }
        }
    }
}

fn visit_all<'t>(node: Option<&'t Node>, visit: &mut dyn FnMut(&'t Term)) {
    let Some(node) = node else { return };
    visit_all(node.lower.as_deref(), visit);
    if let Some(term) = &node.term {
        visit(term);
    }
    visit_all(node.next.as_deref(), visit);
    visit_all(node.higher.as_deref(), visit);
}

fn visit_prefix<'t>(mut node: Option<&'t Node>, prefix: &str, visit: &mut dyn FnMut(&'t Term)) {
    let mut characters = prefix.chars();
    let Some(mut wanted) = characters.next() else { return visit_all(node, visit) };
    while let Some(at) = node {
        if wanted < at.character {
            node = at.lower.as_deref();
        } else if wanted > at.character {
            node = at.higher.as_deref();
        } else if let Some(following) = characters.next() {
            wanted = following;
            node = at.next.as_deref();
        } else {
            if let Some(term) = &at.term {
                visit(term);
            }
            return visit_all(at.next.as_deref(), visit);
        }
    }
}

fn visit_wildcard<'t>(node: Option<&'t Node>, wildcard: &str, visit: &mut dyn FnMut(&'t Term)) {
    let (Some(node), Some(wanted)) = (node, wildcard.chars().next()) else { return };
    let any = wanted == '?';
    if any || wanted < node.character {
        visit_wildcard(node.lower.as_deref(), wildcard, visit);
    }
    if any || wanted == node.character {
        let rest = &wildcard[wanted.len_utf8()..];
        match &node.term {
            Some(term) if rest.is_empty() => visit(term),
            _ => visit_wildcard(node.next.as_deref(), rest, visit),
        }
    }
    if any || wanted > node.character {
        visit_wildcard(node.higher.as_deref(), wildcard, visit);
    }
}

/// `distances[i]` is the edit distance between the path to `node` and the first `i` characters of `word`.
fn visit_similar<'t>(
    node: Option<&'t Node>,
    word: &[char],
    distances: &[usize],
    visit: &mut dyn FnMut(&'t Term),
) {
    const FARTHEST: usize = 1;
    let Some(node) = node else { return };
    visit_similar(node.lower.as_deref(), word, distances, visit);
    let mut extended = vec![distances[0] + 1];
    for (i, &character) in word.iter().enumerate() {
        let replaced = distances[i] + usize::from(character != node.character);
        extended.push(replaced.min(distances[i + 1] + 1).min(extended[i] + 1));
    }
    if let Some(term) = &node.term
        && extended[word.len()] <= FARTHEST
    {
        visit(term);
    }
    if extended.iter().any(|&distance| distance <= FARTHEST) {
        visit_similar(node.next.as_deref(), word, &extended, visit);
    }
    visit_similar(node.higher.as_deref(), word, distances, visit);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon(words: &[&str]) -> Lexicon {
        let mut words = words.to_vec();
        words.sort_unstable();
        Lexicon::from_sorted(words.into_iter().map(Term::new).collect())
    }

    fn found(lexicon: &Lexicon, pattern: &str) -> Vec<String> {
        let mut found = Vec::new();
        lexicon.find(Pattern::parse(pattern), &mut |term| found.push(term.text.to_string()));
        found
    }

    #[test]
    fn patterns_find_their_words_in_order() {
        let lexicon =
            lexicon(&["rc", "arc", "arcs", "alloc", "allocate", "allocator", "größe", "src", "a"]);
        assert_eq!(found(&lexicon, "arc"), ["arc"]);
        assert_eq!(found(&lexicon, "ar"), [""; 0]);
        assert_eq!(found(&lexicon, "alloc*"), ["alloc", "allocate", "allocator"]);
        assert_eq!(found(&lexicon, "?rc"), ["arc", "src"]);
        assert_eq!(found(&lexicon, "gr??e"), ["größe"]);
        assert_eq!(found(&lexicon, "arc~"), ["arc", "arcs", "rc", "src"]);
        assert_eq!(found(&lexicon, "grösse~"), [""; 0]);
        assert_eq!(found(&lexicon, "*").len(), lexicon.len());
    }

    #[test]
    fn similar_is_what_the_plain_distance_says() {
        let words = ["cat", "cart", "art", "at", "bat", "carts", "tac", "ca", "c", "cast", "scat"];
        let lexicon = lexicon(&words);
        for wanted in ["cat", "art", "x", "cats"] {
            let mut near: Vec<_> =
                words.into_iter().filter(|word| distance(word, wanted) <= 1).collect();
            near.sort_unstable();
            assert_eq!(found(&lexicon, &format!("{wanted}~")), near, "{wanted}");
        }
    }

    /// The definition, without any table.
    fn distance(a: &str, b: &str) -> usize {
        match (a.chars().next(), b.chars().next()) {
            (None, _) => b.len(),
            (_, None) => a.len(),
            (Some(x), Some(y)) if x == y => distance(&a[1..], &b[1..]),
            _ => 1 + distance(&a[1..], b).min(distance(a, &b[1..])).min(distance(&a[1..], &b[1..])),
        }
    }
}
