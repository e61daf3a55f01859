use std::cell::Cell;
use std::thread::LocalKey;

#[memscope::track]
thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

fn add(count: &'static LocalKey<Cell<u32>>) {
    count.set(count.get() + 1);
}

fn main() {
    add(&COUNT);
}
