// With hooks off, the compiler would warn of the unused ones too.
#![allow(unused_variables)]

#[memscope::track(skip = all)]
fn skip_all(name: String) {}

#[memscope::track(skip = true)]
fn skip_true(name: String) {}

#[memscope::track(skip = none)]
fn skip_none(name: String) {}

#[memscope::track(skip = self)]
fn skip_self(name: String) {}

#[memscope::track(ret = false)]
fn ret_false() {}

#[memscope::track(ret(off))]
fn ret_off() {}

#[memscope::track(ret = "false")]
fn ret_in_quotes() {}

#[memscope::track(ret = true)]
fn ret_true() {}

#[memscope::track(deep = false)]
fn deep_false(name: String) {}

#[memscope::track(vars = false, args = true)]
fn selections(name: String) {}

#[memscope::track(drop = true)]
struct Page;

fn main() {}
