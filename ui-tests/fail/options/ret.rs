#[memscope::track(ret = all)]
fn with_a_value() -> u8 {
    1
}

#[memscope::track(ret(a))]
fn with_names() -> u8 {
    1
}

#[memscope::track(ret, name = "x", ret)]
fn twice() -> u8 {
    1
}

#[memscope::track(ret)]
fn never() -> ! {
    loop {}
}

#[memscope::track(rt)]
fn misspelt() -> u8 {
    1
}

#[memscope::track(ret)]
struct Type;

fn main() {
    memscope::track_var!(#[track(ret)] let v = 1);
}
