#[memscope::track(drop = own)]
struct Untracked<T>(Vec<T>);

impl<T> Drop for Untracked<T> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

#[memscope::track(drop = own)]
struct WithoutDrop(String);

fn main() {}
