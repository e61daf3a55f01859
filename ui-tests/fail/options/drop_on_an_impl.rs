struct Store;

#[memscope::track(drop = off)]
impl Drop for Store {
    fn drop(&mut self) {}
}

fn main() {
    drop(Store);
}
