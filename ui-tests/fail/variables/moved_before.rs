fn main() {
    let names = vec![1];
    drop(names);
    memscope::track_var!(names);
}
