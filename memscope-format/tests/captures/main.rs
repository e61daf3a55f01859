//! What captures promise to those who write and read them. One program, since linking one for each file took longer than its tests.

#[path = "../sample/mod.rs"]
mod sample;

mod append;
mod capture;
mod content;
mod errors;
mod follow;
mod heap;
mod incoming;
mod merge;
mod parts;
mod raw;
mod reading;
mod rings;
mod roundtrip;
mod sampling;
mod tune;
mod writer;
