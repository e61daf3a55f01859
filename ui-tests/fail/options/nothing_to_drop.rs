#[memscope::track(args(text, name), vars(count, r#ref, size, list))]
fn arguments_and_variables(text: &str, name: String) -> usize {
    let count = 5;
    let r#ref = &name;
    let size: usize = text.len();
    let list = vec![count, r#ref.len(), size];
    list.len()
}

// One of the two is recorded.
#[memscope::track(vars(shadowed))]
fn shadows() {
    let shadowed = 5;
    let shadowed = vec![shadowed];
    drop(shadowed);
}

struct Page;

impl Page {
    #[memscope::track(args(self))]
    fn borrowed(&self) {}

    #[memscope::track(args(self))]
    fn owned(self) {}

    #[memscope::track(args(self))]
    fn boxed(self: Box<Self>) {}
}

fn main() {}
