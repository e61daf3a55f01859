//! Files of machine code in this process: where each lies, and where its tables for unwinding are.
//!
//! The drain asks the loader for them, whose lock a thread within its allocator must not take. What a plugin that was loaded
//! just now calls is thus unknown until the drain has looked again, for which it is woken.

use super::rules;
use crate::on::session;
use core::ffi::{CStr, c_int, c_void};
use core::ptr::{null_mut, with_exposed_provenance};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use gimli::{BaseAddresses, EhFrameHdr, LittleEndian, Pointer};
use memscope_format::defs::ModuleDef;

/// How often at most the loaded files are looked at anew: who walks a stack may still have the last list, so none is ever freed.
const MOST_LISTS: usize = 1024;

/// Memory of a loaded file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes {
    addr: usize,
    len: usize,
}

impl Bytes {
    const NONE: Self = Self { addr: 0, len: 0 };

    pub(super) const fn addr(self) -> usize {
        self.addr
    }

    /// What it holds. The file must not have been unloaded: see [`code_at`].
    pub(super) fn bytes(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: the loader said that the file has this in a readable segment, which nobody writes to; the file is there as
        // long as a thread is in its code, and nobody asks for that of another file.
        unsafe { core::slice::from_raw_parts(with_exposed_provenance(self.addr), self.len) }
    }
}

/// A segment of code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code {
    pub(super) start: u64,
    end: u64,
    /// Whether it can be read, and not only run.
    readable: bool,
    /// The index of the file's tables for unwinding, `.eh_frame_hdr`.
    pub(super) index: Bytes,
    /// These tables, `.eh_frame`, and what follows them in their segment.
    pub(super) tables: Bytes,
}

impl Code {
    /// The byte of the code at an address.
    pub(super) fn byte(&self, address: u64) -> Option<u8> {
        let lies_in = self.readable && (self.start..self.end).contains(&address);
        // SAFETY: it lies in a segment that is mapped to be read, as of `Bytes::bytes`.
        lies_in.then(|| unsafe { with_exposed_provenance::<u8>(address as usize).read() })
    }
}

/// The segments of code of all files, by address. Never freed.
static LIST: AtomicPtr<Vec<Code>> = AtomicPtr::new(null_mut());

/// How many lists there were, in all sessions.
static LISTS: AtomicUsize = AtomicUsize::new(0);

/// How many files had been loaded and unloaded when the last list was made.
static LISTED: [AtomicU64; 2] = [const { AtomicU64::new(u64::MAX) }; 2];

/// Whether an address was in no file that is known.
static MISSED: AtomicBool = AtomicBool::new(false);

/// Whether an address was in none since the last look.
pub(in crate::on) fn is_missing() -> bool {
    MISSED.load(Ordering::Relaxed)
}

/// Finds the code that an instruction is in.
pub(super) fn code_at(address: u64) -> Option<&'static Code> {
    // SAFETY: null, or a leaked box.
    let list = unsafe { LIST.load(Ordering::Acquire).as_ref() }?;
    let place = list.partition_point(|code| code.end <= address);
    let known = list.get(place).filter(|code| code.start <= address);
    let code = known.filter(|code| finder::confirms(address, code.index.addr));
    if code.is_none() && !MISSED.swap(true, Ordering::Relaxed) {
        session::wake_drain();
    }
    code
}

/// The loader's own answer to which file an address is in, which takes no lock: from glibc 2.35 on.
mod finder {
    use super::{AtomicPtr, Ordering, c_int, c_void, null_mut};

    /// `struct dl_find_object` of `<dlfcn.h>`, as on x86-64.
    #[repr(C)]
    struct Found {
        flags: u64,
        map_start: *mut c_void,
        map_end: *mut c_void,
        link_map: *mut c_void,
        eh_frame: *mut c_void,
        reserved: [u64; 7],
    }

    static FIND: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

    /// Looks for it.
    pub(super) fn prepare() {
        // SAFETY: the name ends with a zero byte.
        let find = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
        FIND.store(find, Ordering::Relaxed);
    }

    /// Whether an address is in the file with this index of tables. Where that cannot be asked, what is read of a file may be gone,
    /// unless the C library never unloads one, as musl does not: then there are no stacks.
    pub(super) fn confirms(address: u64, index: usize) -> bool {
        let find = FIND.load(Ordering::Relaxed);
        if find.is_null() {
            return cfg!(target_env = "musl");
        }
        // SAFETY: a function of that name is glibc's, which has this type.
        let find: unsafe extern "C" fn(*mut c_void, *mut Found) -> c_int =
            unsafe { core::mem::transmute(find) };
        let mut found = core::mem::MaybeUninit::<Found>::zeroed();
        let address = core::ptr::without_provenance_mut(address as usize);
        // SAFETY: the first is but compared, the second is room for what it writes; all zeros are a value of it.
        unsafe {
            find(address, found.as_mut_ptr()) == 0 && found.assume_init().eh_frame.addr() == index
        }
    }
}

/// Which files a capture defines.
#[derive(Debug, Default)]
pub(in crate::on) struct Known {
    /// How many files were loaded and unloaded so far.
    changes: Option<(u64, u64)>,
    defs: Vec<ModuleDef>,
}

impl Known {
    /// Looks whether files were loaded or unloaded; returns those that are new.
    pub(in crate::on) fn learn(&mut self) -> Vec<ModuleDef> {
        MISSED.store(false, Ordering::Relaxed);
        let mut seen = Seen { known: self.changes, ..Seen::default() };
        // SAFETY: the callback has the type asked for, and gets what it is told.
        unsafe { libc::dl_iterate_phdr(Some(see), (&raw mut seen).cast()) };
        let Some((loaded, unloaded)) = seen.now.filter(|_| seen.now != self.changes) else {
            return Vec::new();
        };
        self.changes = seen.now;
        list(seen.codes, [loaded, unloaded]);
        let known = self.defs.len();
        for module in seen.modules {
            let same = |known: &ModuleDef| *known == ModuleDef { id: known.id, ..module.clone() };
            if !self.defs.iter().any(same) {
                let id = u32::try_from(self.defs.len() + 1).unwrap_or(u32::MAX);
                self.defs.push(ModuleDef { id, ..module });
            }
        }
        self.defs[known..].to_vec()
    }
}

/// Makes it known to those who walk, unless an earlier session did.
fn list(mut codes: Vec<Code>, changes: [u64; 2]) {
    let before = [&LISTED[0], &LISTED[1]].map(|count| count.load(Ordering::Relaxed));
    if before == changes || LISTS.load(Ordering::Relaxed) == MOST_LISTS {
        return;
    }
    LISTS.fetch_add(1, Ordering::Relaxed);
    finder::prepare();
    codes.sort_by_key(|code| code.start);
    LIST.store(Box::into_raw(Box::new(codes)), Ordering::Release);
    if before[1] != changes[1] {
        rules::forget();
    }
    LISTED.iter().zip(changes).for_each(|(count, now)| count.store(now, Ordering::Relaxed));
}

/// What the loader told.
#[derive(Default)]
struct Seen {
    known: Option<(u64, u64)>,
    now: Option<(u64, u64)>,
    codes: Vec<Code>,
    modules: Vec<ModuleDef>,
}

/// Notes a file that is loaded; ends at the first if nothing has changed.
unsafe extern "C" fn see(info: *mut libc::dl_phdr_info, _: usize, seen: *mut c_void) -> c_int {
    // SAFETY: the loader gives the first, and hands on the second, which `Known::learn` gave it.
    let (info, seen) = unsafe { (&*info, &mut *seen.cast::<Seen>()) };
    seen.now = Some((info.dlpi_adds, info.dlpi_subs));
    if seen.now == seen.known {
        return 1;
    }
    if info.dlpi_phnum == 0 {
        return 0;
    }
    // SAFETY: so many headers of segments lie there.
    let segments =
        unsafe { core::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let file = File { bias: info.dlpi_addr, segments };
    let is_first = seen.modules.is_empty();
    seen.codes.extend(file.codes());
    // SAFETY: null, or the name, which ends with a zero byte.
    let name = (!info.dlpi_name.is_null()).then(|| unsafe { CStr::from_ptr(info.dlpi_name) });
    seen.modules.extend(file.module(name.unwrap_or_default(), is_first));
    0
}

/// A loaded file.
struct File<'a> {
    bias: u64,
    segments: &'a [libc::Elf64_Phdr],
}

impl File<'_> {
    fn of_type(&self, wanted: u32) -> impl Iterator<Item = &libc::Elf64_Phdr> {
        self.segments.iter().filter(move |segment| segment.p_type == wanted)
    }

    fn start(&self, segment: &libc::Elf64_Phdr) -> u64 {
        self.bias.wrapping_add(segment.p_vaddr)
    }

    /// What of a readable segment lies from an address on, `len` bytes or as many as there are.
    fn bytes(&self, address: u64, len: u64) -> Bytes {
        let within = |segment: &&libc::Elf64_Phdr| {
            let start = self.start(segment);
            segment.p_flags & libc::PF_R != 0 && (start..start + segment.p_memsz).contains(&address)
        };
        self.of_type(libc::PT_LOAD).find(within).map_or(Bytes::NONE, |segment| {
            let rest = self.start(segment) + segment.p_memsz - address;
            Bytes { addr: address as usize, len: rest.min(len) as usize }
        })
    }

    fn codes(&self) -> impl Iterator<Item = Code> {
        let (index, tables) = self.tables().unwrap_or((Bytes::NONE, Bytes::NONE));
        self.executable().map(move |segment| {
            let start = self.start(segment);
            let readable = segment.p_flags & libc::PF_R != 0;
            Code { start, end: start + segment.p_memsz, readable, index, tables }
        })
    }

    fn executable(&self) -> impl Iterator<Item = &libc::Elf64_Phdr> {
        self.of_type(libc::PT_LOAD).filter(|segment| segment.p_flags & libc::PF_X != 0)
    }

    /// The tables for unwinding: their index, and they themselves.
    fn tables(&self) -> Option<(Bytes, Bytes)> {
        let index = self.of_type(libc::PT_GNU_EH_FRAME).next()?;
        let index = self.bytes(self.start(index), index.p_memsz);
        let bases = BaseAddresses::default().set_eh_frame_hdr(index.addr as u64);
        let parsed = EhFrameHdr::new(index.bytes(), LittleEndian).parse(&bases, 8).ok()?;
        match parsed.eh_frame_ptr() {
            Pointer::Direct(tables) => Some((index, self.bytes(tables, u64::MAX))),
            Pointer::Indirect(_) => None,
        }
    }

    /// What captures say of it; nothing, if it has no code.
    fn module(&self, name: &CStr, is_first: bool) -> Option<ModuleDef> {
        let start = self.executable().map(|segment| self.start(segment)).min()?;
        let end = self.executable().map(|segment| self.start(segment) + segment.p_memsz).max()?;
        let path = match name.to_bytes() {
            // That is the program itself.
            [] if is_first => std::env::current_exe().unwrap_or_default(),
            name => {
                let name = std::path::PathBuf::from(String::from_utf8_lossy(name).into_owned());
                // The kernel's own has no file, but a name alone.
                let is_path = name.components().count() > 1;
                if is_path { std::path::absolute(&name).unwrap_or(name) } else { name }
            }
        };
        let path = path.to_string_lossy().into_owned();
        Some(ModuleDef { id: 0, path, build_id: self.build_id(), start, end, bias: self.bias })
    }

    /// The linker's id of the file, in hexadecimal.
    fn build_id(&self) -> Option<String> {
        let notes = self.of_type(libc::PT_NOTE);
        let notes = notes.map(|segment| self.bytes(self.start(segment), segment.p_memsz));
        notes.into_iter().find_map(|notes| build_id(notes.bytes()))
    }
}

/// The build id among notes: each is three numbers of four bytes, the lengths of name and content and what it is, then name and
/// content, each padded to a multiple of four.
fn build_id(mut notes: &[u8]) -> Option<String> {
    const BUILD_ID: u32 = 3;
    loop {
        let (head, rest) = notes.split_at_checked(12)?;
        let number =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (name_len, len) = (number(0) as usize, number(4) as usize);
        let (name, rest) = rest.split_at_checked(name_len.next_multiple_of(4))?;
        let content = rest.get(..len)?;
        if number(8) == BUILD_ID && name.starts_with(b"GNU\0") {
            return Some(content.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        notes = rest.get(len.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_gone_through() {
        let note = |kind: u32, name: &[u8], content: &[u8]| {
            let mut note = Vec::new();
            for number in [name.len() as u32, content.len() as u32, kind] {
                note.extend(number.to_le_bytes());
            }
            for part in [name, content] {
                note.extend(part);
                note.resize(note.len().next_multiple_of(4), 0);
            }
            note
        };
        let other = note(5, b"GNU\0", &[1; 16]);
        let stranger = note(3, b"Go\0\0", &[2; 6]);
        let id = note(3, b"GNU\0", &[0xAB, 0x01, 0xFF]);
        let notes = [other.clone(), stranger.clone(), id].concat();
        assert_eq!(build_id(&notes).as_deref(), Some("ab01ff"));
        assert_eq!(build_id(&[other, stranger].concat()), None);
        for cut in 0..notes.len() - 1 {
            assert_eq!(build_id(&notes[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn the_program_and_what_it_is_linked_to_are_known() {
        let mut known = Known::default();
        let modules = known.learn();
        assert_eq!(known.learn(), []);
        let exe = std::env::current_exe().unwrap();
        assert_eq!(modules[0].path, exe.to_str().unwrap());
        let function = build_id as *const () as u64;
        assert!((modules[0].start..modules[0].end).contains(&function));
        assert!(modules.iter().any(|module| module.path.contains("libc.so")), "{modules:?}");
        let code = code_at(function).unwrap();
        assert!(code.index.len > 0 && code.tables.len > code.index.len);
        // A variable is in no code.
        assert!(code_at(core::ptr::from_ref(&modules).addr() as u64).is_none());
    }
}
