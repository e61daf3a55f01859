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

extern "C" fn trace(context: *mut Context, calls: *mut c_void) -> c_int {
    let mut before = 0;
    // SAFETY: both are what libgcc gives, and what `calls` gave it.
    let (address, calls) =
        unsafe { (_Unwind_GetIPInfo(context, &raw mut before), &mut *calls.cast::<Vec<u64>>()) };
    // Where a signal interrupted it, captures have the address behind.
    calls.push(address as u64 + u64::from(before != 0));
    0
}

/// The calls around a function, which this is called in, the innermost first.
#[inline(never)]
pub(crate) fn around(function: usize) -> Vec<u64> {
    let mut calls: Vec<u64> = Vec::with_capacity(2000);
    // SAFETY: the callback takes what it is given here.
    unsafe { _Unwind_Backtrace(trace, (&raw mut calls).cast()) };
    // What libgcc finds outside of the first call.
    calls.retain(|address| *address != 0);
    let is_of = |address: &u64| {
        let address = std::ptr::without_provenance_mut((*address - 1) as usize);
        // SAFETY: it looks the address up.
        unsafe { _Unwind_FindEnclosingFunction(address) }.addr() == function
    };
    let place = calls.iter().position(is_of).expect("the function is among the calls");
    calls.split_off(place + 1)
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
