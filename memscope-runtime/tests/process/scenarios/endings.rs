//! Variables whose ends the body proves, and some of which it proves nothing.

use std::hint::black_box;

struct Collector(Vec<String>);

impl Collector {
    /// By its name nobody would think that it takes the collector.
    fn push(self, text: &str) -> Vec<String> {
        let mut all = self.0;
        all.push(text.to_owned());
        all
    }
}

fn take(bytes: Vec<u8>) -> usize {
    bytes.len()
}

fn fail() -> usize {
    panic!("as the scenario wants")
}

#[memscope::track]
fn grown(mut argument: Vec<u8>) -> Vec<u8> {
    argument.push(2);
    let passed = Some(take(argument) as u8).into_iter().collect::<Vec<u8>>();
    let mut returned = Vec::with_capacity(8);
    returned.extend(passed);
    returned
}

#[memscope::track]
fn kept(early: bool) -> Option<usize> {
    let mut text = String::with_capacity(6);
    text.push_str("abc");
    if early {
        return None;
    }
    black_box(&text);
    let length = fallible(early).ok()?;
    Some(length)
}

fn fallible(fails: bool) -> Result<usize, std::fmt::Error> {
    if fails { Err(std::fmt::Error) } else { Ok(1) }
}

#[memscope::track]
fn borrowed() {
    let mut only = vec![1_u8];
    only[0] = 2;
    black_box(&mut only);
}

#[memscope::track]
fn misleading() {
    let collector = Collector(Vec::new());
    black_box(collector.push("a"));
}

#[memscope::track]
fn captured() {
    let shared = vec![1_u8];
    let thread = std::thread::spawn(move || take(shared));
    thread.join().unwrap();
}

#[memscope::track]
fn unwound(mut late: Vec<u8>, first: fn() -> usize) -> (usize, usize) {
    late.push(3);
    add(first(), late)
}

fn add(count: usize, bytes: Vec<u8>) -> (usize, usize) {
    (count, bytes.len())
}

/// Two variables of one name: that of the macro and that of whoever calls it.
macro_rules! two_of_a_name {
    ($own:ident) => {
        #[memscope::track]
        fn of_a_name() -> usize {
            let $own = vec![1_u8];
            let v = vec![2_u8, 3];
            black_box(&$own);
            take(v)
        }
    };
}

two_of_a_name!(v);

#[memscope::track]
struct Link<'a> {
    next: Option<&'a Link<'a>>,
}

/// Gives a value beside one that is dropped only after it.
macro_rules! linked_to {
    ($end:expr) => {
        Link { next: Some(&$end) }
    };
}

const END: Link<'_> = Link { next: None };

#[memscope::track]
fn beside_others() {
    let to_a_constant = Link { next: Some(&END) };
    let by_a_macro = linked_to!(Link { next: None });
    black_box((to_a_constant.next.is_some(), by_a_macro.next.is_some()));
    std::mem::forget((to_a_constant, by_a_macro));
}

pub(super) fn endings() {
    beside_others();
    assert_eq!(grown(vec![1]), [2]);
    assert_eq!((kept(false), kept(true)), (Some(1), None));
    borrowed();
    misleading();
    captured();
    std::panic::set_hook(Box::new(|_| {}));
    assert!(std::panic::catch_unwind(|| unwound(Vec::new(), fail)).is_err());
    assert_eq!(unwound(Vec::new(), || 1), (1, 1));
    assert_eq!(of_a_name(), 2);
}
