//! What the program says.

use crate::build::Index;
use crate::corpus::Corpus;
use crate::dictionary::Term;
use crate::search::{Hit, Searcher};
use memscope_examples::byte_size::ByteSize;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::time::Duration;

/// Lines of a document that are shown with a hit.
const LINES_SHOWN: usize = 6;

pub(crate) fn totals(
    out: &mut dyn Write,
    corpus: &Corpus,
    index: &Index,
    threads: NonZeroUsize,
    took: Duration,
) -> io::Result<()> {
    let documents = index.documents.values();
    let (mut bytes, mut lines, mut words) = (0, 0, 0);
    for document in documents {
        bytes += document.bytes;
        lines += u64::from(document.lines);
        words += u64::from(document.words);
    }
    let files = index.documents.len();
    let threads =
        if threads.get() == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
    writeln!(out, "indexed {files} files in {took:.1?} on {threads}")?;
    writeln!(
        out,
        "  {}, {lines} lines, {words} words, {} distinct",
        ByteSize(bytes),
        index.lexicon.len()
    )?;
    if index.skipped > 0 {
        writeln!(
            out,
            "  skipped {} of {} files: not readable as text",
            index.skipped,
            corpus.files.len()
        )?;
    }
    Ok(())
}

pub(crate) fn limit(out: &mut dyn Write, corpus: &Corpus, limit: ByteSize) -> io::Result<()> {
    if corpus.left_out > 0 {
        writeln!(out, "  left out {} files to stay within {limit} (--limit)", corpus.left_out)?;
    }
    Ok(())
}

pub(crate) fn top_terms(out: &mut dyn Write, index: &Index, top: usize) -> io::Result<()> {
    let mut terms: Vec<(usize, &Term)> = Vec::new();
    index.lexicon.for_each(&mut |term| terms.push((term.occurrences(), term)));
    terms.sort_by(|(a, _), (b, _)| b.cmp(a));
    writeln!(out, "\n{:>10}  {:>7}  term", "times", "files")?;
    for (times, term) in terms.into_iter().take(top) {
        writeln!(out, "{times:>10}  {:>7}  {}", term.postings.len(), term.text)?;
    }
    Ok(())
}

pub(crate) fn hits(
    out: &mut dyn Write,
    query: &str,
    hits: &[Hit<'_>],
    top: usize,
    took: Duration,
) -> io::Result<()> {
    writeln!(out, "\n`{query}`: {} files in {took:.1?}", hits.len())?;
    for hit in hits.iter().take(top) {
        let lines: Vec<String> = hit.lines.iter().take(LINES_SHOWN).map(u32::to_string).collect();
        let more = if hit.lines.len() > LINES_SHOWN { ", ..." } else { "" };
        writeln!(out, "{:>10.2}  {}:{}{more}", hit.score, hit.document.shown, lines.join(","))?;
    }
    Ok(())
}

pub(crate) fn lookups(out: &mut dyn Write, searcher: &Searcher<'_>) -> io::Result<()> {
    let (lookups, remembered) = (searcher.lookups, searcher.answered_from_memory);
    writeln!(out, "\n{lookups} words looked up, {remembered} of them answered from memory")
}
