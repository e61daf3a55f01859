// A variable moved into a thread: the compiler's own error, as without the attribute.

#[memscope::track]
fn spawn(names: Vec<String>) -> usize {
    let counts = std::rc::Rc::new(names.len());
    std::thread::spawn(move || println!("{counts}"));
    *counts
}

fn main() {
    spawn(Vec::new());
}
