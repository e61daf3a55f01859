//! What a store is asked to do: read from a file, or made up.
//!
//! A trace file is text with one operation a line; blank lines and lines that begin with `#` are skipped:
//!
//! ```text
//! # key, then for writes a number of bytes
//! put user:1 120
//! get user:1
//! append user:1 64
//! remove user:1
//! ```

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Reads a value.
    Get { key: String },
    /// Replaces a value, or adds it.
    Put { key: String, bytes: usize },
    /// Adds to the end of a value, which is empty where there was none.
    Append { key: String, bytes: usize },
    /// Takes a value out.
    Remove { key: String },
}

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TraceError {
    #[error("{}: {error}", .path.display())]
    Open { path: PathBuf, error: io::Error },
    #[error("{}:{line}: {reason}", .path.display())]
    Line { path: PathBuf, line: usize, reason: Reason },
}

/// What is wrong with a line of a trace.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("unknown operation `{0}`: there are get, put, append and remove")]
    Operation(String),
    #[error("`{0}` needs a key")]
    Key(&'static str),
    #[error("`{0}` needs a number of bytes up to {MAX}, not `{1}`", MAX = MAX_BYTES)]
    Bytes(&'static str, String),
    #[error("nothing is expected after `{0}`")]
    Rest(String),
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// A line that writes more than this is taken for a mistake.
const MAX_BYTES: usize = 64 << 20;

/// Reads a trace file, one operation at a time.
pub(crate) fn read(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Operation, TraceError>> + use<>, TraceError> {
    let file =
        File::open(path).map_err(|error| TraceError::Open { path: path.to_owned(), error })?;
    let path = path.to_owned();
    let lines = (1..).zip(BufReader::new(file).lines());
    Ok(lines.filter_map(move |(line, text)| {
        let operation = text.map_err(Reason::Read).and_then(|text| parse(&text));
        operation
            .map_err(|reason| TraceError::Line { path: path.clone(), line, reason })
            .transpose()
    }))
}

fn parse(line: &str) -> Result<Option<Operation>, Reason> {
    let mut words = line.split_whitespace();
    let Some(name) = words.next().filter(|name| !name.starts_with('#')) else { return Ok(None) };
    let mut key = |of| words.next().map(str::to_owned).ok_or(Reason::Key(of));
    let operation = match name {
        "get" => Operation::Get { key: key("get")? },
        "remove" => Operation::Remove { key: key("remove")? },
        "put" => Operation::Put { key: key("put")?, bytes: bytes("put", words.next())? },
        "append" => {
            Operation::Append { key: key("append")?, bytes: bytes("append", words.next())? }
        }
        other => return Err(Reason::Operation(other.to_owned())),
    };
    match words.next() {
        None => Ok(Some(operation)),
        Some(_) => Err(Reason::Rest(line.trim().to_owned())),
    }
}

fn bytes(of: &'static str, word: Option<&str>) -> Result<usize, Reason> {
    let word = word.unwrap_or_default();
    word.parse()
        .ok()
        .filter(|bytes| *bytes <= MAX_BYTES)
        .ok_or_else(|| Reason::Bytes(of, word.to_owned()))
}

/// What a made-up trace looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) operations: u64,
    pub(crate) keys: usize,
    pub(crate) seed: u64,
}

/// Makes up a trace; the same workload gives the same trace everywhere.
///
/// The `n`th key is asked for in proportion to `1/n` (Zipf's law, as caches see it). 70 of 100 operations read, 15
/// replace, 12 append and 3 remove.
pub(crate) fn generate(workload: Workload) -> impl Iterator<Item = Operation> {
    let mut cumulative: Vec<f64> = Vec::with_capacity(workload.keys);
    let mut sum = 0.0;
    for rank in 1..=workload.keys {
        sum += 1.0 / rank as f64;
        cumulative.push(sum);
    }
    let mut random = SplitMix64(workload.seed);
    (0..workload.operations).map(move |_| {
        let wanted = random.unit() * sum;
        let rank = cumulative.partition_point(|&up_to| up_to < wanted);
        let key = format!("user:{rank}");
        match random.below(100) {
            0..70 => Operation::Get { key },
            70..85 => Operation::Put { key, bytes: 32 + random.below(480) },
            85..97 => Operation::Append { key, bytes: 16 + random.below(240) },
            _ => Operation::Remove { key },
        }
    })
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in 0..1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in 0..`limit`, by the upper half of the product (Lemire, 2019; the bias is below 2^-32 here).
    fn below(&mut self, limit: u32) -> usize {
        (((self.next() >> 32) * u64::from(limit)) >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        parse(line).unwrap_err().to_string()
    }

    #[test]
    fn a_line_is_an_operation_or_nothing() {
        assert_eq!(parse("").unwrap(), None);
        assert_eq!(parse("  # put a 1").unwrap(), None);
        assert_eq!(
            parse("put a 12").unwrap(),
            Some(Operation::Put { key: "a".to_owned(), bytes: 12 })
        );
        assert_eq!(parse(" remove  a ").unwrap(), Some(Operation::Remove { key: "a".to_owned() }));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        assert_eq!(
            refused("fetch a"),
            "unknown operation `fetch`: there are get, put, append and remove"
        );
        assert_eq!(refused("get"), "`get` needs a key");
        assert_eq!(refused("put a"), "`put` needs a number of bytes up to 67108864, not ``");
        assert_eq!(
            refused("append a -1"),
            "`append` needs a number of bytes up to 67108864, not `-1`"
        );
        assert_eq!(refused("get a b"), "nothing is expected after `get a b`");
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("morning.trace");
        std::fs::write(&path, "# first\nput a 1\n\nput b\n").unwrap();
        let operations: Vec<_> = read(&path).unwrap().collect();
        assert!(operations[0].is_ok());
        let error = operations[1].as_ref().unwrap_err().to_string();
        assert!(
            error
                .ends_with("morning.trace:4: `put` needs a number of bytes up to 67108864, not ``"),
            "{error}"
        );
    }

    #[test]
    fn a_made_up_trace_repeats_and_favours_the_first_keys() {
        let workload = Workload { operations: 20_000, keys: 1_000, seed: 7 };
        let trace: Vec<_> = generate(workload).collect();
        assert!(trace.iter().cloned().eq(generate(workload)));
        let asked = |wanted: &str| {
            let is_it = |operation: &&Operation| match operation {
                Operation::Get { key }
                | Operation::Put { key, .. }
                | Operation::Append { key, .. }
                | Operation::Remove { key } => key == wanted,
            };
            trace.iter().filter(is_it).count()
        };
        // 20 000 divided by the 1000th harmonic number (7.485) is 2672, with a standard deviation of 48.
        assert!((2_400..2_950).contains(&asked("user:0")), "{}", asked("user:0"));
        assert!((1_150..1_520).contains(&asked("user:1")), "{}", asked("user:1"));
    }
}
