struct Store;

// The type has no attribute, so there is no site to record its drop at.
#[memscope::track]
impl Drop for Store {
    fn drop(&mut self) {}
}

fn main() {
    drop(Store);
}
