// What holds no container.
use std::sync::Mutex;

struct Opaque;

fn generic<T>(value: T) {
    memscope::snapshot!(value);
}

fn borrowed(names: &Vec<u8>, text: &str) {
    memscope::snapshot!(names);
    memscope::snapshot!(text);
}

fn main() {
    let names = vec![1];
    memscope::snapshot!(5u8);
    memscope::snapshot!(Opaque);
    memscope::snapshot!(names.len());
    memscope::snapshot!(Mutex::new(1), deep);
    generic(1);
    borrowed(&names, "");
}
