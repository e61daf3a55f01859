fn main() {
    memscope::track_var!(drop(1); let names = vec![1]);
    drop(names);
}
