#[memscope::track(name = "a", name = "b")]
fn read(name: String) -> String {
    name
}

fn main() {
    read(String::new());
}
