//! Without the feature `on`, what identifies a value takes no byte of it and runs no code at its drop.

use memscope::{Probe, Tracked};
use std::mem::{align_of, needs_drop, offset_of, size_of};

#[memscope::track(deep, sample = 1/10)]
#[repr(C)]
struct Page {
    number: u64,
    probe: Probe<Self>,
}

#[memscope::track]
enum Message {
    Number(std::num::NonZeroU8, Probe<Self>),
    Nothing(Probe<Self>),
}

const _: () = {
    assert!(size_of::<Probe<Page>>() == 0 && align_of::<Probe<Page>>() == 1);
    assert!(size_of::<Page>() == 8 && offset_of!(Page, probe) == 8);
    assert!(size_of::<Message>() == 1);
    assert!(!needs_drop::<Page>() && !needs_drop::<Message>() && !needs_drop::<Tracked<u64>>());
    assert!(size_of::<Tracked<String>>() == size_of::<String>());
    assert!(size_of::<Option<Tracked<Box<u8>>>>() == size_of::<usize>());
};

fn main() {
    let page = Page { number: 1, probe: Probe::new() };
    let messages =
        [Message::Number(std::num::NonZeroU8::MIN, Probe::new()), Message::Nothing(Probe::new())];
    assert!(matches!(&messages[0], Message::Number(number, _) if number.get() == 1));
    let _ = (page.number, &page.probe, messages);
    assert_eq!(memscope::track_var!(own vec![1]).into_inner(), [1]);
}
