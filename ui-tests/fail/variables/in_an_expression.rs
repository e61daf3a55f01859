// `track_var!` is a statement; the compiler says so in its own words.
fn take(_: usize) {}

fn main() {
    let x = memscope::track_var!(let a = vec![1]);
    let names = vec![1];
    let y = memscope::track_var!(names);
    take(memscope::track_var!(names));
    if memscope::track_var!(let b = 1) {}
}
