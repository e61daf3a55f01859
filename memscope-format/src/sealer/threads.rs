//! Threads that seal chunks, and give them back in the order in which they got them.

use super::AnyChunk;
use crate::chunk::Sealed;
use crate::codec::Compressor;
use crate::compression::Compression;
use crate::error::Error;
use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Chunks that are given to threads, for each of them: one that it seals, one for when it is done.
const AHEAD: usize = 2;

pub(super) struct Threads {
    /// `None` while this is dropped.
    jobs: Option<Sender<Job>>,
    /// What the threads will say of the chunks that they were given, oldest first.
    given: VecDeque<Receiver<Done>>,
    most: usize,
    /// Chunks without rows, to be used again.
    spare: Vec<Box<dyn AnyChunk>>,
    threads: Vec<JoinHandle<()>>,
}

struct Job {
    chunk: Box<dyn AnyChunk>,
    done: SyncSender<Done>,
}

struct Done {
    frame: Option<Sealed>,
    chunk: Box<dyn AnyChunk>,
}

impl Threads {
    pub(super) fn start(compression: Compression, count: NonZeroUsize) -> io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let mut started = Self {
            jobs: Some(jobs),
            given: VecDeque::new(),
            most: count.get().saturating_mul(AHEAD),
            spare: Vec::new(),
            threads: Vec::new(),
        };
        for _ in 0..count.get() {
            let queue = Arc::clone(&queue);
            let builder = thread::Builder::new().name("memscope-seal".to_owned());
            started.threads.push(builder.spawn(move || work(&queue, compression))?);
        }
        Ok(started)
    }

    /// An empty chunk of the same stream.
    pub(super) fn spare(&mut self, like: &dyn AnyChunk) -> Box<dyn AnyChunk> {
        let place = self.spare.iter().position(|spare| spare.stream() == like.stream());
        place.map_or_else(|| like.another(), |place| self.spare.swap_remove(place))
    }

    /// Gives a chunk to a thread. Returns the oldest that is sealed; if all threads have enough to do, it waits for it.
    ///
    /// # Errors
    ///
    /// If a thread has ended by a panic.
    pub(super) fn seal(&mut self, chunk: Box<dyn AnyChunk>) -> Result<Option<Sealed>, Error> {
        let (done, receiver) = sync_channel(1);
        let job = Job { chunk, done };
        if self.jobs.as_ref().is_none_or(|jobs| jobs.send(job).is_err()) {
            return Err(panicked());
        }
        self.given.push_back(receiver);
        if self.given.len() > self.most {
            return self.oldest();
        }
        match self.given.front().map(Receiver::try_recv) {
            Some(Ok(done)) => {
                self.given.pop_front();
                Ok(self.take(done))
            }
            Some(Err(TryRecvError::Disconnected)) => Err(panicked()),
            Some(Err(TryRecvError::Empty)) | None => Ok(None),
        }
    }

    /// Waits for the oldest chunk; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`Threads::seal`].
    pub(super) fn oldest(&mut self) -> Result<Option<Sealed>, Error> {
        let Some(receiver) = self.given.pop_front() else { return Ok(None) };
        let done = receiver.recv().map_err(|_| panicked())?;
        Ok(self.take(done))
    }

    fn take(&mut self, Done { frame, chunk }: Done) -> Option<Sealed> {
        self.spare.push(chunk);
        frame
    }
}

/// Seals chunks until there will be no more.
fn work(queue: &Mutex<Receiver<Job>>, compression: Compression) {
    let mut compressor = Compressor::new(compression);
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { mut chunk, done }) = next else { return };
        let frame = chunk.seal(&mut compressor);
        // Nobody waits for it if the sealer is gone.
        let _ = done.send(Done { frame, chunk });
    }
}

fn panicked() -> Error {
    io::Error::other("a thread that seals chunks has panicked").into()
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.jobs = None;
        self.given.clear();
        for thread in self.threads.drain(..) {
            // That it panicked was said to whoever waited for its chunk.
            let _: Result<(), Box<dyn Any + Send>> = thread.join();
        }
    }
}
