// The compiler's own errors; the documentation of the attribute names them and the way out.
fn main() {
    let inbox = vec![String::new()];
    let tracked = memscope::track_var!(own inbox);
    println!("{}", inbox.len());
    std::thread::spawn(move || drop(tracked));
    println!("{}", tracked.len());

    let pair = memscope::tracked!((String::new(), 1));
    let _text = pair.0;

    let list = memscope::tracked!(vec![1]);
    let plain = list.into_inner();
    println!("{}", list.len());

    std::thread::spawn(move || drop(plain));
    memscope::track_var!(plain);
    memscope::snapshot!(plain);
}
