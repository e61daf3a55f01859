#[memscope::track(drop)]
struct WithoutValue(u8);

#[memscope::track(drop = on)]
struct On(u8);

#[memscope::track(drop = false)]
struct False(u8);

#[memscope::track(drop(off))]
struct InParentheses(u8);

fn main() {}
