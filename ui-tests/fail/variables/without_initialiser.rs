fn main() {
    memscope::track_var!(let names: Vec<u8>);
    names = vec![1];
    drop(names);
}
