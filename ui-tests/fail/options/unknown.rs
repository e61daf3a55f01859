#[memscope::track(sample = 0.5, verbose)]
fn read(name: String) -> String {
    name
}

fn main() {
    read(String::new());
}
