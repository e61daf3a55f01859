fn main() {
    memscope::track_var!(let);
    memscope::track_var!(let mut);
    memscope::track_var!(const N: u8 = 1);
    memscope::track_var!("names");
    memscope::track_var!(own mut);
    memscope::track_var!(#[track(name = "x")]);
    memscope::track_var!(a b);
    memscope::track_var!(a; b);
    memscope::track_var!(let a = 1, let b = 2);
    memscope::track_var!(let a = 1, deep);
    memscope::track_var!(name = "x", let a = 1);
    memscope::track_var!(deep, let a = 1);
    memscope::track_var!(own let a = 1);
}
