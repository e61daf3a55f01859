//! Impl blocks, traits and modules: everything inside.

use memscope::Trackable;
use std::fmt;

struct Store {
    texts: Vec<String>,
}

#[memscope::track]
impl Store {
    const LIMIT: usize = Self::limit();

    const fn limit() -> usize {
        let limit = 3;
        limit
    }

    fn new() -> Self {
        let texts = Vec::with_capacity(Self::LIMIT);
        Self { texts }
    }

    fn add(&mut self, text: String) -> Result<&mut Self, fmt::Error> {
        let copy = text.clone();
        if copy.is_empty() {
            return Err(fmt::Error);
        }
        self.texts.push(text);
        Ok(self)
    }

    fn into_texts(self) -> Vec<String> {
        let Self { texts } = self;
        texts
    }

    async fn later(self, other: impl Into<String>) -> usize {
        let other: String = other.into();
        self.texts.len() + other.len()
    }

    #[memscope::track(skip)]
    fn left_out(&self) -> String {
        let v = self.texts.concat();
        v
    }

    #[memscope::track(vars(first), name = "by_itself")]
    fn itself(&self) -> Option<String> {
        let first = self.texts.first()?.clone();
        let second = first.clone();
        Some(second)
    }

    /// # Safety
    /// There is nothing to it.
    unsafe extern "C" fn foreign(text: Box<u8>) -> u8 {
        let value = text;
        *value
    }
}

#[memscope::track(name = "S", args = none, tags("show"))]
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.texts.join(",");
        f.write_str(&all)
    }
}

#[memscope::track]
impl Iterator for Store {
    type Item = String;

    fn next(&mut self) -> Option<Self::Item> {
        let last = self.texts.pop()?;
        Some(last)
    }
}

#[memscope::track]
pub trait Shout {
    const MARK: char = '!';
    fn text(self) -> String;
    fn shout(self) -> String
    where
        Self: Sized,
    {
        let mut text = self.text();
        text.push(Self::MARK);
        text
    }
}

#[memscope::track]
impl<T: Into<String>> Shout for Option<T> {
    fn text(self) -> String {
        let text: String = self.map(Into::into).unwrap_or_default();
        text
    }
}

#[memscope::track]
pub mod shop {
    #![allow(dead_code)]
    use std::collections::BTreeMap;

    pub const EMPTY: Till = Till { coins: Vec::new() };
    pub static OPEN: Till = Till { coins: Vec::new() };

    /// In a constant, taken apart and updated: mass annotation adds no drop.
    #[derive(Debug, Default, Clone)]
    pub struct Till {
        pub coins: Vec<u8>,
    }

    #[derive(Default)]
    pub struct Book<T> {
        pub pages: BTreeMap<String, T>,
        pub till: Till,
    }

    #[derive(Clone, Copy)]
    pub enum Kind {
        Small = 1,
        Large,
    }

    #[repr(C, packed)]
    pub struct Packed(u8, u32);

    pub struct Tail<T: ?Sized> {
        head: u8,
        tail: T,
    }

    pub union Either {
        a: u8,
        b: i8,
    }

    /// Its own drop gets the hook.
    pub struct Logged<'a> {
        pub name: String,
        pub log: &'a mut Vec<String>,
    }

    impl<'a> Drop for Logged<'a> {
        fn drop(&mut self) {
            let name = std::mem::take(&mut self.name);
            self.log.push(name);
        }
    }

    #[memscope::track(skip)]
    pub struct LeftOut(pub String);

    impl Drop for LeftOut {
        fn drop(&mut self) {
            self.0.clear();
        }
    }

    #[memscope::track]
    pub struct WithHook(pub String);

    #[cfg(any())]
    pub struct Absent(Missing);

    pub fn total(till: Till) -> usize {
        let Till { coins } = till;
        fn sum(coins: Vec<u8>) -> usize {
            let sums = vec![coins.len()];
            sums.into_iter().sum()
        }
        struct Local(Vec<u8>);
        impl Drop for Local {
            fn drop(&mut self) {
                let taken = std::mem::take(&mut self.0);
                assert!(taken.is_empty());
            }
        }
        drop(Local(Vec::new()));
        sum(coins)
    }

    pub mod deeper {
        pub fn update(coins: Vec<u8>) -> super::Book<u8> {
            super::Book { till: super::Till { coins, ..super::EMPTY }, ..Default::default() }
        }
    }

    macro_rules! generated {
        ($name:ident) => {
            pub fn $name() -> String {
                let text = stringify!($name).to_owned();
                text
            }
        };
    }
    generated!(by_macro);

    #[cfg(test)]
    mod tests {
        #[test]
        fn works() {
            let v = vec![1];
            assert_eq!(v, [1]);
        }
    }
}

fn tracked<T: Trackable>(_: &T) {}

fn main() {
    let mut store = Store::new();
    assert!(store.add("a".into()).and_then(|store| store.add("b".into())).is_ok());
    assert!(store.add(String::new()).is_err());
    assert_eq!((store.to_string().as_str(), store.left_out().as_str()), ("a,b", "ab"));
    assert_eq!(store.itself().as_deref(), Some("a"));
    assert_eq!(store.next().as_deref(), Some("b"));
    drop(Store::new().later("x"));
    // SAFETY: as it says.
    assert_eq!(unsafe { Store::foreign(Box::new(4)) }, 4);
    assert_eq!(store.into_texts(), ["a"]);
    assert_eq!(Some("hey").shout(), "hey!");
    let book = shop::deeper::update(vec![1, 2]);
    tracked(&book);
    tracked(&book.till);
    tracked(&shop::OPEN);
    assert_eq!(shop::total(book.till), 2);
    assert_eq!(shop::Kind::Large as u8, 2);
    tracked(&shop::Kind::Small);
    let mut log = Vec::new();
    drop(shop::Logged { name: "gone".into(), log: &mut log });
    assert_eq!(log, ["gone"]);
    drop(shop::LeftOut("x".into()));
    drop(shop::WithHook("x".into()));
    assert_eq!(shop::by_macro(), "by_macro");
}
