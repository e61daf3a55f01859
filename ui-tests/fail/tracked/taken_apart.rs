fn main() {
    let pair = memscope::tracked!((vec![1], vec![2]));
    // `into_inner` gives the value back.
    let (left, right) = pair;
    drop((left, right));
}
