// The attribute on what is no item.
macro_rules! make {
    ($name:ident) => {
        struct $name;
    };
}

#[memscope::track]
make!(Made);

fn main() {
    let _ = Made;
    let add = #[memscope::track]
    |a: u8| a + 1;
    let _ = #[memscope::track]
    {
        String::new()
    };
    #[memscope::track]
    for text in ["a"] {
        let _ = text.to_owned();
    }
    match add(1) {
        #[memscope::track]
        n => drop(n),
    }
}
