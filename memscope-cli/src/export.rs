//! `memscope export`: all rows of a capture as JSON Lines.
//!
//! Each line is an object whose first key is `stream`. Definitions come first (`SITES`, `TYPES`, `HOOKS`, `THREADS`),
//! then the events of one stream after the other, within a stream in the order they were written. Memory is that of
//! one chunk. With `--follow` that is repeated with what is new, while the program runs. A file appears under its name when it is whole: an export that is interrupted leaves nothing there.

use crate::args::{ExportArgs, ExportFormat};
use crate::console::{Console, say};
use crate::failure::Failure;
use crate::find;
use memscope_format::defs::{Definition, Defs, TableVisitor};
use memscope_format::frame::FrameType;
use memscope_format::{ChunkRef, Event, Follow, Reader, Stream, StreamVisitor};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs the command.
pub(crate) fn run(args: &ExportArgs, console: &mut Console) -> Result<(), Failure> {
    let ExportFormat::Json = args.format;
    let path = find::one_capture(&args.file)?;
    if args.follow {
        return follow(&path, console);
    }
    let reader = find::open_whole(&path)?;
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
    end(&path, &reader, damaged, console)
}

/// How long a capture that is being written is left alone before it is looked at again.
const PAUSE: Duration = Duration::from_millis(200);

/// Writes what a program records as it does, until it has ended.
fn follow(path: &Path, console: &mut Console) -> Result<(), Failure> {
    let mut follow = Follow::new(path);
    let mut defined = HashSet::new();
    let mut unreadable = 0;
    loop {
        follow.poll().map_err(|error| Failure::opening(path, error))?;
        let Some(reader) = follow.reader() else { continue };
        let from = From { reader, follow: Some(&follow) };
        unreadable += lines(&from, &mut defined, &mut console.out)?;
        console.out.flush()?;
        if let Some(unread) = reader.unread() {
            return Err(Failure::Damaged(format!("{}: {}", path.display(), unread.what)));
        }
        if !reader.health().live {
            return end(path, reader, unreadable, console);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Says what to do next, and what is not in the output.
fn end(path: &Path, reader: &Reader, damaged: u64, console: &Console) -> Result<(), Failure> {
    say(&format!("next: {}", console.invocation.command("summary", path)));
    if damaged == 0 && reader.health().damage.is_empty() {
        return Ok(());
    }
    Err(Failure::incomplete(path, reader.damage_beside_chunks(), damaged))
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
    lines(&From { reader, follow: None }, &mut HashSet::new(), sink)
}

/// What is written.
struct From<'a> {
    reader: &'a Reader,
    /// Only what is new; `None` for all that the reader has.
    follow: Option<&'a Follow>,
}

impl From<'_> {
    fn chunks<R: Event>(&self) -> Vec<ChunkRef> {
        match self.follow {
            None => self.reader.chunks::<R>(),
            Some(follow) => follow.chunks::<R>().collect(),
        }
    }
}

/// Writes definitions that are not `defined` yet, and rows; returns how many rows could not be read.
fn lines(
    from: &From<'_>,
    defined: &mut HashSet<(FrameType, u32)>,
    sink: &mut impl Write,
) -> Result<u64, Failure> {
    let defs = from.reader.defs();
    let mut lines = Lines { from, sink, defined, names: Names::new(defs), unreadable: 0 };
    Defs::FRAMES.iter().try_for_each(|&table| Defs::visit(table, &mut lines).unwrap_or(Ok(())))?;
    Stream::ALL.iter().try_for_each(|stream| stream.visit(&mut lines))?;
    Ok(lines.unreadable)
}

struct Lines<'a, W> {
    from: &'a From<'a>,
    sink: &'a mut W,
    /// The definitions that were written, by their ids.
    defined: &'a mut HashSet<(FrameType, u32)>,
    names: Names<'a>,
    /// Rows that could not be read.
    unreadable: u64,
}

impl<W: Write> TableVisitor for Lines<'_, W> {
    type Output = Result<(), Failure>;

    fn visit<T: Definition>(&mut self) -> Self::Output {
        let stream = T::FRAME.name().unwrap_or_default();
        let Self { from, sink, defined, .. } = self;
        let mut new = T::table(from.reader.defs())
            .iter()
            .filter(|definition| defined.insert((T::FRAME, definition.id())));
        new.try_for_each(|row| put(&Line { stream, row, resolved: None }, *sink))
    }
}

impl<W: Write> StreamVisitor for Lines<'_, W> {
    type Output = Result<(), Failure>;

    fn visit<R: Event>(&mut self) -> Self::Output {
        let reader = self.from.reader;
        for chunk in self.from.chunks::<R>() {
            let rows = reader.read_chunk::<R>(&chunk);
            match rows.and_then(|rows| Ok((rows, reader.weights::<R>(&chunk)?))) {
                Ok((rows, weights)) => {
                    for (row, weight) in rows.into_iter().zip(weights) {
                        let names = self.names.of(reader, &row);
                        let weight = (weight != 1).then_some(weight);
                        let resolved = Some(Resolved { weight, ..names });
                        put(&Line { stream: R::STREAM.name(), row: &row, resolved }, self.sink)?;
                    }
                }
                Err(memscope_format::Error::Io(error)) => {
                    return Err(Failure::io("cannot read the capture", error));
                }
                Err(_) => self.unreadable += u64::from(chunk.rows),
            }
        }
        Ok(())
    }
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

/// What the ids and times of a row stand for; what its stream does not have is left out.
#[derive(Serialize, Default)]
struct Resolved<'a> {
    /// How many events the row stands for, where that is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u64>,
    /// Since recording began.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts_ns: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ns: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_name: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    type_name: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_name: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

struct Names<'a> {
    sites: HashMap<u32, &'a str>,
    types: HashMap<u32, &'a str>,
    threads: HashMap<u32, &'a str>,
    strings: HashMap<u32, &'a str>,
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
            strings: defs.strings.iter().map(|known| (known.id, known.text.as_str())).collect(),
            fields: fields.collect(),
        }
    }

    fn of<R: Event>(&self, reader: &Reader, row: &R) -> Resolved<'a> {
        let number = |column| row.number(column);
        let id = |column| number(column).and_then(|id| u32::try_from(id).ok());
        let name = |column, names: &HashMap<u32, &'a str>| {
            R::has_column(column).then(|| id(column).and_then(|id| names.get(&id).copied()))
        };
        let ticks = |ticks| reader.clock().duration_ns(ticks);
        Resolved {
            ts_ns: number("ts").map(|ts| reader.clock().ns(ts)),
            duration_ns: R::has_column("duration").then(|| number("duration").map(ticks)),
            site_name: name("site", &self.sites),
            type_name: name("type", &self.types),
            field_name: id("type")
                .zip(id("field"))
                .and_then(|field| self.fields.get(&field).copied()),
            thread_name: name("thread", &self.threads),
            text: id("detail").and_then(|id| self.strings.get(&id).copied()),
            weight: None,
        }
    }
}

fn put<R: Serialize>(line: &Line<'_, R>, sink: &mut impl Write) -> Result<(), Failure> {
    serde_json::to_writer(&mut *sink, line).map_err(io::Error::from)?;
    Ok(sink.write_all(b"\n")?)
}
