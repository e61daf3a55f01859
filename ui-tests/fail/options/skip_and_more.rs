// Nothing else can be said of an item that is left out.
#[memscope::track(skip, tags("io"))]
fn read(name: String) -> usize {
    name.len()
}

fn main() {
    read("a".to_owned());
}
