// Outside of functions there is no scope for a variable.
memscope::track_var!(let a = vec![1]);
memscope::track_var!(own b = vec![1]);

fn main() {}
