// With hooks on a tracked value has a destructor, so what it borrows must outlive it.
fn main() {
    let mut names = memscope::tracked!(Vec::new());
    let name = String::from("a");
    names.push(&name);
}
