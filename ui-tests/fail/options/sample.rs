// A rate is one in a whole number.
#[memscope::track(sample = 0.3)]
fn no_part(name: String) -> usize {
    name.len()
}

#[memscope::track(sample = 2.0)]
struct TooMany;

#[memscope::track(sample = 0)]
struct Nothing;

#[memscope::track(sample = -0.5)]
struct Negative;

#[memscope::track(sample = "half")]
struct Text;

#[memscope::track(sample = 1/0)]
mod nowhere {}

#[memscope::track(sample)]
struct Bare;

#[memscope::track(sample(0.5))]
struct Listed;

#[memscope::track(sample = 0.5, sample = 0.1)]
struct Twice;

#[memscope::track(sample = 0.5)]
static ONE: u8 = 1;

#[memscope::track(sampled = 0.5)]
struct Misspelt;

fn main() {
    memscope::track_var!(#[track(sample = 0.75)] let text = String::new());
    no_part(text);
}
