#![deny(unused_must_use)]

fn main() {
    let text = String::new();
    memscope::track_var!(own text);
    let text = String::new();
    memscope::tracked!(text);
    memscope::track_var!(own vec![1]);
}
