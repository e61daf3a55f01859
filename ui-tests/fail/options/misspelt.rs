#[memscope::track(nmae = "reader")]
fn read(name: String) -> String {
    name
}

#[memscope::track(Drop = off)]
struct Page {
    text: String,
}

#[memscope::track(crates = ::memscope)]
fn write(page: Page) {
    drop(page);
}

fn main() {
    write(Page { text: read(String::new()) });
}
