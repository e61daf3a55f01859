// Every mistake is reported, and the struct exists all the same: only what was asked for wrongly is an error.
#[memscope::track(drop = of, , name = 3, krate = "x", "y", name = "z")]
struct Page {
    text: String,
    probe: memscope::Probe<Self>,
}

fn main() {
    let page = Page { text: String::new(), probe: memscope::Probe::new() };
    let _ = (&page.text, &page.probe);
}
