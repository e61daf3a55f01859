//! What the calls are, as libgcc finds them.

use std::ffi::{c_int, c_void};
use std::fmt::Write;

#[repr(C)]
struct Context {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn _Unwind_Backtrace(
        trace: extern "C" fn(*mut Context, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIPInfo(context: *mut Context, before: *mut c_int) -> usize;
    fn _Unwind_FindEnclosingFunction(address: *mut c_void) -> *mut c_void;
}

/// What libgcc has found, and the function behind which it is not to go on, 0 if there is none.
struct Found {
    calls: Vec<u64>,
    last: usize,
}

extern "C" fn trace(context: *mut Context, found: *mut c_void) -> c_int {
    const STOP: c_int = 4;
    let mut before = 0;
    // SAFETY: both are what libgcc gives, and what `found` gave it.
    let (address, found) =
        unsafe { (_Unwind_GetIPInfo(context, &raw mut before), &mut *found.cast::<Found>()) };
    // Where a signal interrupted it, captures have the address behind.
    let call = address as u64 + u64::from(before != 0);
    found.calls.push(call);
    if found.last != 0 && is_of(found.last, call) { STOP } else { 0 }
}

/// Whether a call was made by a function.
fn is_of(function: usize, call: u64) -> bool {
    let Some(address) = call.checked_sub(1) else { return false };
    let address = std::ptr::without_provenance_mut(address as usize);
    // SAFETY: it looks the address up.
    unsafe { _Unwind_FindEnclosingFunction(address) }.addr() == function
}

/// The calls around a function, which this is called in, the innermost first.
#[inline(never)]
pub(crate) fn around(function: usize) -> Vec<u64> {
    between(function, 0)
}

/// The calls around a function, which this is called in, up to that of another.
#[inline(never)]
pub(crate) fn between(function: usize, last: usize) -> Vec<u64> {
    let mut found = Found { calls: Vec::with_capacity(2000), last };
    // SAFETY: the callback takes what it is given here.
    unsafe { _Unwind_Backtrace(trace, (&raw mut found).cast()) };
    let mut calls = found.calls;
    // What libgcc finds outside of the first call.
    calls.retain(|address| *address != 0);
    let place = calls.iter().position(|call| is_of(function, *call));
    calls.split_off(place.expect("the function is among the calls") + 1)
}

/// Says them to the parent.
#[expect(clippy::print_stdout, reason = "what the parent is to know")]
pub(crate) fn say(what: u64, calls: &[u64]) {
    let mut line = format!("\ncalls {what}");
    calls.iter().for_each(|address| write!(line, " {address:x}").unwrap());
    println!("{line}");
}

/// Reads a line that a child said.
pub(crate) fn parse(line: &str) -> Option<(u64, Vec<u64>)> {
    let (what, calls) = line.strip_prefix("calls ")?.split_once(' ')?;
    let calls = calls.split(' ').map(|address| u64::from_str_radix(address, 16).unwrap());
    Some((what.parse().unwrap(), calls.collect()))
}
