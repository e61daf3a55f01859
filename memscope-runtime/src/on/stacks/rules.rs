//! How to get from a call to its caller: what the tables for unwinding say of an address.

use super::modules::{self, Code};
use core::sync::atomic::{AtomicU64, Ordering};
use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EhFrameOffset, EndianSlice, LittleEndian, Pointer,
    Register, RegisterRule, UnwindContext, UnwindContextStorage, UnwindSection, UnwindTableRow,
    X86_64,
};

/// From where a frame's end is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// The stack pointer.
    Stack,
    /// The frame pointer.
    Frame,
}

/// Where the caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The frame ends `size` bytes above the base, with the address to return to; so many bytes below its end lies the caller's
    /// frame pointer, 0 if the register still has it.
    Call { base: Base, size: u64, saved_bp: u64 },
    /// There is no caller: a thread began here.
    Outermost,
    /// It was no call but a signal.
    Signal,
}

/// What was found before, by address: a word each, so that no thread sees half of one.
static FOUND: [AtomicU64; 1 << PLACE_BITS] = [const { AtomicU64::new(0) }; 1 << PLACE_BITS];

const PLACE_BITS: u32 = 13;
/// Addresses of programs are below 2^47.
const ADDRESS_BITS: u32 = 47;
/// Bits of an address that its place does not tell.
const TAG_BITS: u32 = ADDRESS_BITS - PLACE_BITS;
const SIZE_BITS: u32 = 16;
const SAVED_BITS: u32 = 12;

/// Finds the rule of the call that returns to an address, or, if `exact`, is interrupted directly before it. `None` if there is
/// none, or none that is understood, or no call before it.
pub(super) fn of(address: u64, exact: bool) -> Option<Rule> {
    if address >> ADDRESS_BITS != 0 {
        return None;
    }
    // An odd factor: no two addresses have the same product.
    let product = address.wrapping_mul(0x9E37_79B9_7F4A_7C15) & ((1 << ADDRESS_BITS) - 1);
    let (place, tag) = (product >> TAG_BITS, product & ((1 << TAG_BITS) - 1));
    let place = &FOUND[place as usize];
    let found = place.load(Ordering::Relaxed);
    if found & ((1 << TAG_BITS) - 1) == tag
        && let Some(rule) = unpack(found >> TAG_BITS)
    {
        return Some(rule);
    }
    let rule = look_up(address, exact)?;
    if let Some(packed) = pack(rule) {
        place.store(tag | packed << TAG_BITS, Ordering::Relaxed);
    }
    Some(rule)
}

/// Forgets all rules: files of code were unloaded.
pub(super) fn forget() {
    FOUND.iter().for_each(|place| place.store(0, Ordering::Relaxed));
}

const fn pack(rule: Rule) -> Option<u64> {
    Some(match rule {
        Rule::Call { base, size, saved_bp } => {
            let (size, saved) = (size / 8, saved_bp / 8);
            if size >> SIZE_BITS != 0 || saved >> SAVED_BITS != 0 {
                return None;
            }
            let kind = match base {
                Base::Stack => 1,
                Base::Frame => 2,
            };
            kind | size << 2 | saved << (2 + SIZE_BITS)
        }
        Rule::Outermost => 3,
        Rule::Signal => 3 | 1 << 2,
    })
}

const fn unpack(packed: u64) -> Option<Rule> {
    let size = (packed >> 2 & ((1 << SIZE_BITS) - 1)) * 8;
    let base = match packed & 3 {
        0 => return None,
        1 => Base::Stack,
        2 => Base::Frame,
        _ if size == 0 => return Some(Rule::Outermost),
        _ => return Some(Rule::Signal),
    };
    Some(Rule::Call { base, size, saved_bp: (packed >> (2 + SIZE_BITS)) * 8 })
}

fn look_up(address: u64, exact: bool) -> Option<Rule> {
    let at = address.checked_sub(1)?;
    let code = modules::code_at(at)?;
    let rule = in_tables(code, at)?;
    let is_call = exact || rule == Rule::Signal || is_behind_call(code, address);
    is_call.then_some(rule)
}

/// Whether the instruction before an address may be a call: of a word on the stack that is none, that ends the walk.
fn is_behind_call(code: &Code, address: u64) -> bool {
    let byte = |back: u64| code.byte(address.wrapping_sub(back));
    // E8 and four bytes; or FF with 2 in the middle bits of the second byte, and what its other bits ask for.
    byte(5) == Some(0xE8)
        || [2, 3, 4, 6, 7].into_iter().any(|length| {
            byte(length) == Some(0xFF) && byte(length - 1).is_some_and(|mode| mode >> 3 & 7 == 2)
        })
}

/// Rows of a table, without the heap.
struct OnStack;

impl UnwindContextStorage<usize> for OnStack {
    type Rules = [(Register, RegisterRule<usize>); 24];
    type Stack = [UnwindTableRow<usize, Self>; 4];
}

/// Reads the rule of an instruction. Allocates nothing, and takes no lock.
fn in_tables(code: &Code, at: u64) -> Option<Rule> {
    let bases = BaseAddresses::default()
        .set_eh_frame_hdr(code.index.addr() as u64)
        .set_eh_frame(code.tables.addr() as u64)
        .set_text(code.start);
    let index = EhFrameHdr::new(code.index.bytes(), LittleEndian).parse(&bases, 8).ok()?;
    let Pointer::Direct(found) = index.table()?.lookup(at, &bases).ok()? else { return None };
    let offset = found.checked_sub(code.tables.addr() as u64)?;
    let tables: EhFrame<EndianSlice<'_, _>> = EhFrame::new(code.tables.bytes(), LittleEndian);
    let offset = EhFrameOffset(usize::try_from(offset).ok()?);
    let function = tables.fde_from_offset(&bases, offset, EhFrame::cie_from_offset).ok()?;
    if !function.contains(at) {
        return None;
    }
    if function.is_signal_trampoline() {
        return Some(Rule::Signal);
    }
    let mut context = UnwindContext::<usize, OnStack>::new_in();
    let row = function.unwind_info_for_address(&tables, &bases, &mut context, at).ok()?;
    match row.register(X86_64::RA) {
        Some(RegisterRule::Undefined) => return Some(Rule::Outermost),
        Some(RegisterRule::Offset(-8)) => {}
        _ => return None,
    }
    let saved_bp = match row.register(X86_64::RBP) {
        None | Some(RegisterRule::SameValue) => 0,
        Some(RegisterRule::Offset(offset @ ..=-16)) => offset.unsigned_abs(),
        _ => return None,
    };
    let (base, size) = match *row.cfa() {
        CfaRule::RegisterAndOffset { register: X86_64::RSP, offset } => (Base::Stack, offset),
        CfaRule::RegisterAndOffset { register: X86_64::RBP, offset } => (Base::Frame, offset),
        _ => return None,
    };
    let size = u64::try_from(size).ok().filter(|size| size.is_multiple_of(8))?;
    saved_bp.is_multiple_of(8).then_some(Rule::Call { base, size, saved_bp })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_packed_and_unpacked_or_not_kept() {
        for base in [Base::Stack, Base::Frame] {
            for size in [8, 16, 4096, 0x7_FFF8] {
                for saved_bp in [0, 16, 56, 0x7FF8] {
                    let rule = Rule::Call { base, size, saved_bp };
                    let packed = pack(rule).unwrap();
                    assert!(packed >> (64 - TAG_BITS) == 0);
                    assert_eq!(unpack(packed), Some(rule));
                }
            }
            assert_eq!(pack(Rule::Call { base, size: 0x8_0000, saved_bp: 0 }), None);
            assert_eq!(pack(Rule::Call { base, size: 8, saved_bp: 0x8000 }), None);
        }
        for rule in [Rule::Outermost, Rule::Signal] {
            assert_eq!(unpack(pack(rule).unwrap()), Some(rule));
        }
        assert_eq!(unpack(0), None);
    }
}
