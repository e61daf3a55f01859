fn main() {
    memscope::track_var!();
}
