//! A program that records at full rate is killed at a random moment, again and again: what it had acknowledged must be in its
//! capture.

use crate::children::THREADS;
use crate::{captures_in, child};
use memscope_format::Reader;
use memscope_format::rows::{DropChain, Lifecycle};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The longest time from the start of a program to its end: half of them end while they begin.
const LONGEST_START: Duration = Duration::from_millis(40);

/// The longest time from its first acknowledgement to the end of a program of the other half.
const LONGEST_RUN: Duration = Duration::from_millis(300);

/// How often it is said how far this is.
const PROGRESS: Duration = Duration::from_secs(10);

/// What came of all programs so far.
#[derive(Debug, Default)]
struct Tally {
    /// Values that were acknowledged.
    acknowledged: u64,
    /// Values that were found.
    found: u64,
    /// Captures whose last events were in the rings.
    recovered: u64,
    /// Programs that had acknowledged nothing.
    silent: u64,
}

/// Kills so many programs.
pub(crate) fn run(kills: u64) -> Result<(), String> {
    let random = RandomState::new();
    let mut tally = Tally::default();
    let mut said = Instant::now();
    for number in 1..=kills {
        let share = random.hash_one(number) as f64 / u64::MAX as f64;
        kill_one(number % 2 == 0, share, &mut tally)
            .map_err(|failure| format!("kill {number} of {kills}: {failure}"))?;
        if number == kills || said.elapsed() >= PROGRESS {
            said = Instant::now();
            let Tally { acknowledged, found, recovered, silent } = tally;
            eprintln!(
                "killed {number} of {kills}: {acknowledged} values acknowledged, none missing; {found} found; \
                 {recovered} captures recovered from rings, {silent} programs had not begun"
            );
        }
    }
    // The others had not begun to record; were it most, this would prove little.
    if tally.recovered * 3 < kills {
        return Err(format!("only {} of {kills} captures were cut off", tally.recovered));
    }
    Ok(())
}

/// Kills one program and looks at what it left.
fn kill_one(when_it_runs: bool, share: f64, tally: &mut Tally) -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let acknowledged = kill(when_it_runs, share, directory.path())?;
    let captures = captures_in(directory.path())?;
    tally.acknowledged += acknowledged.values().sum::<u64>();
    tally.silent += u64::from(acknowledged.is_empty());
    let [capture] = captures.as_slice() else {
        return match (captures.len(), acknowledged.is_empty()) {
            (0, true) => Ok(()),
            (captures, _) => Err(format!("{captures} captures, {acknowledged:?} acknowledged")),
        };
    };
    let capture = Reader::open(capture).map_err(|error| error.to_string())?;
    tally.found += compare(&capture, &acknowledged)?;
    tally.recovered += u64::from(capture.health().recovered_events > 0);
    Ok(())
}

/// Starts a program, kills it, and returns what each of its threads had acknowledged.
fn kill(when_it_runs: bool, share: f64, captures: &Path) -> Result<HashMap<String, u64>, String> {
    let mut command = child(&["record"], captures)?;
    let mut program = command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let said = program.stdout.take().ok_or("no pipe")?;
    let (first_said, first) = mpsc::channel();
    let listener = thread::spawn(move || listen(said, &first_said));
    if when_it_runs && first.recv_timeout(Duration::from_secs(60)).is_ok() {
        thread::sleep(LONGEST_RUN.mul_f64(share));
    } else {
        thread::sleep(LONGEST_START.mul_f64(share));
    }
    // SIGKILL: nothing runs in the program after it.
    program.kill().map_err(|error| error.to_string())?;
    program.wait().map_err(|error| error.to_string())?;
    listener.join().map_err(|_| "the listener has panicked".to_owned())
}

/// Reads what a program says to its end, and tells when it has said something. Returns the last number of each thread.
fn listen(said: impl Read, first_said: &mpsc::Sender<()>) -> HashMap<String, u64> {
    let mut acknowledged = HashMap::new();
    let mut said = BufReader::new(said);
    let mut line = String::new();
    // A line without its end was cut off, and promises nothing.
    while said.read_line(&mut line).is_ok_and(|_| line.ends_with('\n')) {
        if let Some((thread, count)) = line.trim_end().split_once(' ') {
            acknowledged.insert(thread.to_owned(), count.parse().unwrap_or(u64::MAX));
        }
        // Nobody waits for any but the first.
        let _ = first_said.send(());
        line.clear();
    }
    acknowledged
}

/// Compares what a capture holds with what was acknowledged. Returns how many values it holds.
fn compare(capture: &Reader, acknowledged: &HashMap<String, u64>) -> Result<u64, String> {
    let health = capture.health();
    if !health.is_whole() || capture.lost() > 0 {
        return Err(format!("{} lost, {health:?}", capture.lost()));
    }
    let mut all = 0;
    for thread in THREADS {
        let (born, ended) = values_of(capture, thread)?;
        // A thread was within a value, or between two.
        let open = born.iter().filter(|value| ended.binary_search(value).is_err()).count();
        if open > 1 || born.len() != ended.len() + open {
            return Err(format!("{thread}: {} born, {} ended", born.len(), ended.len()));
        }
        let promised = acknowledged.get(thread).copied().unwrap_or(0);
        if (ended.len() as u64) < promised {
            return Err(format!("{thread}: {promised} acknowledged, {} found", ended.len()));
        }
        all += born.len() as u64;
    }
    Ok(all)
}

/// The values that a thread made, and those that it dropped, each in order and none twice.
fn values_of(capture: &Reader, name: &str) -> Result<(Vec<u64>, Vec<u64>), String> {
    let threads = &capture.defs().threads;
    let Some(thread) = threads.iter().find(|thread| thread.name.as_deref() == Some(name)) else {
        return Ok(Default::default());
    };
    let (mut born, mut ended) = (Vec::new(), Vec::new());
    for row in capture.rows::<Lifecycle>() {
        let row = row.map_err(|error| error.to_string())?;
        born.extend((row.thread == thread.id).then_some(row.value));
    }
    for row in capture.rows::<DropChain>() {
        let row = row.map_err(|error| error.to_string())?;
        ended.extend((row.thread == thread.id).then_some(row.value));
    }
    for values in [&mut born, &mut ended] {
        values.sort_unstable();
        if values.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(format!("{name}: a value twice"));
        }
    }
    Ok((born, ended))
}
