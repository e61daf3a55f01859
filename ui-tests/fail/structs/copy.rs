#[memscope::track]
#[derive(Debug, Clone, Copy)]
struct Id(u64);

fn main() {
    let id = Id(1);
    let _ = (id, id);
}
