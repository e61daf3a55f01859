// Where rustc has no such attributes, or another kind.
#[derive(memscope::track)]
struct Derived;

#[memscope::tracked]
fn misnamed() {}

#[memscope::track_var]
fn the_other_macro() {}

enum Variants {
    #[memscope::track]
    One,
}

fn argument(#[memscope::track] text: String) {}

fn within() {
    #[memscope::track]
    thread_local! {
        static BUFFER: Vec<u8> = Vec::new();
    }
}

fn calls() {
    let v = 1;
    memscope::track!(v);
    memscope::track_var(v);
    memscope::snapshot(v);
}

fn main() {}
