#[memscope::track(crate = crate::no_such_module)]
fn read(name: String) -> String {
    name
}

fn main() {
    read(String::new());
}
