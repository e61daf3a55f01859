//! Each form and option of the macros, in a program that does something with all of them.
//!
//! Not built where it stands: `text_identity` builds it with annotations and without.

use memscope::Probe;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::{LazyLock, Mutex};
use std::task::{Context, Poll, Waker};

#[memscope::track]
static NAMES: LazyLock<Mutex<Vec<String>>> = LazyLock::new(Default::default);

#[memscope::track(name = "table", tags("io", "cache"))]
static TABLE: Mutex<Option<HashMap<String, Vec<u8>>>> = Mutex::new(None);

#[memscope::track]
thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static COUNT: Cell<usize> = Cell::new(black_box(1));
}

/// With an identity, contents and sampling.
#[memscope::track(deep, sample = 1/4)]
#[derive(Clone, PartialEq)]
struct Page {
    text: String,
    words: HashMap<String, Vec<String>>,
    _probe: Probe<Self>,
}

#[memscope::track]
#[derive(Clone)]
enum Message {
    Text {
        text: String,
        _probe: Probe<Self>,
    },
    Close,
}

#[memscope::track(drop = off)]
struct Parts {
    left: String,
    right: String,
}

#[memscope::track(drop = own)]
struct Connection {
    log: Vec<String>,
}

#[memscope::track]
impl Drop for Connection {
    fn drop(&mut self) {
        NAMES.lock().unwrap().append(&mut self.log);
    }
}

#[memscope::track(drop = off)]
#[derive(Clone, Copy)]
union Either {
    number: u32,
    bytes: [u8; 4],
}

#[memscope::track(ret, deep)]
impl Page {
    #[inline(never)]
    fn new(text: &str) -> Self {
        let mut words: HashMap<String, Vec<String>> = HashMap::new();
        for word in text.split(' ') {
            let key = word.to_lowercase();
            words.entry(key).or_default().push(word.to_owned());
        }
        Self {
            text: text.to_owned(),
            words,
            _probe: Probe::new(),
        }
    }

    #[inline(never)]
    fn parse(text: Option<&str>) -> Result<Option<Box<Self>>, String> {
        let text = text.ok_or_else(|| "no text".to_owned())?;
        let page = Self::new(text);
        Ok((page.words.len() > 1).then(|| Box::new(page)))
    }

    #[memscope::track(skip)]
    #[inline(never)]
    fn into_text(self) -> usize {
        let text = self.text.clone();
        text.len()
    }
}

#[memscope::track]
trait Shape {
    fn sides(&self) -> Vec<u32>;

    fn longest(&self) -> Option<u32> {
        let sides = self.sides();
        sides.iter().copied().max()
    }
}

impl Shape for [u32; 3] {
    fn sides(&self) -> Vec<u32> {
        self.to_vec()
    }
}

#[memscope::track(sample = 0.01, vars = all, args = none)]
mod store {
    pub(super) struct Store {
        pub(super) pages: Vec<String>,
    }

    impl Store {
        #[inline(never)]
        pub(super) fn of(text: String) -> Self {
            let pages = text.split('.').map(str::to_owned).collect();
            Self { pages }
        }
    }
}

#[memscope::track(sample = 1/100, ret, skip(left))]
#[inline(never)]
fn joined(left: String, right: String) -> String {
    let parts = Parts { left, right };
    let Parts { left, right } = parts;
    let both = left + &right;
    if both.is_empty() {
        return String::from("none");
    }
    both
}

#[memscope::track(ret)]
#[inline(never)]
async fn later(text: String) -> Vec<String> {
    let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    Twice(false).await;
    words
}

#[memscope::track(sample = 0.5)]
#[inline(never)]
fn boxed(text: String) -> Pin<Box<dyn Future<Output = usize>>> {
    Box::pin(async move {
        let words = later(text).await;
        words.len()
    })
}

/// Is ready when it is polled again.
struct Twice(bool);

impl Future for Twice {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        Poll::Pending
    }
}

#[inline(never)]
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

#[inline(never)]
fn variables(text: &str) -> usize {
    memscope::track_var!(let mut words: Vec<&str> = text.split(' ').collect());
    words.sort_unstable();
    memscope::track_var!(#[track(deep, sample = 0.5)] let owned: Vec<String> = words.iter().map(|w| w.to_string()).collect());
    memscope::snapshot!(owned, deep);
    memscope::track_var!(let Some(first) = owned.first() else { return 0 });
    first.len() + words.len()
}

#[inline(never)]
fn values(text: &str) -> usize {
    memscope::track_var!(own mut inbox: Vec<String> = Vec::with_capacity(4));
    inbox.push(text.to_owned());
    inbox.extend(text.split(' ').map(str::to_owned));
    let outbox = memscope::tracked!(inbox.to_vec());
    let outbox = memscope::Tracked::into_inner(outbox);
    memscope::snapshot!(outbox);
    outbox.iter().map(String::len).sum::<usize>() + inbox.len()
}

fn main() {
    let text = black_box("a B c b A".to_owned());
    let page = Page::new(&text);
    let same = page.clone() == page;
    let parsed = Page::parse(Some(&text)).map(|page| page.map(|page| page.into_text()));
    let message = Message::Text {
        text: text.clone(),
        _probe: Probe::new(),
    };
    let messages = [message.clone(), Message::Close, message];
    let length: usize = messages.iter().map(|one| if let Message::Text { text, .. } = one { text.len() } else { 0 }).sum();
    drop(messages);
    drop(Connection { log: vec![text.clone()] });
    let either = black_box([Either { bytes: [0; 4] }, Either { number: 1 }]);
    *TABLE.lock().unwrap() = Some(HashMap::from([(text.clone(), vec![1])]));
    BUFFER.with_borrow_mut(|buffer| buffer.extend(text.as_bytes()));
    COUNT.set(COUNT.get() + either.len());
    println!("{} {same} {parsed:?} {length} {:?}", page.words.len(), [1, 3, 2].longest());
    println!("{} {}", store::Store::of(text.clone()).pages.len(), joined(text.clone(), text.clone()));
    println!("{:?} {}", run(later(text.clone())), run(boxed(text.clone())));
    println!("{} {}", variables(&text), values(&text));
    println!("{:?} {} {:?}", NAMES.lock().unwrap(), COUNT.get(), BUFFER.take());
}
