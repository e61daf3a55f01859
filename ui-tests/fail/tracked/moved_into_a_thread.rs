use std::rc::Rc;

fn main() {
    let shared = memscope::tracked!(Rc::new(1));
    std::thread::spawn(move || drop(shared)).join().unwrap();
}
