fn main() {
    #[memscope::track]
    let names = vec![1];
    let _ = names;
}
