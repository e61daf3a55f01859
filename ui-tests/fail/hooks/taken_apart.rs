// The compiler's own errors; the documentation of the attribute names them and the way out.
#[memscope::track]
#[derive(Default)]
struct Page {
    text: String,
    words: Vec<String>,
}

fn text(page: Page) -> String {
    page.text
}

fn both(page: Page) -> (String, Vec<String>) {
    let Page { text, words } = page;
    (text, words)
}

fn update() -> Page {
    Page { text: String::new(), ..Page::default() }
}

const fn promoted() -> &'static Page {
    &Page { text: String::new(), words: Vec::new() }
}

fn main() {}
