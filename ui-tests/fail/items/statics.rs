#[memscope::track]
static mut COUNT: u32 = 0;

#[memscope::track(vars = none, drop = off)]
static NAMES: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

#[memscope::track(name = "both")]
thread_local! {
    static FIRST: u8 = 1;
    static SECOND: u8 = 2;
}

fn main() {
    NAMES.lock().unwrap().clear();
}
