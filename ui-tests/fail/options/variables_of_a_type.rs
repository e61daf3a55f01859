#[memscope::track(vars = none, args = all, skip(text))]
struct Page {
    text: String,
}

fn main() {
    drop(Page { text: String::new() }.text.len());
}
