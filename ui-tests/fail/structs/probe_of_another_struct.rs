use memscope::Probe;

#[memscope::track]
struct Page {
    text: String,
    probe: Probe<Self>,
}

#[memscope::track]
struct Book {
    pages: Vec<Page>,
    probe: Probe<Page>,
}

fn main() {
    let page = Page { text: String::new(), probe: Probe::new() };
    let book = Book { pages: vec![page], probe: Probe::new() };
    let _ = (&book.pages[0].text, &book.pages[0].probe, &book.probe);
}
