//! A tracked thread-local has the methods of the plain one, and they do the same.

use std::cell::{Cell, RefCell};

/// The same, with the attribute and without.
macro_rules! calls {
    ($module:ident $(, #[$attribute:meta])?) => {
        mod $module {
            use super::*;

            /// Uses the others when its thread ends, and they may be gone.
            struct AtEnd;

            impl Drop for AtEnd {
                fn drop(&mut self) {
                    let _ = NUMBER.try_with(Cell::get);
                    let _ = LIST.try_with(|list| list.borrow().len());
                }
            }

            $(#[$attribute])?
            thread_local! {
                static NUMBER: Cell<u32> = Cell::new(told("number", 3));
                static OTHER: Cell<u32> = Cell::new(told("other", 4));
                static MOVED: Cell<String> = Cell::new(told("moved", "a".to_owned()));
                static LIST: RefCell<Vec<u8>> = RefCell::new(told("list", vec![1]));
                static SET: RefCell<Vec<u8>> = RefCell::new(told("set", vec![2]));
                static PLAIN: Vec<u8> = told("plain", vec![3]);
                static AT_END: AtEnd = told("at end", AtEnd);
            }

            pub(crate) fn run() -> String {
                AT_END.with(|_| ());
                let mut seen = Vec::new();
                seen.push(format!("{} {}", PLAIN.with(Vec::len), PLAIN.with::<_, u8>(|plain| plain[0])));
                seen.push(format!("{:?} {:?}", PLAIN.try_with(Vec::len), PLAIN.try_with::<_, ()>(|_| ())));

                seen.push(format!("{} {} {}", NUMBER.get(), NUMBER.replace(5), NUMBER.take()));
                NUMBER.set(6);
                OTHER.set(7);
                seen.push(format!("{} {}", NUMBER.get(), OTHER.get()));
                seen.push(format!("{:?} {:?}", MOVED.replace("b".to_owned()), MOVED.take()));

                seen.push(format!("{:?}", LIST.with_borrow_mut::<_, usize>(|list| { list.push(9); list.len() })));
                seen.push(format!("{:?} {:?}", LIST.with_borrow::<_, usize>(Vec::len), LIST.replace(vec![4])));
                SET.set(vec![5, 6]);
                seen.push(format!("{:?} {:?} {:?}", SET.take(), LIST.take(), LIST.take()));
                let nested = std::panic::catch_unwind(|| LIST.with_borrow(|_| LIST.set(Vec::new())));
                seen.push(format!("{}", nested.is_err()));
                seen.join(", ")
            }
        }
    };
}

thread_local! {
    /// Which initialisers ran.
    static TOLD: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

fn told<T>(name: &'static str, value: T) -> T {
    TOLD.with_borrow_mut(|told| told.push(name));
    value
}

calls!(plain);
calls!(tracked, #[memscope::track]);

fn in_a_thread(run: fn() -> String) -> (String, Vec<&'static str>) {
    std::thread::spawn(move || (run(), TOLD.take())).join().unwrap()
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let (plain, tracked) = (in_a_thread(plain::run), in_a_thread(tracked::run));
    assert_eq!(plain, tracked);
    // `set` makes no value to be replaced.
    assert_eq!(plain.1, ["at end", "plain", "number", "moved", "list"]);
}
