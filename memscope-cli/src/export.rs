//! `memscope export`: all rows of a capture as JSON Lines.
//!
//! Each line is an object whose first key is `stream`. Definitions come first (`SITES`, `TYPES`, `HOOKS`, `THREADS`),
//! then the events of one stream after the other, within a stream in the order they were written. Memory is that of
//! one chunk. A file appears under its name when it is whole: an export that is interrupted leaves nothing there.

use crate::args::{ExportArgs, ExportFormat};
use crate::console::{Console, say};
use crate::failure::Failure;
use crate::find;
use memscope_format::defs::Defs;
use memscope_format::report::human::Count;
use memscope_format::rows::{Container, DropChain, Lifecycle, Zst};
use memscope_format::{Event, Reader};
use serde::Serialize;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Runs the command.
pub(crate) fn run(args: &ExportArgs, console: &mut Console) -> Result<(), Failure> {
    let ExportFormat::Json = args.format;
    let path = find::one_capture(&args.file)?;
    let reader = find::open(&path)?;
    let damaged = match &args.output {
        None => json_lines(&reader, &mut console.out)?,
        Some(output) => {
            refuse_own_input(&path, output)?;
            let cannot = |error| Failure::io(format!("cannot write {}", output.display()), error);
            let (unfinished, file) = Unfinished::create(output).map_err(cannot)?;
            let mut sink = BufWriter::new(file);
            let damaged = json_lines(&reader, &mut sink)?;
            sink.flush().and_then(|()| unfinished.finish()).map_err(cannot)?;
            say(&format!("wrote: {}", output.display()));
            damaged
        }
    };
    console.out.flush()?;
    say(&format!("next: {}", console.invocation.command("summary", &path)));
    let health = &reader.health().damage;
    if damaged == 0 && health.is_empty() {
        return Ok(());
    }
    let rows: Option<u64> = health.iter().map(|damage| damage.rows).sum();
    let missing = match rows.map(|rows| rows + damaged) {
        None => "an unknown number of rows cannot be read and are not in the output".to_owned(),
        Some(0) => "no row is missing from the output".to_owned(),
        Some(1) => "1 row cannot be read and is not in the output".to_owned(),
        Some(rows) => format!("{} cannot be read and are not in the output", Count(rows).of("row")),
    };
    Err(Failure::Damaged(format!("{}: damaged; {missing}", path.display())))
}

/// Refuses to write over the capture that is read, or over the rings beside it, by whatever name.
pub(crate) fn refuse_own_input(capture: &Path, output: &Path) -> Result<(), Failure> {
    let mut rings = OsString::from(capture);
    rings.push("-rings");
    let is_input = same_file(capture, output) || same_file(Path::new(&rings), output);
    if !is_input {
        return Ok(());
    }
    let what = "is what is to be exported; nothing was written, give --output another name";
    Err(Failure::Usage(format!("{} {what}", output.display())))
}

/// Whether two paths lead to one file; hard links do.
fn same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino())).ok();
        identity(a).is_some() && identity(a) == identity(b)
    }
    #[cfg(not(unix))]
    {
        a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
    }
}

/// A file that is written under another name beside the one it is to have; dropped before its end, it is removed.
pub(crate) struct Unfinished {
    /// From what name to what name; `None` for what is no file (a pipe, a terminal), which is written as it is.
    names: Option<(PathBuf, PathBuf)>,
}

impl Unfinished {
    pub(crate) fn create(output: &Path) -> io::Result<(Self, File)> {
        // A link stays, and what it leads to is replaced.
        let output = output.canonicalize().unwrap_or_else(|_| output.to_owned());
        if output.metadata().is_ok_and(|existing| !existing.is_file()) {
            let file = File::options().write(true).open(&output)?;
            return Ok((Self { names: None }, file));
        }
        let mut name = output.file_name().map(OsString::from).unwrap_or_default();
        name.push(format!(".{}.partial", std::process::id()));
        let partial = output.with_file_name(name);
        let file = File::create(&partial)?;
        Ok((Self { names: Some((partial, output)) }, file))
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let Some((partial, output)) = self.names.take() else { return Ok(()) };
        let renamed = std::fs::rename(&partial, output);
        if renamed.is_err() {
            discard(&partial);
        }
        renamed
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some((partial, _)) = &self.names {
            discard(partial);
        }
    }
}

fn discard(partial: &Path) {
    // What made the export fail is told; that this could not be removed either adds nothing.
    let _ = std::fs::remove_file(partial);
}

/// Writes everything; returns how many rows could not be read.
fn json_lines(reader: &Reader, sink: &mut impl Write) -> Result<u64, Failure> {
    let defs = reader.defs();
    definitions("SITES", &defs.sites, sink)?;
    definitions("TYPES", &defs.types, sink)?;
    definitions("HOOKS", &defs.hooks, sink)?;
    definitions("THREADS", &defs.threads, sink)?;
    let names = Names::new(defs);
    let mut damaged = 0;
    damaged += events(reader, sink, |row: &Lifecycle| {
        names.of(reader, row.ts, row.site, row.type_id, row.thread)
    })?;
    damaged += events(reader, sink, |row: &Container| Resolved {
        field_name: names.field(row.type_id, row.field),
        ..names.of(reader, row.ts, row.site, row.type_id, row.thread)
    })?;
    damaged += events(reader, sink, |Zst(row): &Zst| {
        names.of(reader, row.ts, row.site, row.type_id, row.thread)
    })?;
    damaged += events(reader, sink, |row: &DropChain| Resolved {
        duration_ns: Some(row.duration.map(|ticks| reader.clock().duration_ns(ticks))),
        ..names.of(reader, row.ts, row.site, row.type_id, row.thread)
    })?;
    Ok(damaged)
}

/// A line of the output.
#[derive(Serialize)]
struct Line<'a, R: Serialize> {
    stream: &'static str,
    #[serde(flatten)]
    row: &'a R,
    #[serde(flatten)]
    resolved: Option<Resolved<'a>>,
}

/// What the ids and times of a row stand for.
#[derive(Serialize, Default)]
struct Resolved<'a> {
    /// Since recording began.
    ts_ns: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ns: Option<Option<u64>>,
    site_name: Option<&'a str>,
    type_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_name: Option<&'a str>,
    thread_name: Option<&'a str>,
}

struct Names<'a> {
    sites: HashMap<u32, &'a str>,
    types: HashMap<u32, &'a str>,
    threads: HashMap<u32, &'a str>,
    fields: HashMap<(u32, u32), &'a str>,
}

impl<'a> Names<'a> {
    fn new(defs: &'a Defs) -> Self {
        let fields = defs.types.iter().flat_map(|known| {
            let fields = known.fields.iter().flatten().zip(1..);
            fields.map(|(field, number)| ((known.id, number), field.name.as_str()))
        });
        let threads =
            defs.threads.iter().filter_map(|thread| Some((thread.id, thread.name.as_deref()?)));
        Self {
            sites: defs.sites.iter().map(|site| (site.id, site.name.as_str())).collect(),
            types: defs.types.iter().map(|known| (known.id, known.name.as_str())).collect(),
            threads: threads.collect(),
            fields: fields.collect(),
        }
    }

    fn of(&self, reader: &Reader, ts: u64, site: u32, type_id: u32, thread: u32) -> Resolved<'a> {
        Resolved {
            ts_ns: reader.clock().ns(ts),
            site_name: self.sites.get(&site).copied(),
            type_name: self.types.get(&type_id).copied(),
            thread_name: self.threads.get(&thread).copied(),
            ..Resolved::default()
        }
    }

    fn field(&self, type_id: u32, field: u32) -> Option<&'a str> {
        self.fields.get(&(type_id, field)).copied()
    }
}

fn definitions<T: Serialize>(
    stream: &'static str,
    table: &[T],
    sink: &mut impl Write,
) -> Result<(), Failure> {
    table.iter().try_for_each(|row| put(&Line { stream, row, resolved: None }, sink))
}

/// Writes a stream; returns how many rows could not be read.
fn events<'a, R: Event + Serialize>(
    reader: &Reader,
    sink: &mut impl Write,
    resolve: impl Fn(&R) -> Resolved<'a>,
) -> Result<u64, Failure> {
    let mut damaged = 0;
    for chunk in reader.chunks::<R>() {
        match reader.read_chunk::<R>(&chunk) {
            Ok(rows) => rows.iter().try_for_each(|row| {
                put(&Line { stream: R::STREAM.name(), row, resolved: Some(resolve(row)) }, sink)
            })?,
            Err(memscope_format::Error::Io(error)) => {
                return Err(Failure::io("cannot read the capture", error));
            }
            Err(_) => damaged += u64::from(chunk.rows),
        }
    }
    Ok(damaged)
}

fn put<R: Serialize>(line: &Line<'_, R>, sink: &mut impl Write) -> Result<(), Failure> {
    serde_json::to_writer(&mut *sink, line).map_err(io::Error::from)?;
    Ok(sink.write_all(b"\n")?)
}
