#[memscope::track]
pub const fn limit(n: usize) -> usize {
    let doubled = n * 2;
    doubled
}

const LIMIT: usize = limit(2);

fn main() {
    let _ = LIMIT;
}
