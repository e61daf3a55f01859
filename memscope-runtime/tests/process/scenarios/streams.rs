//! A session that is without a stream.

use super::sessions::kept;
use memscope::{Session, Stream};
use std::collections::HashMap;
use std::hint::black_box;

#[memscope::track]
fn called(words: Vec<String>) -> usize {
    memscope::track_var!(#[track(deep)] let lengths: HashMap<String, usize> =
        words.iter().map(|word| (word.clone(), word.len())).collect());
    lengths.len()
}

/// Goes through a container before there is a session, which that begins.
pub(super) fn contents_first() {
    let words = vec![String::from("to"), String::from("be")];
    memscope::snapshot!(words, deep);
}

/// Records something of each stream, in a session without one; in one as the environment says, if none is named.
pub(super) fn without(stream: &str) {
    let builder = Session::builder();
    let builder = match stream {
        "values" => builder.stream(Stream::Values, false),
        "calls" => builder.stream(Stream::Calls, false),
        "contents" => builder.stream(Stream::Contents, false),
        "readings" => builder.stream(Stream::Readings, false),
        _ => builder,
    };
    let session = builder.start().unwrap();
    memscope::mark("phase");
    let asked = vec![1_u8];
    memscope::snapshot!(asked);
    assert_eq!(called(vec!["to".into(), "be".into()]), 2);
    black_box(kept(5));
    session.stop().unwrap();
}
