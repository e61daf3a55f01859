fn main() {
    memscope::track_var!(own let names = vec![1]);
    memscope::track_var!(own mut names);
    let names = memscope::track_var!(own (1,) 2);
    drop(names);
}
