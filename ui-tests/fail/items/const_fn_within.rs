// What cannot be tracked is left out of an impl block, but by itself it is an error.
struct Store;

#[memscope::track]
impl Store {
    #[memscope::track]
    const fn limit() -> usize {
        3
    }
}

fn main() {
    Store::limit();
}
