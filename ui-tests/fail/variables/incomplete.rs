fn main() {
    memscope::track_var!(let names = );
    memscope::track_var!(let = vec![1]);
    memscope::track_var!(let names = vec![1] vec![2]);
}
