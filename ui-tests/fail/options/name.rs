#[memscope::track(name)]
fn without_value() {}

#[memscope::track(name("reader"))]
fn in_parentheses() {}

#[memscope::track(name = reader)]
fn without_quotes() {}

#[memscope::track(name = "")]
fn empty() {}

#[memscope::track(name = "a" + "b")]
fn expression() {}

#[memscope::track(name == "a")]
fn comparison() {}

#[memscope::track("reader")]
fn value_alone() {}

fn main() {}
