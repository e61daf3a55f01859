//! Unlikely uses, and macros that write annotated items.

use memscope::{Probe, track};
use std::fmt::Debug;

macro_rules! tracked_items {
    ($type:ident { $($field:ident: $ty:ty),* } $(fn $method:ident($argument:ident) $body:block)*) => {
        #[track]
        #[derive(Debug, Clone)]
        struct $type { $($field: $ty,)* probe: Probe<Self> }

        #[track(name = "generated")]
        impl $type {
            $(fn $method(self, $argument: String) -> usize {
                let local = $argument.clone();
                let outcome = $body;
                local.len() + outcome
            })*
        }
    };
}

tracked_items! {
    Made { text: String, list: Vec<u8> }
    fn first(a) { a.len() }
    fn second(b) { let inner = b.repeat(2); inner.len() }
}

macro_rules! in_module {
    ($name:ident, $($item:item)*) => {
        #[memscope::track]
        mod $name {
            $($item)*
        }
    };
}

in_module! {
    modular,
    pub enum Choice { Left(String), Right { value: Vec<u8> } }
    pub fn choose(text: String) -> Choice {
        let copy = text.clone();
        if copy.is_empty() { Choice::Right { value: vec![] } } else { Choice::Left(text) }
    }
}

/// Everything at once in one signature.
#[cfg_attr(all(), track(tags("weird")))]
#[must_use]
#[inline(never)]
fn everything<'a, T, F, const N: usize>(
    #[cfg(all())] mut array: [T; N],
    (ref borrowed, Some(_) | None): (String, Option<&'a str>),
    callback: F,
    &number: &usize,
) -> Result<impl Iterator<Item = usize> + use<'a, T, F, N>, Box<dyn std::error::Error + 'a>>
where
    T: Clone + Debug + 'a,
    F: for<'b> FnOnce(&'b T) -> usize + 'a,
    [T; N]: Sized,
{
    let text @ ("" | _) = borrowed.as_str();
    let mut items @ [..] = [text.to_owned(), format!("{array:?}")];
    let r#loop = 'outer: loop {
        let counted = vec![number; 3];
        for (index, _count) in counted.into_iter().enumerate() {
            let label = index.to_string();
            if label == "1" {
                break 'outer label;
            }
        }
    };
    let first = array.first_mut().ok_or("no element")?;
    let length = callback(first);
    let summed = items.iter_mut().map(|item| { let taken = std::mem::take(item); taken.len() }).sum::<usize>();
    Ok([length, summed, r#loop.len()].into_iter())
}

struct Outer;

#[track]
impl Outer {
    fn method(self: Box<Self>) -> impl FnOnce(String) -> usize {
        trait Local {
            fn provided(&self) -> usize {
                let local = vec![1, 2];
                local.len()
            }
        }
        impl Local for Outer {}
        mod hidden {
            pub fn deep() -> usize {
                let deep = String::from("deep");
                deep.len()
            }
        }
        let added = self.provided() + hidden::deep();
        move |text| {
            let captured = text + "!";
            captured.len() + added
        }
    }
}

#[track]
fn never_returns(text: String) -> ! {
    let reason = text;
    std::panic::panic_any(reason)
}

#[track]
fn recursive(depth: usize, mut path: Vec<usize>) -> usize {
    let next = { path.push(depth); path };
    if depth == 0 { return next.len() }
    recursive(depth - 1, next)
}

#[track]
unsafe extern "C" fn callback(data: *mut String) -> usize {
    // SAFETY: the caller's.
    let owned = unsafe { Box::from_raw(data) };
    owned.len()
}

fn main() {
    let made = Made { text: "a".into(), list: vec![1], probe: Probe::new() };
    assert_eq!(made.clone().first("ab".into()), 4);
    assert_eq!(made.second("ab".into()), 6);
    assert!(matches!(modular::choose("x".into()), modular::Choice::Left(text) if text == "x"));
    assert!(matches!(modular::choose(String::new()), modular::Choice::Right { value } if value.is_empty()));
    let result = everything([1_u8, 2], ("t".into(), None), |_| 5, &7).unwrap();
    assert_eq!(result.collect::<Vec<_>>(), [5, 7, 1]);
    assert_eq!(Box::new(Outer).method()("x".into()), 8);
    std::panic::set_hook(Box::new(|_| {}));
    let panic = std::panic::catch_unwind(|| never_returns("why".into())).unwrap_err();
    assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some("why"));
    assert_eq!(recursive(3, vec![]), 4);
    // SAFETY: a box of a string, given away.
    assert_eq!(unsafe { callback(Box::into_raw(Box::new("abc".to_owned()))) }, 3);
}
