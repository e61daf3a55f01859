// What a `Probe` wants of its type.
use memscope::Probe;

#[memscope::track]
struct Bare {
    text: String,
    probe: Probe,
}

#[memscope::track]
struct Tuple(Probe<Self>, String);

#[memscope::track]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Copied(u8, Probe<Self>);

#[memscope::track(drop = off)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct CopiedOff(u8, Probe<Self>);

fn main() {}
