//! Sessions that record nothing.

use crate::session_types::{
    Compression, Durability, HeapMode, Overflow, SessionError, Stats, Stream,
};
use std::path::PathBuf;
use std::time::Duration;

/// One recording; without the feature `on`, nothing.
///
/// See the same type with the feature on for what it does.
#[derive(Debug)]
#[must_use = "a session goes on without this, but only this stops it"]
pub struct Session(());

impl Session {
    /// Returns what starts nothing.
    #[inline(always)]
    pub fn builder() -> SessionBuilder {
        SessionBuilder(())
    }

    /// Returns `None`: there is no recording.
    #[must_use]
    #[inline(always)]
    pub fn current() -> Option<Self> {
        None
    }

    /// Returns `None`: there is no recording.
    #[must_use]
    #[inline(always)]
    pub fn capture_path(&self) -> Option<PathBuf> {
        None
    }

    /// Does nothing, and returns `None`: there is no recording.
    ///
    /// # Errors
    ///
    /// None.
    #[inline(always)]
    pub fn stop(self) -> Result<Option<PathBuf>, SessionError> {
        Ok(None)
    }

    /// Does nothing: there is no recording.
    ///
    /// # Errors
    ///
    /// None.
    #[inline(always)]
    pub fn pause(&self) -> Result<(), SessionError> {
        Ok(())
    }

    /// Does nothing: there is no recording.
    ///
    /// # Errors
    ///
    /// None.
    #[inline(always)]
    pub fn resume(&self) -> Result<(), SessionError> {
        Ok(())
    }
}

/// Says how a session is to be recorded; without the feature `on`, nothing.
#[derive(Debug, Clone)]
#[must_use = "a session begins with `start`"]
pub struct SessionBuilder(());

impl SessionBuilder {
    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn directory(self, _: impl Into<PathBuf>) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn fallback_directory(self, _: impl Into<PathBuf>) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn name(self, _: impl Into<String>) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn label(self, _: impl Into<String>, _: impl Into<String>) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn ring_kib(self, _: u64) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn durability(self, _: Durability) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn compression(self, _: Compression) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn calls(self, _: bool) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn stream(self, _: Stream, _: bool) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn heap(self, _: HeapMode) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn sample(self, _: u32) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn slow_drop(self, _: Duration) -> Self {
        self
    }

    /// Does nothing: there is no recording.
    #[inline(always)]
    pub fn overflow(self, _: Overflow) -> Self {
        self
    }

    /// Starts nothing.
    ///
    /// # Errors
    ///
    /// None.
    #[inline(always)]
    pub fn start(self) -> Result<Session, SessionError> {
        Ok(Session(()))
    }
}

/// Does nothing: there is no recording.
#[inline(always)]
pub fn mark(_: &str) {}

/// Returns `None`: there is no recording.
#[must_use]
#[inline(always)]
pub fn stats() -> Option<Stats> {
    None
}
