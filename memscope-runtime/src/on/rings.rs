//! The rings file: memory that outlives the process.
//!
//! A ring is shared file memory, so what a thread wrote is in the page cache the moment it is written: a process
//! that is killed loses nothing. The layout is [`memscope_format::raw`]'s.

use super::own_file::OwnFile;
use super::signals::unsignalled;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU64, Ordering};
use memmap2::{MmapMut, MmapOptions};
use memscope_format::ClockReading;
use memscope_format::raw::{
    RING_HEADER_LEN, RINGS_HEADER_LEN, RINGS_MAGIC, RINGS_VERSION, RingHeader, RingsHeader,
    SLOT_LEN, Slot, ring_offset,
};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A slot as threads share it: [`Slot`] with atomic words.
#[derive(Debug)]
#[repr(C, align(32))]
pub(super) struct SharedSlot {
    pub(super) w0: AtomicU64,
    pub(super) header: AtomicU64,
    pub(super) p0: AtomicU64,
    pub(super) p1: AtomicU64,
}

impl SharedSlot {
    /// Reads the slot as it is. The header is read first: its mark says that the other words were there before.
    #[inline(always)]
    pub(super) fn load(&self) -> Slot {
        let header = self.header.load(Ordering::Acquire);
        Slot {
            w0: self.w0.load(Ordering::Relaxed),
            header,
            p0: self.p0.load(Ordering::Relaxed),
            p1: self.p1.load(Ordering::Relaxed),
        }
    }
}

const _: () = assert!(size_of::<SharedSlot>() == SLOT_LEN && size_of::<Slot>() == SLOT_LEN);

/// The mapped memory of one ring: its header and its slots. Mapped until the recorder that writes to it gets another one,
/// since a thread may write at any time until then.
#[derive(Debug, Clone, Copy)]
pub(super) struct RingMemory {
    /// One word, so that a signal handler sees one header or another while it is replaced.
    base: &'static [AtomicU64; RING_HEADER_LEN / 8],
    pub(super) slots: &'static [SharedSlot],
    /// A leaked box.
    mapping: *mut MmapMut,
}

impl RingMemory {
    fn map(file: &File, ring: u64, capacity: u64) -> io::Result<Self> {
        let slots = to_usize(capacity)?;
        let len = RING_HEADER_LEN + slots * SLOT_LEN;
        let mapping = Box::into_raw(Box::new(map(file, ring_offset(ring, capacity), len)?));
        // SAFETY: a box that was leaked above, and that nothing else refers to yet.
        let memory = unsafe { &mut (&mut *mapping)[..] };
        for page in memory.chunks_mut(PAGE) {
            // Writing to each page now spares the first events a page fault each.
            page[0] = 0;
        }
        let (header, rest) = memory.split_at_mut(RING_HEADER_LEN);
        let (header, rest) = (header.as_mut_ptr(), rest.as_mut_ptr());
        // SAFETY: the mapping starts at a page (or, where pages are larger, at an offset that is a multiple of
        // 4096), so both parts are aligned; `SharedSlot` and `AtomicU64` are made of plain integers, for which all
        // bytes are valid; the exclusive borrow ends here, so that all access is by atomics from now on; and the mapping stays
        // until `unmap`.
        unsafe {
            Ok(Self {
                base: &*header.cast(),
                slots: core::slice::from_raw_parts(rest.cast(), slots),
                mapping,
            })
        }
    }

    /// One that no file has.
    #[cfg(test)]
    pub(super) fn of_no_file(slots: usize) -> Self {
        let zero = || AtomicU64::new(0);
        let slot = || SharedSlot { w0: zero(), header: zero(), p0: zero(), p1: zero() };
        let base: Box<[AtomicU64; RING_HEADER_LEN / 8]> =
            Box::new(core::array::from_fn(|_| zero()));
        let slots: Vec<SharedSlot> = (0..slots).map(|_| slot()).collect();
        Self { base: Box::leak(base), slots: slots.leak(), mapping: core::ptr::null_mut() }
    }

    /// Gives the memory back.
    ///
    /// # Safety
    ///
    /// Nothing may use it, or a copy of it, from now on.
    pub(super) unsafe fn unmap(self) {
        // SAFETY: it was made by `map`, and the caller promises that this is the last use.
        drop(unsafe { Box::from_raw(self.mapping) });
    }

    /// Says whose events the ring holds from now on, in the file as well.
    pub(super) fn set_thread(&self, thread: u32) {
        // The upper half of the word is the header's reserved field, which is 0.
        self.base[offset_of!(RingHeader, thread) / 8].store(thread.into(), Ordering::Release);
    }

    /// Says up to which position the capture holds the events.
    pub(super) fn set_drained(&self, position: u64) {
        self.base[offset_of!(RingHeader, drained) / 8].store(position, Ordering::Release);
    }

    /// Says at which position the ring begins: nothing is drained yet.
    fn set_start(&self, position: u64) {
        self.base[offset_of!(RingHeader, start) / 8].store(position, Ordering::Release);
        self.set_drained(position);
    }

    /// Counts events that found no room.
    pub(super) fn add_lost(&self, events: u64) {
        self.base[offset_of!(RingHeader, lost) / 8].fetch_add(events, Ordering::Relaxed);
    }

    /// Events that found no room.
    pub(super) fn lost(&self) -> u64 {
        self.base[offset_of!(RingHeader, lost) / 8].load(Ordering::Relaxed)
    }
}

const PAGE: usize = 4096;

/// The rings file of a session.
#[derive(Debug)]
pub(super) struct RingsFile {
    file: OwnFile,
    is_locked: bool,
    /// Slots of a ring.
    pub(super) capacity: u64,
    rings: u64,
    header: &'static [AtomicU64],
}

impl RingsFile {
    /// Makes the file beside the capture, without rings, and locks it: the lock ends with the process.
    pub(super) fn create(path: PathBuf, file_id: [u8; 16], capacity: u64) -> io::Result<Self> {
        let mut file = OwnFile::create(&path, path.clone())?;
        let memory = file.get().and_then(|file| Self::begin(file, capacity)).inspect_err(|_| {
            // What was reserved of it is room that others need.
            let _ = std::fs::remove_file(&path);
        })?;
        // SAFETY: page-aligned, plain integers, and only used through atomics from now on; see `RingMemory::map`.
        let header: &'static [AtomicU64] = unsafe {
            core::slice::from_raw_parts(memory.as_mut_ptr().cast(), RINGS_HEADER_LEN / 8)
        };
        let set = |offset: usize, value: u64| header[offset / 8].store(value, Ordering::Release);
        let pid = std::process::id();
        set(offset_of!(RingsHeader, version), u64::from(RINGS_VERSION) | u64::from(pid) << 32);
        let (low, high) = file_id.split_at(8);
        for (i, half) in [low, high].into_iter().enumerate() {
            let word = half.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            set(offset_of!(RingsHeader, file_id) + 8 * i, word);
        }
        set(offset_of!(RingsHeader, capacity), capacity);
        set(offset_of!(RingsHeader, magic), u64::from_le_bytes(RINGS_MAGIC));
        Ok(Self { file, is_locked: true, capacity, rings: 0, header })
    }

    /// Locks the file, reserves its beginning and maps its header.
    fn begin(file: &File, capacity: u64) -> io::Result<&'static mut [u8]> {
        file.lock()?;
        // With the first ring, so that a disk that has no room for one is found full now, when there is another way.
        reserve(file, 0, ring_offset(1, capacity))?;
        Ok(leak(map(file, 0, RINGS_HEADER_LEN)?))
    }

    /// Adds a ring and maps it. Its space is reserved first: writing to a mapped page that the disk has no room
    /// for would be a SIGBUS.
    pub(super) fn add_ring(&mut self, start: u64) -> io::Result<(u16, RingMemory)> {
        // The last number stands for values that are left out of sampling.
        let ring = u16::try_from(self.rings).ok().filter(|ring| *ring != u16::MAX);
        let ring = ring.ok_or_else(|| io::Error::other("65535 threads record at once already"))?;
        let offset = ring_offset(self.rings, self.capacity);
        self.stay_locked();
        let file = self.file.get()?;
        reserve(file, offset, ring_offset(1, self.capacity) - RINGS_HEADER_LEN as u64)?;
        let memory = RingMemory::map(file, self.rings, self.capacity)?;
        memory.set_start(start);
        self.rings += 1;
        self.header[offset_of!(RingsHeader, rings) / 8].store(self.rings, Ordering::Release);
        Ok((ring, memory))
    }

    /// Locks the file again if the program has closed it: without a lock it looks as if the process were dead.
    pub(super) fn stay_locked(&mut self) {
        if matches!(self.file.open_again(), Ok(true)) {
            self.is_locked = false;
        }
        if !self.is_locked {
            // If somebody is looking just now whether it is locked, it is tried again.
            self.is_locked = self.file.get().is_ok_and(|file| file.try_lock().is_ok());
        }
    }

    /// Leaves a clock reading for those who open the capture of a process that died: it scales the last events.
    pub(super) fn set_clock(&self, reading: ClockReading) {
        let words = [offset_of!(RingsHeader, clock_ns), offset_of!(RingsHeader, clock_ticks)];
        let [ns, ticks] = words.map(|offset| &self.header[offset / 8]);
        ns.store(0, Ordering::Release);
        ticks.store(reading.ticks, Ordering::Release);
        ns.store(reading.mono_ns, Ordering::Release);
    }

    /// The place in the file's header that counts events lost for want of a ring.
    pub(super) fn lost_counter(&self) -> &'static AtomicU64 {
        &self.header[offset_of!(RingsHeader, lost) / 8]
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Removes the file, unless that is done: everything it held is in the capture.
    pub(super) fn remove(&self) -> io::Result<()> {
        match std::fs::remove_file(self.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

fn to_usize(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(io::Error::other)
}

/// Gives the file blocks for these bytes.
fn reserve(file: &File, offset: u64, len: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        let (offset, len) = (
            libc::off_t::try_from(offset).map_err(io::Error::other)?,
            libc::off_t::try_from(len).map_err(io::Error::other)?,
        );
        loop {
            // SAFETY: the descriptor is open while `file` is borrowed; the call touches no memory of ours.
            let reserved =
                unsignalled(|| unsafe { libc::posix_fallocate(file.as_raw_fd(), offset, len) });
            match reserved {
                0 => return Ok(()),
                libc::EINTR => {}
                error => return Err(io::Error::from_raw_os_error(error)),
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        use std::io::{Seek, SeekFrom, Write};
        // Without a call that reserves, writing zeros makes the blocks exist.
        let mut file = file;
        file.seek(SeekFrom::Start(offset))?;
        unsignalled(|| io::copy(&mut io::Read::take(io::repeat(0), len), &mut file))?;
        file.flush()
    }
}

fn map(file: &File, offset: u64, len: usize) -> io::Result<MmapMut> {
    // SAFETY: the file is this session's alone: made by `create_new`, locked, and never truncated.
    unsafe { MmapOptions::new().offset(offset).len(len).map_mut(file) }
}

/// Keeps a mapping for the rest of the process: threads write to it until the very end.
fn leak(map: MmapMut) -> &'static mut [u8] {
    let mut map = core::mem::ManuallyDrop::new(map);
    let (start, len) = (map.as_mut_ptr(), map.len());
    // SAFETY: the mapping is never dropped, and nothing else knows of it.
    unsafe { core::slice::from_raw_parts_mut(start, len) }
}
