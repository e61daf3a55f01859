struct Store;

trait Named {
    #[memscope::track]
    async fn name(&self) -> String;

    #[memscope::track]
    const LENGTH: usize;

    #[memscope::track]
    type Name;
}

impl Store {
    #[memscope::track]
    const LENGTH: usize = 1;

    #[memscope::track]
    const fn length() -> usize {
        Self::LENGTH
    }
}

fn main() {
    let _ = Store::length();
}
