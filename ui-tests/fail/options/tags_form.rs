#[memscope::track(tags = "io")]
fn read(name: String) -> usize {
    name.len()
}

#[memscope::track(tags(io, "cache"))]
struct Page {
    text: String,
}

#[memscope::track(tags(""))]
impl Page {
    fn into_text(self) -> usize {
        self.text.len()
    }
}

fn main() {
    read(String::new());
    Page { text: String::new() }.into_text();
}
