fn main() {
    memscope::track_var!(let (left, right) = (vec![1], vec![2]));
    drop((left, right));
}
