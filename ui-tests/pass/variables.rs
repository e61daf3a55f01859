//! Every form of `track_var!`.

fn fallible(text: &str) -> Option<usize> {
    memscope::track_var!(let length = text.strip_prefix("a")?.len());
    memscope::track_var! {
        let Some(first) = text.chars().next() else {
            return None;
        };
    }
    memscope::track_var!(
        #[cfg(any())]
        let length = no_such_function();
    );
    Some(length + first.len_utf8())
}

struct Reader<'a> {
    text: &'a String,
    position: Box<usize>,
}

fn several() {
    memscope::track_var!(let (left, (mut middle, right)) = (vec![1], (vec![2], vec![3])));
    middle.extend(right);
    memscope::track_var! {
        let first = left.len();
        let Some(second) = middle.pop() else { return; };
        let third = { let inner = 3; inner };
    }
    assert_eq!((first, second, third), (1, 3, 3));
    // The temporary lives as long as the variable.
    memscope::track_var!(let reader = Reader { text: &String::from("a"), position: Box::new(first) });
    memscope::track_var!(let borrowed = &vec![*reader.position]);
    assert_eq!((reader.text.as_str(), borrowed.len()), ("a", 1));
}

fn existing(argument: String, (left, mut right): (Vec<u8>, Vec<u8>)) -> usize {
    memscope::track_var!(argument, left, mut right);
    right.push(1);
    let pointer: *const u8 = left.as_ptr();
    memscope::track_var!(pointer,);
    assert!(!pointer.is_null());
    let own = 1;
    memscope::track_var!(own);
    for text in [argument.as_str(), "b"] {
        memscope::track_var!(text);
        match text.len() {
            length => {
                memscope::track_var!(length);
                assert_eq!(length, 1);
            }
        }
    }
    // Tracking moves nothing.
    drop(argument);
    left.len() + right.len()
}

struct Name(String);

impl Name {
    fn length(self) -> usize {
        memscope::track_var!(self);
        self.0.len()
    }
}

fn options() {
    memscope::track_var!(#[track(name = "cache", tags("io", "slow"))] let pages = vec![1]);
    memscope::track_var!(
        #[memscope::track(tags("io"))]
        pages
    );
    memscope::track_var!(#[track(name = "other")] own copy = pages.clone());
    memscope::track_var!(#[track(tags("x"))] #[allow(unused_mut)] let mut number = 1);
    assert_eq!(*copy, pages);
    assert_eq!(number, 1);
}

fn main() {
    several();
    assert_eq!(existing("a".to_owned(), (vec![1], vec![])), 2);
    assert_eq!(Name("ab".to_owned()).length(), 2);
    options();
    memscope::track_var!(let text = String::from("a"));
    memscope::track_var!(let mut list = Vec::new(););
    list.push(text.as_str());
    memscope::track_var!(let typed: Box<dyn Fn() -> usize> = Box::new(|| 3));
    memscope::track_var!(let number = 3);
    memscope::track_var!(let reference = &text);
    memscope::track_var![let (only, _) = (vec![1], vec![2])];
    memscope::track_var!(let closure = || reference.len());
    memscope::track_var!(let _guard = std::sync::Mutex::new(1));
    assert_eq!(list.len() + typed() + number + closure() + only.len(), 9);
    assert_eq!(fallible("abc"), Some(3));
    assert_eq!(fallible("bc"), None);
    for i in 0..2 {
        memscope::track_var!(let text = i.to_string());
        assert_eq!(text.len(), 1);
    }
}
