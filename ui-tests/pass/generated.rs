//! Items and declarations that other macros write, by fragments of every kind.

macro_rules! function {
    ($(#[$attribute:meta])* $visibility:vis $name:ident($argument:ident: $type:ty) -> $output:ty $body:block) => {
        #[memscope::track]
        $(#[$attribute])*
        $visibility fn $name($argument: $type) -> $output {
            let generated = String::from("generated");
            let body = $body;
            generated.len() + body
        }
    };
}

function!(#[must_use] #[inline] pub(crate) with_block(text: String) -> usize {
    let inner = text.clone();
    inner.len()
});

macro_rules! whole {
    ($function:item) => {
        #[memscope::track]
        $function
    };
}

whole! {
    fn item(text: String) -> String {
        let copy = text.clone();
        copy + &text
    }
}

macro_rules! body {
    ($name:ident $body:block) => {
        #[memscope::track]
        fn $name() -> usize $body
    };
}

body!(only_body {
    let text = String::from("abc");
    text.len()
});

macro_rules! hygienic {
    ($name:ident, $pattern:pat, $init:expr, $result:expr) => {
        #[memscope::track]
        fn $name() -> usize {
            let value = String::from("of the macro");
            let $pattern = $init;
            let shifted = $init.0.len() * 2 + value.len();
            $result + shifted
        }
    };
}

hygienic!(hygiene, (value, _), (String::from("abc"), 1), value.len() + 1);

macro_rules! structure {
    ($name:ident { $($field:ident: $type:ty),* }) => {
        #[memscope::track]
        struct $name {
            $($field: $type,)*
            probe: memscope::Probe<$name>,
        }
    };
}

structure!(Generated { text: String, pages: Vec<Vec<u8>> });

macro_rules! declare {
    ($name:ident = $init:expr) => {
        memscope::track_var!(let $name = $init);
    };
}

fn main() {
    assert_eq!(with_block("ab".into()), 9 + 2);
    assert_eq!(item("ab".into()), "abab");
    assert_eq!(only_body(), 3);
    assert_eq!(hygiene(), 4 + 6 + 12);
    declare!(outer = vec![1, 2]);
    let generated = Generated { text: "a".into(), pages: vec![], probe: memscope::Probe::new() };
    assert_eq!(generated.text.len() + generated.pages.len() + outer.len(), 3);
    let _ = &generated.probe;
}
