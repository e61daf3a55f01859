#[memscope::track(drop = off)]
fn read(name: String) -> String {
    name
}

fn main() {
    read(String::new());
}
