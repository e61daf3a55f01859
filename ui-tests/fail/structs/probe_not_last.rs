use memscope::Probe;

#[memscope::track]
struct Page {
    probe: Probe<Self>,
    text: String,
}

fn main() {
    let page = Page { probe: Probe::new(), text: String::new() };
    let _ = (&page.probe, &page.text);
}
