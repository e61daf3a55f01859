// The one kind of variable that hooks cannot stand beside: one that is never reached.

#[memscope::track]
fn stop(code: i32) {
    let never = std::process::exit(code);
}

fn main() {
    stop(1);
}
