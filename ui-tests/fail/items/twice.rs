#[memscope::track(name = "reader")]
#[memscope::track(tags("io"))]
fn read(path: String) -> usize {
    path.len()
}

fn main() {
    read(String::new());
}
