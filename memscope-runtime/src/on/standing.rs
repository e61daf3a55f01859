//! Where a thread stands: which site is being initialised on it, or runs, so that blocks of the heap belong to it.
//!
//! Functions note it always, since they have the recorder at hand. Variables do so only where blocks are told of.

use super::recorder::{self, Recorder};
use super::site::Site;
use core::sync::atomic::{AtomicBool, Ordering};

/// Whether blocks are told of, so that it matters where threads stand.
static MATTERS: AtomicBool = AtomicBool::new(false);

/// Says that it matters where threads stand.
pub(super) fn matters() {
    MATTERS.store(true, Ordering::Relaxed);
}

/// What is put in the place of the site around where nothing was noted.
const NOTHING: u32 = u32::MAX;

/// The time in which a variable is initialised.
#[derive(Debug)]
pub(super) struct Initialising {
    /// The site around it.
    outer: u32,
}

impl Initialising {
    /// Begins it.
    #[inline(always)]
    pub(super) fn begin(site: &'static Site) -> Self {
        if !MATTERS.load(Ordering::Relaxed) {
            return Self { outer: NOTHING };
        }
        Self { outer: enter(site) }
    }

    /// Ends it; again, it does nothing.
    #[inline(always)]
    pub(super) fn end(&mut self, site: &'static Site) {
        if self.outer != NOTHING {
            leave(site, self.outer);
            self.outer = NOTHING;
        }
    }
}

#[inline(never)]
fn enter(site: &'static Site) -> u32 {
    // The first hook of all starts the recording, which gives the site its id.
    recorder::with(|recorder| stand_at(recorder, site)).unwrap_or(NOTHING)
}

/// Where the thread does not stand there any more, as in a future that another poll went on with, or that was dropped between
/// two of them, there is nothing to go back from.
#[inline(never)]
fn leave(site: &'static Site, outer: u32) {
    if let Some(recorder) = recorder::current()
        && recorder.at() == id(site)
    {
        recorder.stand_at(outer);
    }
}

/// Notes that a thread stands at a site; returns where it stood before.
#[inline(always)]
pub(super) fn stand_at(recorder: &Recorder, site: &'static Site) -> u32 {
    recorder.stand_at(id(site))
}

#[inline(always)]
fn id(site: &'static Site) -> u32 {
    site.id.load(Ordering::Relaxed)
}
