//! Rates, wherever they can stand. Whatever is left out, the program does the same.
#![forbid(unsafe_code)]

use memscope::Probe;
use std::future::Future;

#[memscope::track(sample = 0.01)]
fn read(text: String) -> usize {
    let words = vec![text.len()];
    words[0]
}

#[memscope::track(sample = 1/3, name = "page", tags("io"))]
#[derive(Clone)]
struct Page {
    text: String,
    probe: Probe<Self>,
}

#[memscope::track(sample = 1e-3)]
enum Shape {
    Round(Vec<u8>),
    Flat,
}

#[memscope::track(sample = 1)]
trait Reader {
    fn text(&self) -> String {
        let text = "text".to_owned();
        text
    }
}

#[memscope::track(sample = 0.5)]
impl Reader for Page {
    fn text(&self) -> String {
        let text = self.text.clone();
        text
    }
}

#[memscope::track(sample = 1/1_000_000)]
mod inner {
    pub struct Kept(pub String);

    pub fn keep<T: Into<String>>(text: T) -> Kept {
        let text = text.into();
        Kept(text)
    }
}

#[memscope::track(sample = 0.25, ret)]
async fn later(text: String) -> String {
    let twice = text.repeat(2);
    twice
}

struct Plain;
impl Reader for Plain {}

fn main() {
    for _ in 0..100 {
        assert_eq!(read("abc".to_owned()), 3);
        let page = Page { text: "a".to_owned(), probe: Probe::new() };
        assert_eq!(page.clone().text(), "a");
        drop(page.probe.clone());
        for shape in [Shape::Round(vec![1]), Shape::Flat] {
            assert!(
                matches!(&shape, Shape::Round(bytes) if bytes.len() == 1)
                    || matches!(shape, Shape::Flat)
            );
        }
        assert_eq!((Plain.text().as_str(), inner::keep("x").0.as_str()), ("text", "x"));
        memscope::track_var!(#[track(sample = 0.5)] let mut words = vec![1]);
        words.push(2);
        let owned = memscope::track_var!(#[track(sample = 1/2, name = "owned")] own words);
        assert_eq!(owned.clone().into_inner(), [1, 2]);
        let mut future = std::pin::pin!(later("ab".to_owned()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(text) = future.as_mut().poll(&mut context) else {
            unreachable!()
        };
        assert_eq!(text, "abab");
    }
}
