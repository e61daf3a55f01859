//! An inverted index over directories of text.
//!
//! Reads the files on several threads, says which words are the most frequent, and answers queries. Without any
//! directory it takes the Cargo workspace it is started in and the sources of its dependencies.
#![forbid(unsafe_code)]

mod build;
mod corpus;
mod dictionary;
mod document;
mod id;
mod lexicon;
mod output;
mod search;
mod words;

use crate::build::Index;
use crate::corpus::{Corpus, WorkspaceSources};
use crate::dictionary::{Posting, Term};
use crate::document::Document;
use crate::lexicon::Node;
use crate::search::{Matches, Searcher};
use crate::words::{Folding, IgnoreCase, KeepCase};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use memscope_examples::byte_size::ByteSize;
use memscope_examples::census::{self, Census};
use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

/// Index directories of text and search them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Directories to index [default: the Cargo workspace around the current directory, and those dependencies of
    /// it whose sources Cargo has unpacked]
    roots: Vec<PathBuf>,

    /// Threads that read files [default: one per core]
    #[arg(long, short = 'j', value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// Leave out the files that do not fit into this much text
    #[arg(long, value_name = "SIZE", default_value = "24MiB")]
    limit: ByteSize,

    /// Show the documents that hold all of these words. `alloc*` is any word that begins so, `?rc` has any
    /// character for each `?`, `hashmp~` allows one typing mistake. May be given more than once
    #[arg(long, short, value_name = "WORDS", default_values = ["drop alloc*", "unsafe drop", "hashmp~ ?rc"])]
    query: Vec<String>,

    /// How many terms, and documents for each query, to show
    #[arg(long, value_name = "N", default_value_t = 8)]
    top: usize,

    /// Take words that differ in case for different words
    #[arg(long)]
    case_sensitive: bool,

    /// Free everything, then print how many values of each kind were created and dropped
    #[arg(long)]
    check: bool,

    /// Print a running count of the values created and dropped, at every Nth
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1000")]
    acknowledge: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let run = if arguments.case_sensitive { run::<KeepCase> } else { run::<IgnoreCase> };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output had enough of it.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "indexer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run<F: Folding>(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    census::announce(arguments.acknowledge.unwrap_or(0));
    let roots = if arguments.roots.is_empty() { default_roots()? } else { arguments.roots.clone() };
    let corpus = Corpus::gather(&roots, arguments.limit)?;
    let threads = arguments
        .threads
        .or_else(|| thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);

    let started = Instant::now();
    let progress = progress_bar(corpus.bytes);
    let index = build::build::<F>(&corpus, threads, &progress)?;
    progress.finish_and_clear();

    let mut out = io::stdout().lock();
    output::totals(&mut out, &corpus, &index, threads, started.elapsed())?;
    output::limit(&mut out, &corpus, arguments.limit)?;
    output::top_terms(&mut out, &index, arguments.top)?;
    answer_queries::<F>(&mut out, &index, arguments)?;
    drop(out);

    let documents = index.documents.len();
    let started = Instant::now();
    drop(index);
    writeln!(io::stdout(), "\nfreed the index of {documents} files in {:.1?}", started.elapsed())?;
    if arguments.check {
        let tallies =
            [Document::tally(), Term::tally(), Posting::tally(), Node::tally(), Matches::tally()];
        let mut out = io::stdout().lock();
        for tally in tallies {
            writeln!(out, "{tally}")?;
        }
    }
    Ok(())
}

fn default_roots() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let sources = WorkspaceSources::find()?;
    if sources.dependencies.is_empty() {
        writeln!(
            io::stderr(),
            "indexer: Cargo has unpacked none of the dependencies of {}; indexing the workspace alone",
            sources.root.display()
        )?;
    }
    Ok(sources.into_roots())
}

fn answer_queries<F: Folding>(
    out: &mut dyn Write,
    index: &Index,
    arguments: &Arguments,
) -> io::Result<()> {
    let mut searcher = Searcher::new(index);
    for query in &arguments.query {
        let started = Instant::now();
        let hits = searcher.answer::<F>(query);
        output::hits(out, query, &hits, arguments.top, started.elapsed())?;
    }
    output::lookups(out, &searcher)
}

/// A progress bar on standard error; invisible where that is no terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("indexing {wide_bar} {bytes}/{total_bytes} {eta}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
