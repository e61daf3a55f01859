// `snapshot!` and `tracked!` with other arguments than they take.
fn main() {
    let names = vec![1];
    memscope::snapshot!();
    memscope::snapshot!(names, depp);
    memscope::snapshot!(names, names);
    memscope::snapshot!(let n = 1);
    memscope::tracked!();
    memscope::tracked!(let x = 1);
    memscope::tracked!(1, 2);
}
