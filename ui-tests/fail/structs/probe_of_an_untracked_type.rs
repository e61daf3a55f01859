use memscope::Probe;

struct Page {
    text: String,
    probe: Probe<Self>,
}

fn main() {
    let page = Page { text: String::new(), probe: Probe::new() };
    let _ = (&page.text, &page.probe);
}
