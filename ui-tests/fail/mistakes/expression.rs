fn main() {
    let x = 1;
    memscope::track_var!(x + 1);
    memscope::track_var!(&x);
    memscope::track_var!(x.to_string());
    memscope::track_var!(x = 2);
    memscope::track_var!(mut x = 2);
    memscope::track_var!(static X: u8 = 1);
}
