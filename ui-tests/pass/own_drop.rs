//! Who writes the `impl Drop` that a type's hook stands in.
#![deny(warnings)]
#![forbid(unsafe_code)]

use std::cell::Cell;

thread_local! {
    static DROPS: Cell<u32> = const { Cell::new(0) };
}

#[memscope::track(drop = on)]
struct Written(String);

#[memscope::track(drop = off)]
struct Left(String);

#[memscope::track(drop = off)]
struct Size {
    width: u32,
}

#[memscope::track(drop = off)]
struct Reader<'a> {
    text: Option<&'a String>,
}

const SIZE: &Size = &Size { width: 2 };

#[memscope::track(drop = own)]
struct Own<'a, T: Clone, const N: usize>
where
    T: std::fmt::Debug,
{
    values: [T; N],
    name: &'a str,
}

#[memscope::track]
impl<'a, T: Clone + std::fmt::Debug, const N: usize> Drop for Own<'a, T, N> {
    fn drop(&mut self) {
        DROPS.set(DROPS.get() + 1);
    }
}

mod inner {
    #[memscope::track(drop = own)]
    pub enum OwnToo {
        One(Vec<u8>),
    }

    #[memscope::track]
    impl Drop for OwnToo {
        fn drop(&mut self) {
            let Self::One(values) = self;
            super::DROPS.set(super::DROPS.get() + values.len() as u32);
        }
    }
}

fn main() {
    assert_eq!(Written("a".to_owned()).0, "a");
    let Left(text) = Left("a".to_owned());
    assert_eq!(text, "a");
    let size: &'static Size = &Size { width: 1 };
    assert_eq!((size.width, SIZE.width), (1, 2));
    let mut reader = Reader { text: None };
    let text = String::from("a");
    reader.text = Some(&text);
    assert!(reader.text.is_some_and(|text| text == "a"));
    let own = Own { values: [1, 2], name: "b" };
    assert_eq!((own.values[0], own.name), (1, "b"));
    drop(own);
    drop(inner::OwnToo::One(vec![1, 2]));
    assert_eq!(DROPS.get(), 3);
}
