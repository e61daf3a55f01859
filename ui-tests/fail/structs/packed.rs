#[memscope::track]
#[repr(C, packed(2))]
struct Header {
    kind: u8,
    length: u32,
}

#[memscope::track]
#[cfg_attr(all(), repr(packed))]
struct Conditionally {
    kind: u8,
}

fn main() {}
