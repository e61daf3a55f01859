// With hooks off, the compiler would warn of the unused ones too.
#![allow(unused_variables)]

#[memscope::track(name = loader)]
fn unquoted() {}
#[memscope::track(sample = 2)]
fn often() {}
#[memscope::track(tags(io))]
fn tags() {}
#[memscope::track(tags("io" "cache"))]
fn commas() {}
#[memscope::track(vars = [a, b])]
fn list(a: String, b: String) {}
#[memscope::track(vars(&a))]
fn refs(a: String) {}
#[memscope::track(skip = a)]
fn skipped(a: String) {}
#[memscope::track(crate = "memscope")]
fn quoted() {}
#[memscope::track(drop)]
struct A;
#[memscope::track(drop = false)]
struct B;
#[memscope::track(drop = none)]
struct C;
#[memscope::track(deep = true)]
struct D(String);
#[memscope::track(ret(all))]
fn ret() {}
#[memscope::track(name = "x"; deep)]
fn semicolon() {}
#[memscope::track(sample = 1%)]
fn percent() {}
#[memscope::track(sample = RATE)]
fn named() {}
#[memscope::track(drop = off, drop = own)]
struct E;
#[memscope::track(vars = all, vars(a))]
fn twice(a: String) {}
#[memscope::track(ret)]
fn unit() {}
fn main() {}
