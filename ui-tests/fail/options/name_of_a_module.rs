#[memscope::track(name = "shop", drop = off)]
mod store {
    pub fn read(name: String) -> usize {
        name.len()
    }
}

fn main() {
    store::read(String::new());
}
