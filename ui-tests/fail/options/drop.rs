#[memscope::track(drop)]
struct WithoutValue(u8);

#[memscope::track(drop = none)]
struct None(u8);

#[memscope::track(drop = false)]
struct False(u8);

#[memscope::track(drop(off))]
struct InParentheses(u8);

#[memscope::track(drop = on, drop = off)]
struct Both(u8);

#[memscope::track(drop = on)]
#[derive(Clone, Copy)]
struct Copied(u8);

fn main() {}
