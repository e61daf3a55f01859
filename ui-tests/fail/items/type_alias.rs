#[memscope::track]
type Names = Vec<String>;

fn main() {
    let _ = Names::new();
}
