#[memscope::track(args(path))]
trait Read {
    fn read(&self, path: String) -> usize {
        path.len()
    }
}

impl Read for () {}

fn main() {
    ().read(String::new());
}
