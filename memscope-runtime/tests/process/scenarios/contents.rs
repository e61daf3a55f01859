//! Containers whose contents are read, and what the program counts of them by itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Keys of the maps.
pub(crate) const KEYS: u64 = 1_000;

#[memscope::track]
struct Book {
    title: String,
    pages: Vec<Box<[u8]>>,
}

#[memscope::track(deep)]
struct Shelf {
    books: Vec<Book>,
    shared: Vec<Rc<String>>,
    closed: Vec<Mutex<String>>,
    plain: Vec<u64>,
    title: String,
}

fn book(number: usize) -> Book {
    let mut title = String::with_capacity(10 * number);
    title.push_str(&"t".repeat(number));
    let mut pages = Vec::with_capacity(number);
    pages.extend((0..number / 2).map(|page| vec![0; page].into()));
    Book { title, pages }
}

fn books() -> Vec<Book> {
    (0..5).map(book).collect()
}

/// Blocks, bytes in use and bytes of room that the elements own.
fn count(books: &[Book]) -> [usize; 3] {
    let mut counted = [0; 3];
    let mut block = |used, room| {
        if room > 0 {
            counted = [counted[0] + 1, counted[1] + used, counted[2] + room];
        }
    };
    for book in books {
        let fat = size_of::<Box<[u8]>>();
        block(book.title.len(), book.title.capacity());
        block(book.pages.len() * fat, book.pages.capacity() * fat);
        book.pages.iter().for_each(|page| block(page.len(), page.len()));
    }
    counted
}

#[memscope::track(deep)]
fn born() {
    let books = books();
    let number = books.len();
    let nothing: Option<String> = None;
    std::hint::black_box((&books, number, nothing));
    let mut grown = Vec::new();
    grown.push("12345".to_owned());
    std::hint::black_box(&grown);
    let mut filled_later = Vec::new();
    filled_later.push(RefCell::new(String::new()));
    std::hint::black_box(&filled_later);
    fill(&filled_later);
}

/// Changes what is in a container that it only borrows.
fn fill(cells: &[RefCell<String>]) {
    cells.iter().for_each(|cell| cell.borrow_mut().push_str("45"));
}

/// Not asked for: what is in it is not read.
#[memscope::track]
fn shallow() {
    let shallow = vec![String::from("abc")];
    memscope::snapshot!(shallow);
}

#[memscope::track(deep)]
mod within {
    pub(super) struct Crate {
        pub(super) jars: Vec<String>,
    }

    #[memscope::track]
    impl Drop for Crate {
        fn drop(&mut self) {}
    }

    pub(super) fn argument(jars: Vec<String>) {
        drop(Crate { jars });
    }
}

/// Hashes by a function that is tracked, as `Call`s show.
struct Key(u64);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Key {}

static PANICS: AtomicBool = AtomicBool::new(false);

impl Hash for Key {
    #[memscope::track]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let tracked = vec![self.0];
        assert!(!PANICS.load(Ordering::Relaxed), "as it is to");
        tracked[0].hash(state);
    }
}

/// Gives every key one of 16 hashes.
#[derive(Default)]
struct Bad(u64);

impl Hasher for Bad {
    fn finish(&self) -> u64 {
        self.0 % 16
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, byte| sum.wrapping_mul(31) + u64::from(*byte));
    }
}

fn maps() {
    let good: HashMap<u64, u64> = (0..KEYS).map(|n| (n, n)).collect();
    memscope::snapshot!(good, deep);
    let bad: HashMap<u64, u64, BuildHasherDefault<Bad>> = (0..KEYS).map(|n| (n, n)).collect();
    memscope::snapshot!(bad, deep);
    let traced: HashMap<Key, ()> = [(Key(1), ()), (Key(2), ())].into();
    memscope::snapshot!(traced, deep);
    PANICS.store(true, Ordering::Relaxed);
    std::panic::set_hook(Box::new(|_| {}));
    let fragile = &traced;
    memscope::snapshot!(*fragile, deep);
    PANICS.store(false, Ordering::Relaxed);
    // What comes behind a panic in a hook is recorded as ever.
    memscope::track_var!(let behind = vec![1]);
    drop(behind);
}

pub(super) fn contents() {
    let [blocks, used, room] = count(&books());
    println!("blocks {blocks}\nused {used}\nroom {room}");
    born();
    shallow();
    drop(Shelf {
        books: books(),
        shared: vec![Rc::new("a".to_owned()), Rc::new("b".to_owned())],
        closed: vec![Mutex::new("a".to_owned())],
        plain: vec![1, 2],
        title: "title".to_owned(),
    });
    within::argument(vec!["12".to_owned(), "345".to_owned()]);
    memscope::track_var!(#[track(deep)] own mut owned: Vec<String> = Vec::new());
    owned.push("1234".to_owned());
    std::hint::black_box(owned.into_inner());
    maps();
}
