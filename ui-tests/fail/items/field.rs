struct Page {
    #[memscope::track]
    text: String,
}

fn main() {
    drop(Page { text: String::new() }.text);
}
