//! The contents of containers are read, whatever they are of, and nothing else changes.
#![forbid(unsafe_code)]

use memscope::Probe;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// Tells nothing of itself.
struct Untracked(String);

#[memscope::track(deep)]
#[derive(Debug, Clone)]
struct Page<'a, V, T: Clone = String, const N: usize = 2>
where
    V: Debug,
{
    texts: Vec<Vec<T>>,
    words: HashMap<String, Box<[u8]>>,
    borrowed: Vec<&'a str>,
    shared: Vec<Rc<Vec<T>>>,
    array: [Vec<u8>; N],
    any: Vec<V>,
    r#type: Option<Box<Self>>,
    probe: Probe<Self>,
}

impl<V: Debug> Page<'_, V> {
    fn new() -> Self {
        Self {
            texts: vec![vec!["a".to_owned()]],
            words: HashMap::from([("a".to_owned(), [1].into())]),
            borrowed: Vec::new(),
            shared: vec![Rc::default()],
            array: [vec![1], vec![]],
            any: Vec::new(),
            r#type: None,
            probe: Probe::new(),
        }
    }
}

#[memscope::track(deep, name = "node")]
enum Node<M> {
    Leaf,
    Text(Vec<String>),
    Inner { children: Vec<Node<M>>, measure: Vec<M> },
}

#[memscope::track(deep)]
struct Generic<Measure, Visitor>(Vec<Measure>, HashMap<Measure, Visitor>);

#[memscope::track(deep, ret)]
fn every_container(list: Vec<Untracked>) -> Vec<Vec<String>> {
    let texts = vec![vec!["a".to_owned()], Vec::new()];
    let queue = VecDeque::from([Cow::Borrowed("a"), Cow::Owned("b".to_owned())]);
    let map = HashMap::from([("a", vec![1]), ("b", vec![2])]);
    let tree = BTreeMap::from([("a".to_owned(), Some(Box::new(1)))]);
    let boxed: Box<[Box<str>]> = Box::new(["a".into()]);
    let errors: Vec<Box<dyn std::error::Error>> = vec!["a".into()];
    let locks = vec![Arc::new(Mutex::new(String::new()))];
    let functions: Vec<fn(&str) -> usize> = vec![str::len];
    let closures = vec![|text: &str| text.len()];
    let sets: Vec<HashSet<u8>> = vec![HashSet::from([1])];
    assert_eq!((list.len(), queue.len(), map.len(), tree.len(), boxed.len()), (1, 2, 2, 1, 1));
    assert_eq!((errors.len(), locks.len(), functions[0]("a"), closures[0]("ab")), (1, 1, 1, 2));
    assert_eq!((sets.len(), list[0].0.len()), (1, 1));
    texts
}

#[memscope::track(deep)]
fn generic<K: Hash + Eq, V, T>(key: K, value: V, values: Vec<T>) -> usize {
    let map = HashMap::from([(key, value)]);
    let list: Vec<Option<T>> = values.into_iter().map(Some).collect();
    map.len() + list.len()
}

/// The types are decided further down.
#[memscope::track(deep)]
fn decided_late(text: &str) -> usize {
    let mut list = Vec::new();
    let mut map = HashMap::new();
    let number = text.parse().unwrap_or_default();
    list.push(Vec::new());
    map.insert(number, Vec::new());
    let _: &HashMap<u8, Vec<String>> = &map;
    list[0].push(text.to_owned());
    list.len() + map.len()
}

#[memscope::track(deep)]
async fn later(texts: Vec<String>) -> usize {
    let copy = texts.clone();
    std::future::ready(()).await;
    copy.len() + texts.len()
}

#[memscope::track(deep)]
mod within {
    pub struct Jar(pub Vec<String>);

    impl Jar {
        pub fn into_labels(self) -> Vec<String> {
            let labels = self.0;
            labels
        }
    }

    pub struct Empty;

    pub union Either {
        pub a: u8,
        pub b: u16,
    }
}

fn main() {
    let texts = every_container(vec![Untracked("a".to_owned())]);
    assert_eq!(texts, [vec!["a".to_owned()], vec![]]);
    assert_eq!(generic("a", 1.0, vec![Untracked(String::new())]), 2);
    assert_eq!(decided_late("7"), 2);
    let future = std::pin::pin!(later(vec!["a".to_owned()]));
    let waker = std::task::Waker::noop();
    let ready = std::future::Future::poll(future, &mut std::task::Context::from_waker(waker));
    assert!(matches!(ready, std::task::Poll::Ready(2)));

    let mut page = Page::<f32>::new();
    page.borrowed.push("a");
    page.any.push(0.5);
    let copy = page.clone();
    assert_eq!(format!("{page:?}"), format!("{copy:?}"));
    let text = Node::Text(vec!["a".to_owned()]);
    drop(Node::Inner { children: vec![Node::Leaf, text], measure: vec![page] });
    drop(Generic(vec![1], HashMap::from([(1, "a".to_owned())])));
    assert_eq!(within::Jar(vec!["a".to_owned()]).into_labels(), ["a"]);
    let _ = (within::Empty, within::Either { a: 1 });

    memscope::track_var!(#[track(deep)] let mut list = vec!["a".to_owned()]);
    memscope::track_var!(#[track(deep, name = "again")] list);
    memscope::track_var!(#[track(deep)] own mut owned = vec![list.clone()]);
    owned.push(Vec::new());
    memscope::snapshot!(*owned, deep);
    memscope::snapshot!(list, deep,);
    list.clear();
    // A variable of that name is what it was.
    let deep = vec![owned.into_inner()];
    memscope::snapshot!(deep);
    memscope::snapshot!(deep[0]);
    memscope::snapshot!(deep[0], deep);
}
