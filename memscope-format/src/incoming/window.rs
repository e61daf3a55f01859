//! The bytes of a capture that have arrived and may still be needed: an input whose reads wait for what has not come.

use super::Item;
use crate::source::{Beside, Input};
use std::future::{Future, poll_fn, ready};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// Shared by who feeds it and the functions that read it. Nobody is woken: who feeds it polls these.
#[derive(Clone, Default)]
pub(super) struct Window(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Those before `passed` are not needed any more.
    bytes: Vec<u8>,
    passed: usize,
    /// Where `bytes` begin in the capture.
    start: u64,
    ended: bool,
    /// What is to be taken before reading goes on.
    item: Option<Item>,
}

impl State {
    /// Where the bytes end that have come.
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// The bytes that have come from `offset` on.
    fn from(&self, offset: u64) -> &[u8] {
        let at = offset.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        at.filter(|&at| at >= self.passed).and_then(|at| self.bytes.get(at..)).unwrap_or_default()
    }
}

impl Window {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, bytes: &[u8]) {
        let mut state = self.state();
        if !state.ended {
            state.bytes.extend_from_slice(bytes);
        }
    }

    pub(super) fn end(&self) {
        self.state().ended = true;
    }

    pub(super) fn kept(&self) -> usize {
        let state = self.state();
        state.bytes.len() - state.passed
    }

    pub(super) fn take_item(&self) -> Option<Item> {
        self.state().item.take()
    }

    /// Gives an item and waits until it is taken.
    pub(super) async fn give(&self, item: Item) {
        self.state().item = Some(item);
        poll_fn(|_| match self.state().item {
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        })
        .await;
    }
}

impl Input for Window {
    /// Bytes that have come.
    fn len(&self) -> u64 {
        self.state().end()
    }

    fn read_some(
        &self,
        bytes: &mut [u8],
        offset: u64,
    ) -> impl Future<Output = io::Result<usize>> + Send {
        let state = self.state();
        let rest = state.from(offset);
        let len = bytes.len().min(rest.len());
        bytes[..len].copy_from_slice(&rest[..len]);
        ready(Ok(len))
    }

    async fn grow(&mut self) -> io::Result<bool> {
        Ok(false)
    }

    async fn rings(&self) -> io::Result<Option<Beside<Self>>> {
        Ok(None)
    }

    fn ahead(&self, offset: u64, least: u64, most: u64) -> impl Future<Output = u64> + Send {
        poll_fn(move |_| {
            let state = self.state();
            let there = state.end().saturating_sub(offset);
            if there < least && !state.ended { Poll::Pending } else { Poll::Ready(there.min(most)) }
        })
    }

    fn pass(&self, offset: u64) {
        let mut state = self.state();
        let at = usize::try_from(offset.saturating_sub(state.start)).unwrap_or(usize::MAX);
        state.passed = state.passed.max(at.min(state.bytes.len()));
        // So that what remains is moved no more often than it came.
        if state.passed > state.bytes.len() / 2 {
            let passed = std::mem::take(&mut state.passed);
            state.bytes.drain(..passed);
            state.start += passed as u64;
        }
    }
}
