#[memscope::track(deep = all)]
fn with_a_value() {
    let text = String::new();
    drop(text);
}

#[memscope::track(deep(text))]
fn in_parentheses() {
    let text = String::new();
    drop(text);
}

#[memscope::track(deep, vars = none, args = none)]
fn of_nothing() {}

#[memscope::track(deep)]
enum WithoutFields {
    Left,
    Right,
}

#[memscope::track(deep)]
union Either {
    left: u8,
    right: u16,
}

#[memscope::track(deep)]
static NAMES: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

#[memscope::track(deep)]
thread_local! {
    static BUFFER: Vec<u8> = Vec::new();
}

fn main() {
    memscope::track_var!(#[track(deep = 1)] let text = String::new());
}
