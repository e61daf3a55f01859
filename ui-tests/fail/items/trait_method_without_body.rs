pub trait Read {
    #[memscope::track]
    fn read(&self, name: String) -> String;
}

fn main() {}
