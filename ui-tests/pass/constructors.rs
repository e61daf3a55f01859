//! Functions of tracked impl blocks that make values of the type, in every wrapper.
#![deny(warnings)]
#![forbid(unsafe_code)]

use memscope::Probe;
use std::fmt::Debug;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

#[memscope::track]
#[derive(Debug)]
struct Store<T: Debug> {
    values: Vec<T>,
    extra: Option<Box<dyn Debug>>,
}

#[memscope::track(ret)]
impl<T: Debug> Store<T> {
    fn new() -> Self {
        Self { values: Vec::new(), extra: None }
    }

    fn of(values: Vec<T>) -> Store<T> {
        let mut store = Store { values, extra: None };
        store.extra = Some(Box::new(store.values.len()));
        store
    }

    fn shared(values: Vec<T>) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { values, extra: Some(Box::new("x")) }))
    }

    fn erased() -> Rc<dyn Debug>
    where
        T: 'static,
    {
        Rc::new(Self { values: vec![], extra: None })
    }

    fn filled(value: T) -> Result<Box<Self>, String> {
        if format!("{value:?}").is_empty() {
            return Err(String::new());
        }
        let values = Some(vec![value]).ok_or("none")?;
        Ok(Box::new(Self { values, extra: None }))
    }

    fn several(first: T, second: T) -> (Self, [Self; 1], Option<Self>) {
        let one = |value| Self { values: vec![value], extra: None };
        (one(first), [Self { values: vec![second], extra: None }], None)
    }

    fn with(mut self, value: T) -> Self {
        self.values.push(value);
        self
    }

    fn mapped<U: Debug>(self, map: impl Fn(&T) -> U) -> Store<U> {
        let values = self.values.iter().map(map).collect();
        Store { values, extra: None }
    }

    async fn later(values: Vec<T>) -> Self {
        Self { values, extra: None }
    }
}

#[memscope::track]
impl FromStr for Store<char> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "" => Err(()),
            text => Ok(Self { values: text.chars().collect(), extra: None }),
        }
    }
}

#[memscope::track(drop = off)]
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Unit,
    Round(f32),
    Square { side: f32 },
}

#[memscope::track]
impl Shape {
    const UNIT: Self = Self::Unit;
    const MAKE: fn(f32) -> f32 = |x| x;

    fn round(radius: f32) -> Option<Self> {
        if radius > 0.0 { Some(Self::Round(Self::MAKE(radius))) } else { None }
    }

    fn square(side: f32) -> Self {
        if side == 0.0 {
            return Self::UNIT;
        }
        Shape::Square { side }
    }

    fn default_square() -> &'static Self {
        &Self::Square { side: 1.0 }
    }
}

#[memscope::track]
struct Probed {
    text: String,
    probe: Probe<Self>,
}

#[memscope::track]
impl Probed {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), probe: Probe::new() }
    }
}

struct Untracked<'a>(&'a str);

#[memscope::track]
impl<'a> Untracked<'a> {
    fn new(text: &'a str) -> Self {
        Self(text)
    }
}

fn main() {
    assert_eq!(Store::<u8>::new().with(1).values, [1]);
    assert_eq!(format!("{:?}", Store::of(vec![1, 2]).extra), "Some(2)");
    assert_eq!(Store::shared(vec![1]).lock().unwrap().values.len(), 1);
    assert!(format!("{:?}", Store::<u8>::erased()).contains("values"));
    assert_eq!(Store::filled('x').unwrap().values, ['x']);
    let (first, [second], third) = Store::several(1, 2);
    assert_eq!((first.values[0], second.values[0], third.is_none()), (1, 2, true));
    assert_eq!(Store::of(vec![1]).mapped(u8::to_string).values, ["1"]);
    drop(Store::later(vec!['a']));
    assert_eq!("ab".parse::<Store<char>>().unwrap().values, ['a', 'b']);
    assert_eq!([Shape::round(0.0), Shape::round(1.0)], [None, Some(Shape::Round(1.0))]);
    assert_eq!([Shape::square(0.0), Shape::square(1.0)], [Shape::Unit, *Shape::default_square()]);
    let probed = Probed::new("a");
    let _ = &probed.probe;
    assert_eq!((probed.text.as_str(), Untracked::new("b").0), ("a", "b"));
}
