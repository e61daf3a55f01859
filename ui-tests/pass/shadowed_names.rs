//! Nothing that the macros emit is found by a name that a program could give to something else.
#![allow(dead_code, non_camel_case_types, non_upper_case_globals, unused_macros)]

mod core {}
mod std {}
mod alloc {}

struct Option;
struct Some;
struct Result;
struct String;
struct Vec;
struct Box;
struct Drop;
struct Slot;
struct Site;
struct Scoped;
struct Shape;
struct Field;
struct FieldVisitor;
struct Trackable;
struct Probe;
trait Inspect {
    fn inspect(&self) -> u8 {
        1
    }
    fn bind(&self) -> u8 {
        2
    }
    fn field(&self) -> u8 {
        3
    }
}
impl<T> Inspect for T {}

const fn scoped() {}
const site: u8 = 1;
static Variable: u8 = 1;
macro_rules! inspect {
    ($($any:tt)*) => {
        compile_error!("not this one")
    };
}
macro_rules! site {
    ($($any:tt)*) => {
        compile_error!("not this one")
    };
}
macro_rules! shape_of {
    ($($any:tt)*) => {
        compile_error!("not this one")
    };
}
macro_rules! offset_of {
    ($($any:tt)*) => {
        compile_error!("not this one")
    };
}

#[memscope::track]
struct Tracked {
    slot: Slot,
    text: ::std::string::String,
}

#[memscope::track]
fn names_like_ours(__memscope_slot_0: ::std::vec::Vec<u8>) -> usize {
    let __memscope_exit_0 = __memscope_slot_0.clone();
    let __memscope_slot_1 = __memscope_exit_0.clone();
    let visitor = __memscope_slot_1.clone();
    __memscope_slot_0.len() + __memscope_exit_0.len() + __memscope_slot_1.len() + visitor.len()
}

#[memscope::track]
fn method_names(text: ::std::string::String) -> u8 {
    let text = text;
    let number = text.inspect() + text.bind() + text.field();
    number
}

fn main() {
    assert_eq!(names_like_ours(::std::vec![1, 2]), 8);
    assert_eq!(method_names(::std::string::String::new()), 6);
    let tracked = Tracked { slot: Slot, text: ::std::string::String::new() };
    let _ = &tracked.slot;
    assert!(tracked.text.is_empty());
    memscope::track_var!(let slot = ::std::vec![1]);
    assert_eq!(slot.len(), 1);
}
