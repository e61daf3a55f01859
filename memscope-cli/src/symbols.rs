//! From addresses to names: what functions the calls of stacks are in, by the symbols and debug information of the files that
//! were loaded.
//!
//! A file is asked only if it is the one that was loaded: of the same build, by the linker's id. Of others, an address in the file is
//! all that is told.

use addr2line::Loader;
use memscope_format::report::{BlockCalls, Module, Report, Stack, StackCall, StackFrame};
use object::{Object, ReadCache};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where systems keep the debug information of stripped files, by build id.
const DEBUG_FILES: &str = "/usr/lib/debug/.build-id";

/// Names the functions of the first stacks of blocks, and of slow drops, so many of each.
pub(crate) fn name(report: &mut Report, most: usize) {
    let mut symbols = Symbols::default();
    let of_blocks = report.stacks.iter_mut().filter_map(|of| match &mut of.calls {
        BlockCalls::Known(stack) => Some(stack),
        _ => None,
    });
    let of_drops = report.slowest_drops.iter_mut().filter_map(|slow| slow.stack.as_mut());
    of_blocks.take(most).chain(of_drops.take(most)).for_each(|stack| symbols.name(stack));
}

/// The files that were asked for.
#[derive(Default)]
struct Symbols(HashMap<Module, Result<Symbolised, String>>);

/// A file, and that with its debug information if this is another.
struct Symbolised {
    file: Loader,
    debug: Option<Loader>,
}

impl Symbols {
    fn name(&mut self, stack: &mut Stack) {
        for call in &mut stack.calls {
            let (Some(module), Some(offset)) = (&call.module, call.offset) else { continue };
            let known = self.0.entry(module.clone()).or_insert_with(|| Symbolised::open(module));
            // The instruction is the one before the address.
            match known {
                Ok(symbolised) => symbolised.name(call, offset.wrapping_sub(1)),
                Err(why) => call.unknown = Some(why.clone()),
            }
        }
    }
}

impl Symbolised {
    fn open(module: &Module) -> Result<Self, String> {
        let path = Path::new(&module.path);
        if !path.is_absolute() {
            return Err("it is no file".to_owned());
        }
        let Some(id) = &module.build_id else {
            return Err(
                "the file has no build id that tells whether it is still the same".to_owned()
            );
        };
        let found = build_id(path).map_err(|error| format!("the file cannot be read: {error}"))?;
        if found.as_ref() != Some(id) {
            return Err("the file is of another build".to_owned());
        }
        let load = |path: &Path| Loader::new(path).map_err(|error| error.to_string());
        let debug =
            debug_file(id).filter(|path| build_id(path).is_ok_and(|of| of.as_ref() == Some(id)));
        Ok(Self { file: load(path)?, debug: debug.and_then(|path| load(&path).ok()) })
    }

    /// Finds the functions that an instruction is in.
    fn name(&self, call: &mut StackCall, at: u64) {
        let sources = [self.debug.as_ref(), Some(&self.file)];
        let mut frames = sources.into_iter().flatten().map(|source| frames(source, at));
        call.frames = frames.find(|frames| !frames.is_empty()).unwrap_or_default();
        if call.frames.is_empty() {
            call.unknown = Some("the file has no symbol for it".to_owned());
        }
    }
}

/// The functions around an instruction, by debug information, or else by the symbols alone.
fn frames(source: &Loader, at: u64) -> Vec<StackFrame> {
    let symbol = || source.find_symbol(at).map(demangled);
    let mut found = Vec::new();
    if let Ok(mut frames) = source.find_frames(at) {
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|name| name.raw_name().ok());
            let Some(function) = name.map(|name| demangled(&name)).or_else(symbol) else {
                continue;
            };
            let (file, line) = frame.location.map_or((None, None), |at| {
                (at.file.map(str::to_owned), at.line.filter(|line| *line > 0))
            });
            found.push(StackFrame { function, file, line });
        }
    }
    if found.is_empty() {
        found.extend(symbol().map(|function| StackFrame { function, file: None, line: None }));
    }
    found
}

/// A name as in the source, without the hash behind it.
fn demangled(name: &str) -> String {
    rustc_demangle::try_demangle(name)
        .map_or_else(|_| name.to_owned(), |demangled| format!("{demangled:#}"))
}

/// The linker's id of a file's content, in hexadecimal.
fn build_id(path: &Path) -> Result<Option<String>, String> {
    let file = ReadCache::new(File::open(path).map_err(|error| error.to_string())?);
    let file = object::File::parse(&file).map_err(|error| error.to_string())?;
    let id = file.build_id().map_err(|error| error.to_string())?;
    Ok(id.map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Where a file's debug information is, if it is in one of its own.
fn debug_file(id: &str) -> Option<PathBuf> {
    let (first, rest) = id.split_at_checked(2)?;
    let path = Path::new(DEBUG_FILES).join(first).join(format!("{rest}.debug"));
    path.exists().then_some(path)
}
