//! A program works at full rate for minutes, with each block of the heap recorded: afterwards all figures of its capture are what
//! it counted itself, and its memory has not grown.

use crate::children::{ALIGN, Done};
use crate::{captures_in, child};
use memscope_format::Reader;
use memscope_format::rows::{
    DropChain, Heap, HeapKind, HeapUser, Lifecycle, LifecycleKind, Metric, Performance,
};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

/// How often the program's memory is read.
const READING: Duration = Duration::from_millis(100);

/// How often it is said how far this is.
const PROGRESS: Duration = Duration::from_secs(10);

/// What the most memory of the second half may be above that of the first: what the drain works on is what it finds in the
/// rings, more or less of their 2^16 events.
const GROWTH_KIB: u64 = 8 << 10;

/// Runs the program for so long.
pub(crate) fn run(seconds: u64) -> Result<(), String> {
    if seconds == 0 {
        return Ok(());
    }
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (done, memory) = work(seconds, directory.path())?;
    let [path] = captures_in(directory.path())?
        .try_into()
        .map_err(|captures| format!("{captures:?} instead of one capture"))?;
    let bytes = path.metadata().map_err(|error| error.to_string())?.len();
    let capture = Reader::open(path).map_err(|error| error.to_string())?;
    eprintln!(
        "worked for {seconds} s: {} events, {:.1} million a second, {} MiB of capture; comparing",
        capture.events(),
        capture.events() as f64 / seconds as f64 / 1e6,
        bytes >> 20
    );
    compare(&capture, done)?;
    eprintln!("all of it is in the capture: {done:?}");
    is_flat(&memory)
}

/// Has the program work. Returns its own account, and its memory over time, in KiB.
fn work(seconds: u64, captures: &Path) -> Result<(Done, Vec<u64>), String> {
    let mut command = child(&["work", &seconds.to_string()], captures)?;
    command.env("MEMSCOPE_ALLOC", "full").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = command.spawn().map_err(|error| error.to_string())?;
    let began = Instant::now();
    let mut said = began;
    let mut memory = Vec::new();
    while program.try_wait().map_err(|error| error.to_string())?.is_none() {
        thread::sleep(READING);
        // It may have ended meanwhile.
        memory.extend(resident_kib(program.id()));
        if said.elapsed() >= PROGRESS {
            said = Instant::now();
            let (elapsed, now) = (began.elapsed().as_secs(), memory.last().copied());
            eprintln!("works for {elapsed} of {seconds} s, {} KiB", now.unwrap_or(0));
        }
    }
    let output = program.wait_with_output().map_err(|error| error.to_string())?;
    let [out, complaints] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let done = Done::read(&out).filter(|_| output.status.success() && complaints.is_empty());
    let done = done.ok_or_else(|| format!("{}: {out}{complaints}", output.status))?;
    Ok((done, memory))
}

/// Memory of a process (proc(5)); `None` when it is over.
fn resident_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    resident.trim().trim_end_matches(" kB").parse().ok()
}

/// Compares the memory of the first half of the time with that of the second.
fn is_flat(memory: &[u64]) -> Result<(), String> {
    let (first, second) = memory.split_at(memory.len() / 2);
    let most = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    let (first, second) = (most(first), most(second));
    let words = format!("at most {first} KiB in the first half, {second} KiB in the second");
    if first == 0 || second > first + GROWTH_KIB {
        return Err(format!("memory has grown: {words}"));
    }
    eprintln!("memory stays: {words}");
    Ok(())
}

/// Fails if two numbers are not the same.
fn same(what: &str, found: u64, counted: u64) -> Result<(), String> {
    if found == counted {
        return Ok(());
    }
    Err(format!("{what}: {found} in the capture, {counted} by the program's own account"))
}

/// Compares a capture with what the program counted.
fn compare(capture: &Reader, done: Done) -> Result<(), String> {
    let health = capture.health();
    if !health.complete || !health.is_whole() || capture.lost() > 0 {
        return Err(format!("{} lost, {health:?}", capture.lost()));
    }
    values(capture, done)?;
    blocks(capture, done)
}

/// Values of one site: how many there are, and the sum of their ids' hashes, by which two lots of them are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Lot {
    count: u64,
    hashes: u64,
}

impl Lot {
    fn add(&mut self, value: u64) {
        self.count += 1;
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(value);
        self.hashes = self.hashes.wrapping_add(hash);
    }
}

fn values(capture: &Reader, done: Done) -> Result<(), String> {
    let site = |name: &str| {
        let sites = &capture.defs().sites;
        let site = sites.iter().find(|site| site.name.rsplit("::").next() == Some(name));
        site.map(|site| site.id).ok_or_else(|| format!("no site {name}"))
    };
    let sites = [site("scratch")?, site("Item")?];
    let [mut born, mut ended] = [[Lot::default(); 2]; 2];
    let place = |site: u32| sites.iter().position(|known| *known == site);
    for row in capture.rows::<Lifecycle>() {
        let row = row.map_err(|error| error.to_string())?;
        if let (Some(place), LifecycleKind::Born) = (place(row.site), row.kind) {
            born[place].add(row.value);
        }
    }
    for row in capture.rows::<DropChain>() {
        let row = row.map_err(|error| error.to_string())?;
        if let Some(place) = place(row.site) {
            ended[place].add(row.value);
        }
    }
    same("variables that were born", born[0].count, done.scratch)?;
    same("items that were born", born[1].count, done.items)?;
    same("items that were dropped", ended[1].count, done.dropped)?;
    if born[0] != ended[0] {
        return Err(format!("variables: {born:?} are born, others dropped: {ended:?}"));
    }
    Ok(())
}

/// Of the heap: blocks that were allocated, what else was done, and bytes that were allocated and freed.
type Used = [u64; 5];

/// What a row says, in the order of [`Used`].
fn used(row: &Heap) -> Result<Used, String> {
    let old = row.old_size.unwrap_or(0);
    match row.kind {
        HeapKind::Alloc | HeapKind::AllocZeroed => Ok([1, 0, 0, row.size, 0]),
        HeapKind::Free => Ok([0, 0, 1, 0, row.size]),
        HeapKind::Realloc => {
            Ok([0, 1, 0, row.size.saturating_sub(old), old.saturating_sub(row.size)])
        }
        _ => Err(format!("{row:?}")),
    }
}

fn plus(a: Used, b: Used) -> Used {
    std::array::from_fn(|at| a[at] + b[at])
}

fn blocks(capture: &Reader, done: Done) -> Result<(), String> {
    let (mut all, mut lines) = ([0; 5], [0; 5]);
    for row in capture.rows::<Heap>() {
        let row = row.map_err(|error| error.to_string())?;
        let used = used(&row)?;
        all = plus(all, used);
        if row.align == ALIGN {
            lines = plus(lines, used);
        }
    }
    let [blocks, _, frees, allocated, freed] = lines;
    same("blocks that were allocated", blocks, done.blocks)?;
    same("blocks that were freed", frees, done.scratch + done.dropped)?;
    same("bytes that were allocated", allocated, done.allocated)?;
    same("bytes that were freed", freed, done.freed)?;
    // Whatever else the program did: it is in rows, or counted as untold.
    let [program, untold] =
        [HeapUser::Program, HeapUser::Untold].map(|user| counted(capture, user));
    let told = plus(all, untold?);
    let program = program?;
    if told == program {
        return Ok(());
    }
    Err(format!("rows and what is untold make {told:?}, and the allocator counted {program:?}"))
}

/// The last readings of what one asked for, in the order of [`Used`].
fn counted(capture: &Reader, user: HeapUser) -> Result<Used, String> {
    let metrics = [
        Metric::Allocations,
        Metric::Reallocations,
        Metric::Frees,
        Metric::AllocatedBytes,
        Metric::FreedBytes,
    ];
    let mut last = [(0, 0); 5];
    for row in capture.rows::<Performance>() {
        let row = row.map_err(|error| error.to_string())?;
        let metric = metrics.iter().position(|metric| *metric == row.metric);
        if let Some(metric) = metric.filter(|_| row.subject == user as u64)
            && row.ts >= last[metric].0
        {
            last[metric] = (row.ts, row.value);
        }
    }
    Ok(last.map(|(_, value)| value))
}
