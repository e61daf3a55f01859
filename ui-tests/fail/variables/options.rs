fn main() {
    memscope::track_var!(#[track(name = "pair")] let (left, right) = (vec![1], vec![2]));
    memscope::track_var!(#[track(drop = off, vars = none, tga("x"))] left);
    drop((left, right));
}
