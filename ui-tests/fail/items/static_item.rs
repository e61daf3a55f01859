#[memscope::track]
static NAMES: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

fn main() {
    NAMES.lock().unwrap().clear();
}
