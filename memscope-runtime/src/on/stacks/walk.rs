//! The calls of a thread, frame by frame.
//!
//! Every word is read from the thread's own stack, between where it is now and where it ends, which was asked for when the
//! thread began to record: an address that a register or a frame claims is looked at only if it lies there, and further out
//! than the last. So a frame pointer that is none, as after assembly that uses the register for something else, ends the stack
//! early, and harms nothing.

use super::rules::{self, Base, Rule};
use core::arch::asm;
use core::cell::Cell;
use core::ptr::with_exposed_provenance;

/// The most calls of a stack.
pub(super) const MOST: usize = 128;

/// Where the stack of a thread lies: nowhere, if that is not known.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    low: u64,
    high: u64,
}

thread_local! {
    static BOUNDS: Cell<Bounds> = const { Cell::new(Bounds { low: 0, high: 0 }) };
}

/// Asks where this thread's stack lies, once. The system may allocate for the answer, by other means than the program's
/// allocator, so that it is not asked when a stack is taken.
pub(in crate::on) fn know_this_thread() {
    if BOUNDS.get().high == 0 {
        BOUNDS.set(bounds().unwrap_or(Bounds { low: 0, high: 1 }));
    }
}

fn bounds() -> Option<Bounds> {
    // SAFETY: the attributes are plain data, for which all zeros are a value; the calls write to variables of this function,
    // and the attributes are destroyed if, and only if, the first has made them.
    unsafe {
        let mut attributes: libc::pthread_attr_t = core::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes) != 0 {
            return None;
        }
        let (mut low, mut size) = (core::ptr::null_mut(), 0);
        let refused =
            libc::pthread_attr_getstack(&raw const attributes, &raw mut low, &raw mut size);
        libc::pthread_attr_destroy(&raw mut attributes);
        let low = low.expose_provenance() as u64;
        (refused == 0).then_some(Bounds { low, high: low + size as u64 })
    }
}

/// Where a call is: what its function's rules are asked with.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// The address behind the instruction that it is at.
    address: u64,
    /// The stack pointer there.
    sp: u64,
    /// The register that may be a frame pointer.
    bp: u64,
}

/// What lies outside of a frame.
enum Outer {
    Frame(Frame),
    /// Nothing: the thread began there.
    Nothing,
    /// It is not known.
    Unknown,
}

/// Takes the calls around this one, the innermost first; with whether there were, or may have been, more. `None` if there are
/// none to be had.
#[inline(never)]
pub(super) fn take(room: &mut [u64; MOST]) -> Option<(&[u64], bool)> {
    let (at, sp, bp): (u64, u64, u64);
    // SAFETY: it reads three registers.
    unsafe {
        asm!(
            "lea {at}, [rip]",
            "mov {sp}, rsp",
            "mov {bp}, rbp",
            at = out(reg) at,
            sp = out(reg) sp,
            bp = out(reg) bp,
            options(nomem, nostack, preserves_flags),
        );
    }
    let bounds = BOUNDS.get();
    if !(bounds.low..bounds.high).contains(&sp) {
        return None;
    }
    let mut frame = Frame { address: at + 1, sp, bp };
    let (mut len, mut exact) = (0, true);
    let truncated = loop {
        match outer(&frame, bounds.high, &mut exact) {
            Outer::Nothing => break false,
            Outer::Unknown => break true,
            Outer::Frame(_) if len == MOST => break true,
            Outer::Frame(found) => {
                room[len] = found.address;
                len += 1;
                frame = found;
            }
        }
    };
    (len > 0).then_some((&room[..len], truncated))
}

/// Finds the frame around another; `exact` says that its address need not be one that a call returns to, and whether that is
/// so of the one found.
fn outer(frame: &Frame, high: u64, exact: &mut bool) -> Outer {
    let rule = rules::of(frame.address, *exact);
    *exact = false;
    match rule {
        None => Outer::Unknown,
        Some(Rule::Outermost) => Outer::Nothing,
        Some(Rule::Signal) => {
            *exact = true;
            interrupted(frame, high).map_or(Outer::Unknown, Outer::Frame)
        }
        Some(Rule::Call { base, size, saved_bp }) => {
            match called(frame, high, (base, size, saved_bp)) {
                // So it is where assembly begins a thread.
                Some(Frame { address: 0, .. }) => Outer::Nothing,
                Some(found) => Outer::Frame(found),
                None => Outer::Unknown,
            }
        }
    }
}

/// The frame of the caller.
fn called(frame: &Frame, high: u64, (base, size, saved_bp): (Base, u64, u64)) -> Option<Frame> {
    let base = match base {
        Base::Stack => frame.sp,
        Base::Frame => frame.bp,
    };
    let end = base.checked_add(size).filter(|end| *end > frame.sp && *end <= high)?;
    let within = |address: u64| (address >= frame.sp).then(|| read(address, high))?;
    let bp = match saved_bp {
        0 => frame.bp,
        below => within(end.checked_sub(below)?)?,
    };
    Some(Frame { address: within(end - 8)?, sp: end, bp })
}

/// The frame that a signal interrupted: what the system saved of its registers lies at the stack pointer, as `ucontext_t`.
fn interrupted(frame: &Frame, high: u64) -> Option<Frame> {
    let register = |number: i32| {
        let registers = core::mem::offset_of!(libc::ucontext_t, uc_mcontext);
        read(frame.sp + registers as u64 + 8 * number as u64, high)
    };
    let sp = register(libc::REG_RSP).filter(|sp| *sp > frame.sp && *sp <= high)?;
    // It had not got further: so the byte before the address is one of the instruction it is at.
    let address = register(libc::REG_RIP)?.checked_add(1)?;
    Some(Frame { address, sp, bp: register(libc::REG_RBP)? })
}

/// Reads a word of the stack below `high`; the address is not below the stack pointer.
fn read(address: u64, high: u64) -> Option<u64> {
    if !address.is_multiple_of(8) || address.checked_add(8)? > high {
        return None;
    }
    let word = with_exposed_provenance::<u64>(address as usize);
    // SAFETY: it is aligned, and lies in this thread's stack, above the frame of `take`, which is mapped as long as the thread
    // runs. Whatever lies there, only this thread writes to it.
    Some(unsafe { word.read_volatile() })
}
