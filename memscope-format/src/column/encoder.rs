//! Words into bytes, a block at a time as they come.
//!
//! A column begins as runs of equal words. When there are too many of them it becomes planes: those bytes of each word,
//! or of each difference to the word before, that tell neighbours apart; the others stay runs. What fits is seen from the
//! words themselves, so that no table says how a column is to be encoded.

use super::ColumnEncoding;
use super::planes::{bytes_of, places};
use crate::varint;

/// Words that are encoded at once: few enough to stay in the first cache.
pub(crate) const BLOCK: usize = 256;

/// Words that are looked at together for one that differs.
const SUB_BLOCK: usize = 16;

/// Rows to a run, from which on runs are not worth keeping.
const ROWS_PER_RUN: usize = 32;
/// Runs that are kept in any case.
const FEW_RUNS: usize = 8;
/// Rows to a run of what is not in planes, from which on another plane is smaller.
const ROWS_PER_RUN_OF_REST: usize = 64;

/// Words and how often they come in a row.
type Runs = Vec<(u64, u32)>;

/// Encodes a column as its words come.
#[derive(Debug, Default)]
pub(crate) struct ColumnEncoder {
    rows: usize,
    /// The last word.
    previous: u64,
    runs: Runs,
    split: Split,
    /// Whether there were too many runs.
    is_split: bool,
    /// The column's bytes, when it is finished.
    bytes: Vec<u8>,
}

/// A column as bytes.
#[derive(Debug)]
pub(crate) struct EncodedColumn<'a> {
    pub(crate) encoding: ColumnEncoding,
    pub(crate) bytes: &'a [u8],
}

impl ColumnEncoder {
    /// Makes it as new, but for its memory.
    pub(crate) fn clear(&mut self) {
        self.rows = 0;
        self.previous = 0;
        self.runs.clear();
        self.is_split = false;
    }

    /// Words so far.
    pub(crate) const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether all words so far were `word`.
    pub(crate) fn is_all(&self, word: u64) -> bool {
        !self.is_split && self.runs.iter().all(|run| run.0 == word)
    }

    /// Appends words.
    pub(crate) fn push(&mut self, words: &[u64]) {
        for words in words.chunks(BLOCK) {
            if !self.is_split && !self.push_runs(words) {
                self.leave_runs(words);
            }
            if self.is_split {
                self.split.push(words);
            }
            self.rows += words.len();
        }
    }

    /// Appends a block of words as runs, unless that would make too many.
    fn push_runs(&mut self, words: &[u64]) -> bool {
        let (Some(&first), Some(&last)) = (words.first(), words.last()) else { return true };
        // Without an early end, which would keep the compiler from comparing several at once.
        let differing = words.iter().fold(0, |differing, &word| differing | (word ^ first));
        let changes = match differing {
            0 => 0,
            _ => words.windows(2).map(|pair| usize::from(pair[0] != pair[1])).sum(),
        };
        let rows = self.rows + words.len();
        if self.runs.len() + changes >= FEW_RUNS + rows / ROWS_PER_RUN {
            return false;
        }
        if changes == 0 {
            add_run(&mut self.runs, first, words.len());
        } else {
            words.chunk_by(u64::eq).for_each(|run| add_run(&mut self.runs, run[0], run.len()));
        }
        self.previous = last;
        true
    }

    /// Gives up runs for planes that fit these words, which come next.
    fn leave_runs(&mut self, words: &[u64]) {
        self.is_split = true;
        self.split.begin(self.previous, words);
        let mut block = [0; BLOCK];
        for &(word, times) in &self.runs {
            block.fill(word);
            let mut left = times as usize;
            while left > 0 {
                let part = left.min(BLOCK);
                self.split.push(&block[..part]);
                left -= part;
            }
        }
    }

    /// Returns the column's bytes and how they are encoded.
    pub(crate) fn finish(&mut self) -> EncodedColumn<'_> {
        self.bytes.clear();
        if !self.is_split {
            if let [(word, _)] = self.runs.as_slice() {
                varint::put(&mut self.bytes, *word);
                return EncodedColumn { encoding: ColumnEncoding::Constant, bytes: &self.bytes };
            }
            // In a short chunk even few runs can be longer than its words.
            if self.runs.len() <= FEW_RUNS.min(self.rows / 2)
                || self.runs.len() * FEW_RUNS <= self.rows
            {
                put_runs(&self.runs, &mut self.bytes);
                return EncodedColumn { encoding: ColumnEncoding::Runs, bytes: &self.bytes };
            }
            let mut words: Vec<u64> = Vec::with_capacity(self.rows);
            for &(word, times) in &self.runs {
                words.resize(words.len() + times as usize, word);
            }
            self.previous = 0;
            self.runs.clear();
            self.leave_runs(&words);
            self.split.push(&words);
        }
        let encoding = self.split.finish(&mut self.bytes);
        EncodedColumn { encoding, bytes: &self.bytes }
    }
}

/// Appends a run, or makes the last one longer.
#[inline]
fn add_run(runs: &mut Runs, word: u64, times: usize) {
    match runs.last_mut() {
        Some((last, before)) if *last == word => *before += times as u32,
        _ => runs.push((word, times as u32)),
    }
}

fn put_runs(runs: &[(u64, u32)], bytes: &mut Vec<u8>) {
    for &(word, times) in runs {
        varint::put(bytes, word);
        varint::put(bytes, u64::from(times));
    }
}

/// Words, or their differences: the bytes that differ between neighbours as planes, the others as runs.
#[derive(Debug, Default)]
struct Split {
    is_delta: bool,
    /// The word before the next; what differences are to.
    before: u64,
    rows: usize,
    /// The places whose bytes are planes, a bit each.
    places: u8,
    /// A plane for each of the places, the lowest first.
    planes: Vec<Vec<u8>>,
    /// What is not in planes, the bytes of their places being 0.
    rest: Runs,
}

impl Split {
    /// Begins anew, in the form that fits `words`; the first to be pushed may be others.
    fn begin(&mut self, previous: u64, words: &[u64]) {
        let block = &words[..words.len().min(BLOCK)];
        let mut zigzags = [0; BLOCK];
        let zigzags = differences(previous, block, &mut zigzags);
        let least = block.iter().copied().min().unwrap_or(0);
        let bits = |word: u64| u64::from(64 - word.leading_zeros());
        let plain: u64 = block.iter().map(|word| bits(word - least)).sum();
        let delta: u64 = zigzags.iter().map(|&zigzag| bits(zigzag)).sum();
        self.is_delta = delta < plain;
        let changes = changes(if self.is_delta { zigzags } else { block });
        let few = block.len() / ROWS_PER_RUN_OF_REST;
        self.places =
            (0..8).filter(|&place| changes[place] > few).fold(0, |set, place| set | 1 << place);
        self.places = self.places.max(1);
        self.before = 0;
        self.rows = 0;
        self.rest.clear();
        let width = self.width();
        self.planes.resize_with(self.planes.len().max(width), Vec::new);
        self.planes.iter_mut().for_each(Vec::clear);
    }

    /// How many planes there are.
    const fn width(&self) -> usize {
        self.places.count_ones() as usize
    }

    /// Appends words.
    fn push(&mut self, words: &[u64]) {
        for words in words.chunks(BLOCK) {
            let mut zigzags = [0; BLOCK];
            if self.is_delta {
                let zigzags = differences(self.before, words, &mut zigzags);
                self.before = words.last().copied().unwrap_or(self.before);
                self.push_block(zigzags);
            } else {
                self.push_block(words);
            }
        }
    }

    fn push_block(&mut self, words: &[u64]) {
        self.push_rest(words);
        let len = words.len();
        let mut bytes = [0; BLOCK];
        let mut planes = self.planes.iter_mut();
        for half in [0, 4] {
            let in_half = self.places >> half & 0xF;
            if in_half == 0 {
                continue;
            }
            // By way of halves, and into arrays: so the compiler takes several words at once.
            let mut halves = [0; BLOCK];
            halves
                .iter_mut()
                .zip(words)
                .for_each(|(half_word, &word)| *half_word = (word >> (8 * half)) as u32);
            for (place, plane) in places(in_half).zip(&mut planes) {
                bytes
                    .iter_mut()
                    .zip(&halves)
                    .for_each(|(byte, &half)| *byte = (half >> (8 * place)) as u8);
                plane.extend_from_slice(&bytes[..len]);
            }
        }
        self.rows += words.len();
        while self.places != u8::MAX
            && self.rest.len() > FEW_RUNS + self.rows / ROWS_PER_RUN_OF_REST
        {
            self.widen();
        }
    }

    /// Appends what is not in planes.
    fn push_rest(&mut self, words: &[u64]) {
        let mask = !bytes_of(self.places);
        let current = self.rest.last().map_or(words[0] & mask, |run| run.0);
        let differing = words.iter().fold(0, |differing, &word| differing | (word ^ current));
        if differing & mask == 0 {
            add_run(&mut self.rest, current, words.len());
        } else {
            for words in words.chunks(SUB_BLOCK) {
                let current = words[0] & mask;
                let differing =
                    words.iter().fold(0, |differing, &word| differing | (word ^ current));
                if differing & mask == 0 {
                    add_run(&mut self.rest, current, words.len());
                } else {
                    words.iter().for_each(|word| add_run(&mut self.rest, word & mask, 1));
                }
            }
        }
    }

    /// Makes a plane of the place that changes most often in what is not in planes.
    fn widen(&mut self) {
        let words: Vec<u64> = self.rest.iter().map(|run| run.0).collect();
        let often = changes(&words);
        let free = (0..8).filter(|place| self.places & 1 << place == 0);
        let Some(place) = free.max_by_key(|&place| often[place]) else { return };
        let index = places(self.places).take_while(|&before| before < place).count();
        let mut plane = if self.planes.len() > self.width() {
            self.planes.pop().unwrap_or_default()
        } else {
            Vec::new()
        };
        plane.clear();
        self.places |= 1 << place;
        let mask = !bytes_of(self.places);
        for (word, times) in std::mem::take(&mut self.rest) {
            plane.resize(plane.len() + times as usize, (word >> (8 * place)) as u8);
            add_run(&mut self.rest, word & mask, times as usize);
        }
        self.planes.insert(index, plane);
    }

    fn finish(&self, bytes: &mut Vec<u8>) -> ColumnEncoding {
        self.planes[..self.width()].iter().for_each(|plane| bytes.extend_from_slice(plane));
        put_runs(&self.rest, bytes);
        bytes.push(self.places);
        if self.is_delta { ColumnEncoding::DeltaSplit } else { ColumnEncoding::Split }
    }
}

/// Writes the zigzag differences of a block of words, the first to `before`.
fn differences<'a>(before: u64, words: &[u64], zigzags: &'a mut [u64; BLOCK]) -> &'a [u64] {
    let zigzags = &mut zigzags[..words.len()];
    if let ([zigzag, zigzags @ ..], [first, rest @ ..]) = (&mut *zigzags, words) {
        *zigzag = varint::zigzag(first.wrapping_sub(before));
        for ((zigzag, &word), &before) in zigzags.iter_mut().zip(rest).zip(words) {
            *zigzag = varint::zigzag(word.wrapping_sub(before));
        }
    }
    zigzags
}

/// How often the byte of each place differs from that of the word before.
fn changes(words: &[u64]) -> [usize; 8] {
    let mut changes = [0; 8];
    for pair in words.windows(2) {
        let differing = pair[0] ^ pair[1];
        for (place, changes) in changes.iter_mut().enumerate() {
            *changes += usize::from(differing >> (8 * place) & 0xFF != 0);
        }
    }
    changes
}
