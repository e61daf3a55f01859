fn main() {
    let names = vec![1];
    memscope::track_var!(name);
    drop(names);
}
