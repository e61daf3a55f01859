//! Every form of struct.

use memscope::{Probe, Trackable};
use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::rc::Rc;

#[memscope::track]
struct Unit;

#[memscope::track]
struct Tuple(Vec<u8>, pub String);

#[memscope::track]
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Named {
    pub text: String,
    pages: Vec<Vec<u8>>,
    probe: Probe<Self>,
}

#[memscope::track]
struct Generic<'a, T: Clone + 'a = String, const N: usize = 2>
where
    T: Send,
{
    items: [Vec<T>; N],
    borrowed: &'a [T],
    marker: PhantomData<fn(T) -> &'a ()>,
    probe: Probe<Self>,
}

#[memscope::track]
struct Relaxed<T: ?Sized> {
    behind: Rc<T>,
    marker: PhantomData<T>,
}

#[memscope::track]
struct Callbacks<'a> {
    function: fn(&str) -> usize,
    closure: Box<dyn Fn(&str) -> usize + 'a>,
    by_name: HashMap<String, RefCell<Vec<Box<dyn Send>>>>,
    nested: (Vec<u8>, [Option<String>; 2]),
}

#[memscope::track]
struct Recursive {
    children: Vec<Recursive>,
    parent: Option<Rc<Self>>,
}

/// Can be taken apart, which a type with a drop hook cannot.
#[memscope::track(drop = off)]
struct Parts {
    left: String,
    right: String,
}

#[memscope::track(drop = off)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Id<T>(u64, PhantomData<T>);

/// Has its own `Drop`.
#[memscope::track(drop = off)]
struct Guard<'a>(&'a RefCell<u32>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        *self.0.borrow_mut() += 1;
    }
}

#[memscope::track]
struct Conditional {
    #[cfg(any())]
    never: NoSuchType,
    text: String,
    #[cfg(all())]
    always: Vec<u8>,
    #[cfg_attr(all(), cfg(any()))]
    nor_this: NoSuchType,
}

mod elsewhere {
    #[memscope::track]
    pub(super) struct Private {
        secret: Vec<u8>,
    }

    impl Private {
        pub(super) fn new() -> Self {
            Self { secret: vec![1] }
        }

        pub(super) fn len(&self) -> usize {
            self.secret.len()
        }
    }
}

fn is_trackable<T: Trackable>(_: &T) {}

fn main() {
    is_trackable(&Unit);
    let tuple = Tuple(vec![1], "a".into());
    assert_eq!((tuple.0.len(), tuple.1.as_str()), (1, "a"));

    let named = Named { text: "n".into(), pages: vec![vec![1]], probe: Probe::new() };
    let copy = named.clone();
    assert_eq!(named, copy);
    assert_eq!(named.pages.len() + Named::default().pages.len(), 1);
    is_trackable(&named);

    let items = ["x".to_owned()];
    let generic = Generic::<'_, String> {
        items: [vec![], vec!["y".into()]],
        borrowed: &items,
        marker: PhantomData,
        probe: Probe::new(),
    };
    assert_eq!(generic.items.len() + generic.borrowed.len(), 3);
    let _ = (&generic.marker, &generic.probe);

    let relaxed = Relaxed::<str> { behind: "r".into(), marker: PhantomData };
    assert_eq!(&*relaxed.behind, "r");
    let _ = &relaxed.marker;

    let offset = 2;
    let callbacks = Callbacks {
        function: str::len,
        closure: Box::new(move |text| text.len() + offset),
        by_name: HashMap::new(),
        nested: (vec![], [None, Some("n".into())]),
    };
    assert_eq!((callbacks.function)("abc") + (callbacks.closure)("abc"), 8);
    assert!(callbacks.by_name.is_empty() && callbacks.nested.0.is_empty());

    let leaf = Recursive { children: vec![], parent: None };
    let root = Recursive { children: vec![leaf], parent: None };
    assert!(root.parent.is_none() && root.children[0].children.is_empty());

    let Parts { left, right } = Parts { left: "l".into(), right: "r".into() };
    assert_eq!(left + &right, "lr");

    let id = Id::<u8>(7, PhantomData);
    let same = id;
    assert!(id.0 == same.0);

    let drops = RefCell::new(0);
    drop(Guard(&drops));
    assert_eq!(drops.into_inner(), 1);

    let conditional = Conditional { text: "c".into(), always: vec![1] };
    assert_eq!(conditional.text.len() + conditional.always.len(), 2);

    assert_eq!(elsewhere::Private::new().len(), 1);

    #[memscope::track]
    struct InFunction(Vec<u8>);
    assert_eq!(InFunction(vec![1]).0.len(), 1);
}

/// A type of one's own that is called as a probe is.
mod measuring {
    #[derive(Default)]
    pub struct Probe<T>(T);

    #[memscope::track]
    #[derive(Default)]
    pub struct Station<T: Clone> {
        pub probe: Probe<T>,
    }

    #[memscope::track]
    pub enum Named<T: memscope::Trackable> {
        Whole(T, memscope::Probe<Named<T>>),
        Part { own: memscope::Probe<Self> },
    }
}
