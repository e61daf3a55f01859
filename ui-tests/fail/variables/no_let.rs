fn main() {
    memscope::track_var!(names = vec![1]);
    memscope::track_var!(mut names = vec![1]);
    memscope::track_var!(names: Vec<u8> = vec![1]);
    memscope::track_var!(vec![1]);
}
