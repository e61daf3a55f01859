#[memscope::track("load")]
fn text() {}

#[memscope::track(load)]
fn word() {}

#[memscope::track(label = "x")]
fn label() {}

#[memscope::track(skip_all)]
fn skip_all(_a: String) {}

#[memscope::track(ret = true)]
fn returns() -> u8 {
    1
}

#[memscope::track(drop = "off")]
struct Quoted(String);

#[memscope::track(tags = "io")]
fn tags() {}

#[memscope::track(vars = "all")]
fn quoted() {}

#[memscope::track = "x"]
fn equals() {}

#[memscope::track[skip]]
fn brackets() {}

fn main() {}
