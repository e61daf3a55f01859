#[memscope::track]
mod elsewhere;

fn main() {}
