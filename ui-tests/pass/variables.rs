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

fn main() {
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
