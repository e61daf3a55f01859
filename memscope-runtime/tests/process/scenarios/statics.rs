//! Statics and thread-locals that hold containers. None is made before it is used: other scenarios end without a word of them.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, OnceLock, RwLock};

#[memscope::track]
struct Store {
    name: String,
    pages: Vec<u16>,
}

#[memscope::track]
static PLAIN: LazyLock<Mutex<Vec<u32>>> = LazyLock::new(Default::default);

#[memscope::track]
static SHARED: LazyLock<RwLock<HashMap<u8, u8>>> = LazyLock::new(Default::default);

#[memscope::track]
static STORE: OnceLock<Mutex<Option<Store>>> = OnceLock::new();

#[memscope::track]
static NEVER_MADE: LazyLock<Vec<u8>> = LazyLock::new(|| panic!("made by looking at it"));

#[memscope::track]
static LOCKED: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Default::default);

#[memscope::track]
static POISONED: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Default::default);

pub(super) fn statics() {
    std::panic::set_hook(Box::new(|_| {}));
    PLAIN.lock().unwrap().reserve_exact(10);
    memscope::snapshot!(PLAIN);
    PLAIN.lock().unwrap().extend([1, 2, 3]);
    SHARED.write().unwrap().insert(1, 2);
    println!("room {}", SHARED.read().unwrap().capacity());
    let store = Store { name: "ab".to_owned(), pages: Vec::with_capacity(7) };
    std::hint::black_box((&store.name, &store.pages));
    STORE.get_or_init(Mutex::default).lock().unwrap().replace(store);
    let poisoned = std::thread::spawn(|| {
        let mut poisoned = POISONED.lock().unwrap();
        poisoned.push(1);
        panic!("as it is to");
    });
    assert!(poisoned.join().is_err());
    if std::env::args().len() == 0 {
        NEVER_MADE.len();
    }
    std::mem::forget(LOCKED.lock().unwrap());
}

/// Threads, each with values of its own.
pub(crate) const THREADS: u64 = 3;

#[memscope::track]
thread_local! {
    static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static UNUSED: RefCell<String> = RefCell::default();
    static OWNED: OnceCell<Store> = const { OnceCell::new() };
    static BARE: Vec<u8> = vec![1, 2];
}

pub(super) fn thread_locals() {
    for n in 1..=THREADS {
        let thread = std::thread::spawn(move || {
            NAMES.with_borrow_mut(|names| {
                names.reserve_exact(8);
                names.extend((0..n).map(|n| n.to_string()));
            });
            if n == 1 {
                UNUSED.with_borrow(String::len);
            }
            let store = || Store { name: "abc".to_owned(), pages: Vec::with_capacity(4) };
            OWNED.with(|owned| {
                owned.get_or_init(store).pages.len() + owned.get().unwrap().name.len()
            });
            assert_eq!(BARE.with(Vec::len), 2);
        });
        thread.join().unwrap();
    }
}
