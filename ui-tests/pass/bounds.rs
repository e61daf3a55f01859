//! What can be looked into is the same with hooks on and off, so that bounds hold either way.

use memscope::{Probe, Trackable};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

#[memscope::track]
struct Page {
    text: String,
    probe: Probe<Self>,
}

fn look<T: Trackable>(value: &T) {
    memscope::snapshot!(*value);
    memscope::snapshot!(Mutex::new(Some(Vec::<T>::new())));
}

struct Cache<K, V> {
    map: HashMap<K, Vec<V>>,
}

impl<K, V> Cache<K, V> {
    fn look(&self) -> usize {
        memscope::snapshot!(self.map);
        memscope::snapshot!(self.map, deep);
        self.map.len()
    }
}

fn main() {
    look(&());
    look(&vec![1]);
    look(&String::new());
    look(&VecDeque::from([1]));
    look(&HashMap::from([(1, 2)]));
    look(&BTreeMap::from([(1, 2)]));
    look(&Box::new(1));
    look(&Box::<[u8]>::from([1]));
    look(&Box::<str>::from("a"));
    look(&Rc::new(1));
    look(&Rc::<[u8]>::from([1]));
    look(&Rc::<str>::from("a"));
    look(&Arc::new(1));
    look(&Arc::<[u8]>::from([1]));
    look(&Arc::<str>::from("a"));
    let page = Page { text: "a".to_owned(), probe: Probe::new() };
    look(&page);
    look(&page.probe);
    assert_eq!(page.text, "a");
    assert_eq!(Cache { map: HashMap::from([(1, vec![2])]) }.look(), 1);
}
