fn main() {
    memscope::track_var!(let _ = vec![1]);
    memscope::track_var!(let ref names = vec![1]);
    memscope::track_var!(let None = None::<u8> else { return });
    drop(names);
}
