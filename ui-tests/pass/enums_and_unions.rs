//! Every form of enum and union.
#![deny(deprecated)]

use memscope::{Probe, Trackable};
use std::mem::ManuallyDrop;

#[memscope::track]
enum Never {}

#[memscope::track(drop = off)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Level {
    Low = 1,
    High = 7,
}

#[memscope::track]
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a, T: Clone = String, const N: usize = 2>
where
    T: Send,
{
    Nothing,
    Text(String, &'a str),
    Named {
        r#type: Vec<T>,
        #[cfg(not(any()))]
        kept: [Vec<u8>; N],
        #[cfg(any())]
        left_out: Missing,
        probe: Probe<Self>,
    },
    #[cfg(any())]
    LeftOut(Missing),
    #[deprecated]
    Old(Box<u8>),
    Recursive(Vec<Event<'a, T, N>>),
}

#[memscope::track]
#[derive(Debug)]
#[non_exhaustive]
enum Failure {
    Io(std::io::Error),
    Other(Box<dyn std::error::Error + Send + Sync>),
}

#[memscope::track(drop = off, name = "Bits", tags("raw", "ffi"))]
#[repr(C)]
#[derive(Clone, Copy)]
union Bits {
    float: f32,
    word: u32,
}

#[memscope::track]
union Slot<T> {
    value: ManuallyDrop<Vec<T>>,
    empty: (),
}

/// Its own drop carries the hook.
#[memscope::track(drop = off)]
enum Handle<T> {
    Open(Vec<T>),
    Closed,
}

#[memscope::track]
impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        let before = vec![matches!(self, Self::Open(_))];
        assert_eq!(before.len(), 1);
        if let Self::Open(values) = self {
            values.clear();
        }
    }
}

fn tracked<T: Trackable>(_: &T) {}

fn main() {
    assert_eq!(Level::High as u8, 7, "a cast needs a type without a drop");
    let events: Vec<Event<'_>> = vec![
        Event::Nothing,
        Event::Text("a".to_owned(), "b"),
        Event::Named { r#type: vec![String::new()], kept: [vec![1], vec![]], probe: Probe::new() },
        Event::Recursive(vec![Event::Nothing]),
    ];
    tracked(&events[0]);
    assert_eq!(events.clone(), events);
    assert!(matches!(&events[1], Event::Text(text, _) if text == "a"));
    let failure = Failure::Io(std::io::Error::other("x"));
    assert!(format!("{failure:?}").contains("Io"));
    drop(Failure::Other("y".into()));
    let bits = Bits { float: 1.0 };
    tracked(&bits);
    // SAFETY: both fields are plain words.
    assert_eq!(unsafe { bits.word }, 0x3f80_0000);
    let mut slot = Slot { value: ManuallyDrop::new(vec![1]) };
    // SAFETY: it holds the vector.
    unsafe { ManuallyDrop::drop(&mut slot.value) };
    slot = Slot { empty: () };
    tracked(&slot);
    let _: Option<Never> = None;
    drop([Handle::Open(vec![1]), Handle::Closed]);
}
