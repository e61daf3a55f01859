//! Call stacks, as text.

use super::tables::{Names, alive_title};
use crate::cell::{bytes, count};
use memscope_format::report::human::{Count, Nanos};
use memscope_format::report::{BlockCalls, Report, Stack, StackCall, StackFrame};
use std::fmt::Write;
use std::path::Path;

/// Calls of a stack that are shown.
const CALLS: usize = 16;

/// How many stacks are shown where so many rows of tables are: each takes many lines.
pub(super) fn shown(top: usize) -> usize {
    if top == usize::MAX { top } else { top.div_ceil(4) }
}

/// The calls that most bytes were allocated in.
pub(super) fn of_blocks(report: &Report, top: usize) -> String {
    if report.stacks.is_empty() {
        return String::new();
    }
    let shown = shown(top);
    let mut text = "Blocks, by the calls that led to them\n".to_owned();
    let alive = alive_title(report).to_lowercase();
    for of in report.stacks.iter().take(shown) {
        let why = match &of.calls {
            BlockCalls::Known(_) => "",
            BlockCalls::Lost => ": the calls are lost, since the process was killed",
            BlockCalls::NotTaken => ": the calls are unknown, since they could not be taken",
        };
        text += &format!(
            "  {} in {} blocks, {} {alive}{why}\n",
            bytes(&of.allocated_bytes).text,
            count(&of.allocations).text,
            bytes(&of.live_bytes).text,
        );
        if let BlockCalls::Known(stack) = &of.calls {
            text += &lines(stack);
        }
    }
    more(&mut text, report.stacks.len(), shown, top);
    text + "\n"
}

/// The calls that the slowest drops ended in.
pub(super) fn of_slow_drops(report: &Report, top: usize) -> String {
    let shown = shown(top);
    let slow = report.slowest_drops.iter();
    let slow: Vec<_> = slow.filter_map(|slow| Some((slow, slow.stack.as_ref()?))).collect();
    if slow.is_empty() {
        return String::new();
    }
    let names = Names::of(report);
    let mut text = "Calls that the slowest drops ended in\n".to_owned();
    for (slow, stack) in slow.iter().take(shown) {
        let site = names.whole(slow.site.name.clone(), &slow.site);
        text += &format!("  {} {site}\n{}", Nanos(slow.duration_ns), lines(stack));
    }
    more(&mut text, slow.len(), shown, top);
    text + "\n"
}

fn more(text: &mut String, all: usize, shown: usize, top: usize) {
    if let Some(rest) = all.checked_sub(shown).filter(|rest| *rest > 0) {
        let top = top.saturating_mul(all.div_ceil(shown));
        *text += &format!("  … and {} more (--top {top})\n", Count(rest as u64));
    }
}

/// The calls outside of memscope's own, a line for each function.
fn lines(stack: &Stack) -> String {
    let calls = stack.calls.iter().flat_map(|call| {
        let frames: Vec<_> = call.frames.iter().map(|frame| (call, Some(frame))).collect();
        if frames.is_empty() { vec![(call, None)] } else { frames }
    });
    let is_own = |(_, frame): &(&StackCall, Option<&StackFrame>)| {
        frame.is_some_and(|frame| is_memscopes(&frame.function))
    };
    let calls = calls.skip_while(is_own).take_while(|(_, frame)| !frame.is_some_and(begins));
    let calls: Vec<_> = calls.collect();
    let mut text = String::new();
    for (call, frame) in calls.iter().take(CALLS) {
        // Writing to a text does not fail.
        let _ = match frame {
            Some(frame) => writeln!(text, "      {}{}", frame.function, place(frame)),
            None => writeln!(text, "      {}", unnamed(call)),
        };
    }
    if calls.len() > CALLS {
        text += &format!("      … and {} more\n", Count((calls.len() - CALLS) as u64).of("call"));
    }
    if stack.truncated {
        text += "      … what called that is not known\n";
    }
    text
}

/// Whether it is the standard library's call of `main`, or of a thread's function: what is behind it is the same in all stacks.
fn begins(frame: &StackFrame) -> bool {
    frame.function.starts_with("std::sys::backtrace::__rust_begin_short_backtrace")
}

/// Whether a function is memscope's, or what the compiler puts between a program and its allocator.
fn is_memscopes(function: &str) -> bool {
    let glue = ["core::ptr::drop_in_place<", "core::ptr::drop_in_place::<"];
    let dropped = glue.iter().find_map(|glue| function.strip_prefix(glue));
    let path = dropped.unwrap_or(function).trim_start_matches('<');
    let request = path.strip_prefix("__rustc::").unwrap_or(path);
    let request = request.strip_prefix("__rust_").or(request.strip_prefix("__rg_"));
    path.starts_with("memscope::")
        || matches!(request, Some("alloc" | "alloc_zeroed" | "realloc" | "dealloc"))
}

fn place(frame: &StackFrame) -> String {
    // The standard library's files lie in a directory named for the compiler's revision.
    let in_library = |file: &str| Some(file.strip_prefix("/rustc/")?.split_once('/')?.1.to_owned());
    let file = frame.file.as_ref().map(|file| in_library(file).unwrap_or_else(|| file.clone()));
    match (file, frame.line) {
        (Some(file), Some(line)) => format!("  {file}:{line}"),
        (Some(file), None) => format!("  {file}"),
        _ => String::new(),
    }
}

fn unnamed(call: &StackCall) -> String {
    let why = call.unknown.as_deref().unwrap_or("not looked up");
    match (&call.module, call.offset) {
        (Some(module), Some(offset)) => {
            let name = Path::new(&module.path).file_name();
            let name = name.map_or(module.path.as_str().into(), |name| name.to_string_lossy());
            format!("{name}+{offset:#x}  ({why})")
        }
        _ => format!("{:#x}  ({why})", call.address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_shown_from_behind_memscopes_calls_to_the_programs_first() {
        let call = |function: &str| StackCall {
            address: 1,
            module: None,
            offset: None,
            frames: vec![StackFrame { function: function.to_owned(), file: None, line: None }],
            unknown: None,
        };
        let names = [
            "memscope::heap::allocated",
            "app::load",
            "app::main",
            "core::ops::function::FnOnce::call_once",
            "std::sys::backtrace::__rust_begin_short_backtrace",
            "std::rt::lang_start",
            "main",
        ];
        let stack =
            Stack { calls: names.iter().map(|name| call(name)).collect(), truncated: false };
        assert_eq!(
            lines(&stack),
            "      app::load\n      app::main\n      core::ops::function::FnOnce::call_once\n"
        );
    }

    #[test]
    fn memscopes_own_calls_are_known_by_their_names() {
        for own in [
            "memscope::on::stacks::here",
            "<memscope::allocator::Allocator as core::alloc::global::GlobalAlloc>::alloc",
            "__rustc::__rust_alloc",
            "__rustc::__rust_alloc_zeroed",
            "__rust_realloc",
            "core::ptr::drop_in_place<memscope::on::probe::Probe<x::Session>>",
        ] {
            assert!(is_memscopes(own), "{own}");
        }
        for other in ["alloc::alloc::alloc", "main", "memscopes::f", "__rust_begin_short_backtrace"]
        {
            assert!(!is_memscopes(other), "{other}");
        }
    }
}
