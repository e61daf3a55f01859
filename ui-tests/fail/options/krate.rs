#[memscope::track(crate = "crate::vendored")]
fn as_text() {}

#[memscope::track(crate)]
fn without_value() {}

#[memscope::track(crate = Vec<u8>)]
fn as_type() {}

fn main() {}
