#[memscope::track(drop = off)]
struct Node<#[cfg(any())] S, T> {
    #[cfg(any())]
    state: S,
    value: T,
}

/// Left as it is.
#[memscope::track]
mod within {
    pub struct Leaf<#[cfg(any())] 'a, T, #[cfg_attr(all(), cfg(any()))] const N: usize> {
        pub value: T,
    }
}

fn main() {
    let node = Node { value: within::Leaf { value: 1 } };
    let _ = node.value.value;
}
