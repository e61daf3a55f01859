fn main() {
    let pair = (vec![1], vec![2]);
    // A field is no variable.
    memscope::track_var!(pair.0);
    memscope::track_var!(pair, &pair);
    memscope::track_var!(&mut pair.1, *pair, pair.len());
    memscope::track_var!(, pair);
    drop(pair);
}
