//! Statics and thread-locals of every kind, and all that can be done with them.
#![deny(warnings)]
#![forbid(unsafe_code)]

use std::cell::{Cell, LazyCell, OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock, RwLock};
use std::thread::AccessError;

#[memscope::track]
static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[memscope::track(name = "pages", tags("cache"))]
pub static PAGES: LazyLock<RwLock<HashMap<u32, String>>> = LazyLock::new(Default::default);

#[memscope::track]
static ONCE: OnceLock<Box<[u8]>> = OnceLock::new();

#[memscope::track]
static COUNT: AtomicU32 = AtomicU32::new(0);

#[memscope::track]
static TEXT: &str = "a";

#[memscope::track(skip)]
static SKIPPED: Mutex<String> = Mutex::new(String::new());

#[memscope::track]
#[cfg(any())]
static NOT_THERE: Nothing = Nothing;

#[memscope::track]
struct Store {
    names: Vec<String>,
}

#[memscope::track]
static STORE: RwLock<Option<Store>> = RwLock::new(None);

mod inner {
    #[memscope::track]
    pub(super) static DEPTH: std::sync::Mutex<Vec<u8>> = std::sync::Mutex::new(Vec::new());
}

#[memscope::track]
thread_local! {
    /// Docs.
    static LIST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    #[allow(dead_code)]
    pub(crate) static NUMBER: Cell<u32> = Cell::new(COUNT.load(Ordering::Relaxed));
    static LAZY: LazyCell<String> = LazyCell::new(|| "lazy".to_owned());
    static DYNAMIC: RefCell<Box<dyn Fn() -> u32>> = RefCell::new(Box::new(|| 1));
    #[cfg(any())]
    static NOT_THERE_EITHER: Nothing = Nothing;
    static OWNED: OnceCell<String> = const { OnceCell::new() }
}

#[memscope::track(name = "set first")]
std::thread_local! {
    static NEVER_MADE: RefCell<Vec<u8>> = panic!("made though it was set");
}

#[memscope::track]
thread_local!();

fn in_a_function() -> usize {
    #[memscope::track]
    static LOCAL: Mutex<String> = Mutex::new(String::new());
    let mut local = LOCAL.lock().unwrap();
    local.push('x');
    local.len()
}

fn main() {
    NAMES.lock().unwrap().push("a".to_owned());
    PAGES.write().unwrap().insert(1, TEXT.to_owned());
    assert_eq!(ONCE.get_or_init(|| Box::new([1])).len(), 1);
    COUNT.fetch_add(3, Ordering::Relaxed);
    SKIPPED.lock().unwrap().push('x');
    *STORE.write().unwrap() = Some(Store { names: vec![String::new()] });
    assert_eq!(STORE.read().unwrap().as_ref().map(|store| store.names.len()), Some(1));
    inner::DEPTH.lock().unwrap().push(1);
    assert_eq!((in_a_function(), in_a_function()), (1, 2));
    memscope::snapshot!(NAMES);
    memscope::snapshot!(*NAMES.lock().unwrap());

    LIST.with_borrow_mut(|list| list.push(1));
    assert_eq!(LIST.with_borrow(Vec::len), 1);
    assert_eq!(LIST.replace(vec![2, 3]), [1]);
    assert_eq!(LIST.take(), [2, 3]);
    LIST.set(vec![4]);
    LIST.with(|list| assert_eq!(*list.borrow(), [4]));
    let tried: Result<usize, AccessError> = LIST.try_with(|list| list.borrow().len());
    assert!(tried.is_ok());
    assert_eq!((NUMBER.get(), NUMBER.replace(4), NUMBER.take()), (3, 3, 4));
    NUMBER.set(5);
    assert_eq!(NUMBER.get(), 5);
    assert_eq!(LAZY.with(|text| text.len()), 4);
    assert_eq!(DYNAMIC.with_borrow(|function| function()), 1);
    OWNED.with(|owned| owned.get_or_init(String::new).len());
    NEVER_MADE.set(vec![1]);
    assert_eq!(NEVER_MADE.take(), [1]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(LIST.with_borrow(Vec::is_empty));
            NUMBER.set(6);
            assert_eq!(NUMBER.get(), 6);
        });
    });
    assert_eq!(NUMBER.get(), 5);
}
