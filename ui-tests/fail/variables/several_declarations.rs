fn main() {
    memscope::track_var!(let left = vec![1]; let right = vec![2];);
    drop((left, right));
}
