//! The macros of memscope. Use them through memscope-runtime, which re-exports [`macro@track`] and wraps
//! [`track_var!`](macro@track_var); the code that they emit names that crate and the language's own `core`, nothing else.
//!
//! What they do not do: they do not wrap a body in a closure or a block, do not print a body anew, emit no unsafe
//! code, and emit the item even when they report an error.
//!
//! The way through the crate: `attr` reads the options and `model` the item, `check` finds what must not be,
//! `errors` gathers what is wrong from all three, and `expand` emits.

mod attr;
mod bindings;
mod check;
mod data;
mod errors;
mod expand;
mod inner_attributes;
mod manifest;
mod markers;
mod model;
mod nearest;
mod ownership;
mod rate;
#[cfg(test)]
mod tests;

use attr::Options;
use errors::Errors;
use expand::{Declaration, Mode};
use inner_attributes::Hidden;
use model::Subject;
use proc_macro2::TokenStream;

/// Tracks the variables of a function, the values of a type or what a static holds; or all that is in an impl block, trait or
/// module.
///
/// ```
/// use memscope::Probe;
///
/// #[memscope::track]
/// struct Session {
///     user: String,
///     pages: Vec<u32>,
///     probe: Probe<Self>,
/// }
///
/// #[memscope::track]
/// fn load(user: String) -> Session {
///     let pages: Vec<u32> = (0..10).collect();
///     Session { user, pages, probe: Probe::new() }
/// }
///
/// let session = load("ada".to_owned());
/// assert_eq!((session.user.as_str(), session.pages.len()), ("ada", 10));
/// # let _ = &session.probe;
/// ```
///
/// # On a function
///
/// On a free function, a method or a provided trait method; also `async`, `unsafe`, `extern` and generic ones. It
/// records, as sites named `load::pages`:
///
/// * every variable that a `let` declares, at any depth: in loops, arms, closures and `async` blocks. Recorded are
///   its birth, after the initialiser, with length, capacity and heap address if it is a container; and its end,
///   with the time that its drop took, the drops within it, and whether the thread was panicking. Of a variable
///   that is one of several in a pattern, and of one whose initialiser keeps a temporary alive beside it, only the
///   end of the scope is recorded: its drop cannot be told apart from its neighbour's.
/// * every argument taken by value, and `self`: its birth when the body begins (of an `async fn`: when it is first
///   polled) and the end of its scope.
/// * every call: when it ended, how long it took, how many recorded calls enclosed it, and whether it unwound. Two readings of
///   the clock and one event. Calls that have not ended when the process does are not recorded.
/// * of an `async fn`, and of a function that makes the async block that it says it returns (as `impl Future`,
///   `Pin<Box<dyn Future>>` or `BoxFuture`), instead: every poll, on the thread that polls, and of each future when it was
///   first polled, within which other, and whether it came to its end, was dropped before or unwound; of an `async fn` also where
///   it was called, and within which task. The `async fn` becomes a function that returns its future, as the compiler makes of it; it
///   stays one, and its future is made within another, if it has an ABI (`extern`), returns `!` or is provided by a trait, or if
///   there is on it, or on its impl block, any other attribute than `doc`, `cfg`, `inline`, `cold`, `deprecated`, `automatically_derived`, the
///   levels of lints, those of clippy and rustfmt, and `cfg_attr` with these: then where it was called is unknown, as it is where it is called
///   through a pointer, as a value, or as an `impl Fn` or `impl AsyncFn`. The block may be in a `Box::pin`, in a variable or in a branch.
///
/// Whether a variable was dropped at the end of its scope or had been moved is recorded where that is certain: by a drop hook
/// of its type that ran or did not; or by the body, if all that it does with the variable by name is to borrow it (`&v`, `v[i]`,
/// `v += 1`, `v == w`, but not `v.len()`, which may take it), if it has just been borrowed and is not changed or named otherwise
/// any more, or if the next thing that a statement does with it is to move it (`f(v)`, `return v`, `Some(v)`, `move || v.len()`).
/// Of a `mut` container that stays or is moved so the last state is recorded, too: one more event. Of all others the end
/// stays unknown, as after a panic on the way to a move. Of each variable's site a report says where its values may go, as far as the
/// body shows: nowhere else, out by `return`, into a closure or future that takes them along, or to other functions.
///
/// Functions, impl blocks and traits inside the body are included, as `load::inner::pages`.
///
/// With the option `ret`, what the function returns is recorded too, as `load::return value`: how many values of which type
/// and size, whatever way they are returned, also by a `?` or from another macro. Such a value is born when the function has
/// returned, and moved out at once. If it is a container, its length, capacity and heap address are recorded, unless it was
/// returned from another macro or the type is written with `impl`. Of an `async fn` it is what the future gives. What a call
/// returns that a destructor makes while its thread unwinds is not recorded: nothing tells whether that call unwinds too.
///
/// Not recorded are: variables whose type has nothing to drop, such as numbers and references (`track_var!` records
/// those too); `let v;` without a value; bindings of `match`, `if let`, `for` and closure arguments; what stands in another
/// macro's arguments; code that the compiler runs, as in `const { .. }`.
///
/// ```
/// #[memscope::track]
/// fn longest(texts: Vec<String>) -> Option<String> {
///     let mut best = None; // its type is decided further down
///     for text in texts {
///         let (length, text) = (text.len(), text.trim().to_owned());
///         if best.as_ref().is_none_or(|(longest, _)| length > *longest) {
///             best = Some((length, text));
///         }
///     }
///     let (_, text) = best?;
///     Some(text)
/// }
///
/// assert_eq!(longest(vec!["a".into(), "abc".into()]).as_deref(), Some("abc"));
/// ```
///
/// ```
/// # use std::{future::Future, pin::{Pin, pin}, task::{Context, Poll, Waker}};
/// #[memscope::track]
/// async fn fetch(id: u64) -> String {
///     let path = format!("/{id}");
///     path + ".html"
/// }
///
/// #[memscope::track(ret)]
/// fn fetch_all(ids: Vec<u64>) -> Pin<Box<dyn Future<Output = Vec<String>>>> {
///     Box::pin(async move {
///         let mut pages = Vec::new();
///         for id in ids {
///             pages.push(fetch(id).await);
///         }
///         pages
///     })
/// }
/// # let mut future = pin!(fetch_all(vec![1, 2]));
/// # let Poll::Ready(pages) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
/// # assert_eq!(pages, ["/1.html", "/2.html"]);
/// ```
///
/// # On a struct, enum or union
///
/// Records the layout (each field's type and size, its offset in a struct or union, which fields are zero-sized; and of
/// a `PhantomData` marker, how it makes the type vary with each parameter and whether it keeps it from being `Send` or `Sync`),
/// and each drop: when, on which thread, how deep within other drops, whether panicking, and
/// the states of the containers among the fields that the value has.
///
/// With a *last* field `probe: Probe<Self>`, in an enum in each variant that needs it, every value has an identity that
/// moves with it: births, clones and lifetimes are recorded too, and how long the drop took, fields included. Without one,
/// births are only known of the values that the type's own functions make, if their `impl` block has the attribute too: where
/// a function that returns `Self`, alone or in a wrapper, returns a literal of the type, or a variable that it was put in. A
/// report says of such a type that at least so many were born, by the rule `constructors`, and at least so many are alive as
/// were not dropped. Values made by derives, by a `const fn` or elsewhere are not among them, and none is counted twice when one
/// function calls another.
///
/// ```
/// use memscope::Probe;
///
/// #[memscope::track]
/// enum Message {
///     Text(String, Probe<Self>),
///     Close,
/// }
///
/// let queue = vec![Message::Text("a".to_owned(), Probe::new()), Message::Close];
/// assert!(matches!(&queue[0], Message::Text(text, _) if text == "a"));
/// ```
///
/// The attribute writes an `impl Drop`, which the compiler answers with an error where a type must not have one: see
/// [below](#errors-that-the-compiler-words).
///
/// `drop = off` is the way out: layout, and with a `Probe` births and ends, without the hook at the beginning of a
/// drop. An `impl Drop` that the type has gets the hook by an attribute of its own, which `drop = own` asks for: it is an
/// error then, with hooks on, if there is none.
///
/// ```
/// #[memscope::track(drop = off)]
/// struct Parts {
///     left: String,
///     right: String,
/// }
///
/// let Parts { left, right } = Parts { left: "a".into(), right: "b".into() };
/// assert_eq!(left + &right, "ab");
/// ```
///
/// ```
/// #[memscope::track(drop = own)]
/// struct Connection {
///     log: Vec<String>,
/// }
///
/// #[memscope::track]
/// impl Drop for Connection {
///     fn drop(&mut self) {
///         self.log.push("closed".to_owned());
///     }
/// }
/// # drop(Connection { log: Vec::new() });
/// ```
///
/// # On a static or a thread-local
///
/// Of a static, the containers in it are recorded when the program ends, through the locks, cells and lazily made values that
/// `snapshot!` follows too: what is locked then is not waited for, and what was not made is not made. A
/// static is not born and not dropped, and of one that holds no container nothing is recorded. Values that are only reached by a pointer, as in `Arc<Mutex<..>>`, are not followed.
///
/// A `thread_local!` with the attribute records the value of each thread that uses it: birth, drop with time and drops within,
/// and at the drop the containers in it. With hooks on it has all methods of a `LocalKey` that are stable, but is none: what takes a
/// `&LocalKey` does not take it. It must stand outside of functions, where the compiler has no attributes on such macros.
///
/// ```
/// use std::cell::RefCell;
/// use std::sync::{LazyLock, Mutex};
///
/// #[memscope::track]
/// static NAMES: LazyLock<Mutex<Vec<String>>> = LazyLock::new(Default::default);
///
/// #[memscope::track]
/// thread_local! {
///     static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
/// }
///
/// fn main() {
///     NAMES.lock().unwrap().push("ada".to_owned());
///     BUFFER.with_borrow_mut(|buffer| buffer.extend(b"ada"));
/// #   assert_eq!(BUFFER.take(), b"ada");
/// }
/// ```
///
/// # On an impl block, trait or module
///
/// Everything inside, as if it had the attribute: functions and methods, called `Store::read::text`, and in a module the
/// types too, but without an `impl Drop`: as with `drop = off`, an `impl Drop` that stands there gets the hook. What has the attribute
/// itself goes by its own options, and only with it statics are recorded; `#[memscope::track(skip)]` leaves it out. What cannot be tracked, such as a `const fn`, stays
/// as it is. A module must be written out where the attribute stands: the compiler has no such attributes on `mod store;`.
///
/// ```
/// #[memscope::track]
/// mod store {
///     pub struct Store {
///         pages: Vec<String>,
///     }
///
///     impl Store {
///         pub fn new(text: String) -> Self {
///             let pages = text.split('.').map(str::to_owned).collect();
///             Self { pages }
///         }
///
///         #[memscope::track(skip)]
///         pub fn into_pages(self) -> Vec<String> {
///             self.pages
///         }
///     }
/// }
///
/// assert_eq!(store::Store::new("a.b".to_owned()).into_pages(), ["a", "b"]);
/// ```
///
/// # Options
///
/// | option | on | meaning |
/// |---|---|---|
/// | `name = "..."` | function, type, static, impl, trait | what sites are called, instead of the item's own name |
/// | `tags("...", ...)` | all | words that captures and reports carry with each site |
/// | `skip` | all | leave the item out of what an attribute around it tracks |
/// | `skip(a, b)` | function | leave these variables and arguments out |
/// | `vars(a, b)` | function | only these variables |
/// | `vars = all`, `vars = none` | function, impl, trait, module | all variables, which is the default, or none |
/// | `args(a, b)`, `args = all`, `args = none` | as `vars` | the same for arguments |
/// | `ret` | function, impl, trait, module | return values too |
/// | `deep` | all but statics and thread-locals | the contents of containers too: see below |
/// | `sample = 0.01`, `sample = 1/100` | all but statics and thread-locals | of so many values, calls and tasks record one, chosen by chance; see below |
/// | `drop = on`, `drop = off` | type | an `impl Drop`, which is the default, or none |
/// | `drop = own` | type | the same hook in the type's own `impl Drop`, which has the attribute |
/// | `crate = path` | all | where memscope is, for macros and crates that re-export it; another name that the manifest gives it is found |
///
/// ```
/// extern crate memscope as scope;
///
/// #[scope::track(name = "reader", tags("io"), skip(path), crate = scope)]
/// fn read(path: String) -> usize {
///     let text = path.repeat(2);
///     text.len()
/// }
/// # assert_eq!(read("ab".into()), 4);
/// ```
///
/// # Contents of containers
///
/// With `deep`, wherever the state of a container is read (at a variable's birth and where its last state is known, of the fields when
/// a value begins to be dropped, of a return value with `ret`, at a `Tracked`'s birth and end, and by `snapshot!(v, deep)`), it is also
/// gone through; not so what a static holds, or a lock that `snapshot!` looks into:
///
/// * what its elements own in blocks of the heap, with what is in those blocks, and so on: how many blocks, their bytes (capacity
///   times element size) and the bytes of them in use. The container's own block is in its state already.
/// * of a `HashMap`, how well its keys are spread: each is hashed as the map does it; how many hashes differ, at how many buckets
///   the searches for them begin, and how many at the same one at most. How many buckets there are is inferred from the map's capacity.
///
/// Known are the types of the standard library and annotated ones, whose fields are gone through, annotated with `deep`
/// or not. A value of any other type that has something to drop is counted as unknown, as is in generic code one of
/// a type parameter; so are what is in a `Mutex`, the nodes of a tree, and what is more than 64 blocks deep. What handles such as
/// `Rc` share is not counted, nor gone through: they are counted instead. What follows from there is "at least" in a report.
///
/// ```
/// #[memscope::track(deep)]
/// struct Index {
///     pages: Vec<Vec<String>>,
///     words: std::collections::HashMap<String, Box<[u32]>>,
/// }
///
/// #[memscope::track(deep)]
/// fn read(text: &str) -> Index {
///     let words = text.split(' ').map(|word| (word.to_owned(), Box::from([0]))).collect();
///     let pages = vec![vec![text.to_owned()], Vec::new()];
///     memscope::snapshot!(pages, deep);
///     Index { pages, words }
/// }
/// # let index = read("a b");
/// # assert_eq!((index.pages.len(), index.words.len()), (2, 2));
/// ```
///
/// Each reading takes time in proportion to the elements, at every depth, and to sort the hashes; the times of drops and calls around
/// it include that. A type whose values hold each other is gone through at the drop of each. Nothing is allocated, but the hashes
/// of more than 128 keys are kept in pages from the system, 8 bytes each, and those of more than 2^22 not at all. `Hash` and the map's
/// `BuildHasher` are the only code of yours that is run. What that does is not recorded on its thread; if it panics, that is
/// caught (the panic hook runs), and the keys count as not hashed, as those of a map that is read while its thread unwinds.
///
/// # Sampling
///
/// With `sample` a value is recorded with that probability, whatever becomes of others: with all its events, from birth to
/// end, or not at all. So are the calls of a function, the tasks of an async one (with all their polls) and what it returns; of a
/// type without a `Probe`, each drop. A clone is chosen, or not, by itself. Every event says for how many it stands, and a report's
/// figures are estimates with their error; the most that lived at once, and the longest of anything, cannot be told of
/// values that were left out. A rate is one in a whole number.
///
/// ```
/// #[memscope::track(sample = 0.01)]
/// fn parse(line: &str) -> usize {
///     let words: Vec<&str> = line.split(' ').collect();
///     words.len()
/// }
/// assert_eq!((0..1000).map(|_| parse("a b")).sum::<usize>(), 2000);
/// ```
///
/// # What it does not change
///
/// Hooks stand in the function's own braces, between its statements, and hold neither borrows nor values: what the
/// program does, the order of drops, borrow checking and `Send` of futures stay as they were. Futures and stack frames
/// grow by 56 to 64 bytes for each variable that lives at the same time (across an `.await`, for futures). The future of
/// an `async fn` that stays one, as [above](#on-a-function), keeps its arguments twice, and grows by them. No unsafe code is
/// emitted: `#![forbid(unsafe_code)]` may stand.
///
/// Two lints say less with hooks on, since hooks look at every variable and field: `unused_variables` and `dead_code`.
/// An `#[expect]` in the item that does not come true for this reason is not reported. With `ret`, `unreachable_code` says
/// nothing of what is within a body's last expression.
///
/// # What it costs
///
/// Without the feature `on`, and on WebAssembly, nothing: the item is emitted as it was written, and the input is checked for the same
/// errors. With it, raw events in the thread's ring, of 32 bytes or, where the state of a container does not fit, of 64; and a
/// reading of the clock for one or some that belong together:
///
/// | of | events |
/// |---|---|
/// | a variable or by-value argument | one at its birth, one at its end; of a `mut` container whose last state is known, one more. None if its type has nothing to drop: not even in a build without optimisation is there code that looks at it |
/// | a call | one when it has ended, with two readings of the clock |
/// | an async function | the same for each poll, and two for each future |
/// | a return value, with `ret` | two |
/// | a value of a type | one for its drop, and one for each container among its fields |
/// | the same with a `Probe` | one more at its birth; the field takes 8 bytes |
/// | a value that a constructor makes, without a `Probe` | one |
/// | a `Tracked` | one at its birth, one at its end, and of a container one more; it is four words larger than the value |
/// | a static | none while the program runs; when it ends, one for each container |
/// | a thread-local | as a `Tracked`; and one for each container in it |
/// | a container that is read with `deep` | one more, of a hash map two; and the time that [going through it](#contents-of-containers) takes |
/// | what `sample` leaves out | none, and no reading of the clock |
///
/// A thread needs some stack for its first event and for the first of each site; 16 KiB are too little.
///
/// # What is refused
///
/// What holds no values (`use`, type aliases, ...); a `const fn`, which also runs in the compiler; a `static mut`, which nobody
/// can read safely; and a `repr(packed)` struct, whose fields cannot be referred to. Each is an error that says what to write
/// instead, and the item stays.
///
/// # Errors that the compiler words
///
/// Of some mistakes only the compiler knows, whose error does not name the attribute:
///
/// | error | why | what to write |
/// |---|---|---|
/// | E0509, cannot move out of type `S`, which implements the `Drop` trait | fields are moved out of a value, as in `let S { a, .. } = s`, `s.a` or `S { a, ..S::default() }`; with hooks on the attribute writes the `impl Drop` | `drop = off`; or borrow the field, or take it by `std::mem::take(&mut s.a)` |
/// | E0119, conflicting implementations of trait `Drop` | the type has its own | `drop = own`, and the attribute on that `impl Drop` |
/// | E0493, E0716, E0597 | a value with a destructor is made in a constant, or a literal of it is borrowed for long; or what it borrows is dropped before it | `drop = off`; or declare what is borrowed before |
/// | "cannot cast enum" | the number of an enum's variant is taken by `as` | `drop = off` |
/// | E0382, borrow of moved value, at `track_var!(v)` or `snapshot!(v)` | the variable was moved before, into a thread, say | the macro before the move |
/// | E0382, behind `let w = track_var!(own v)` | the value is in `w` now | `w` in the place of `v`, which derefs to the value |
/// | expected expression, found `let` statement; macro expansion ignores ... | `track_var!` stands where a value is wanted, or outside of functions | it as a statement, and the variable behind; for a value, `track_var!(own v)`; for a static, the attribute |
/// | E0507, cannot move out of dereference of `Tracked` | a `Tracked` is taken apart | `v.into_inner()` |
/// | E0308, expected `T`, found `Tracked<T>` | as above; `Tracked` is a type of its own | `v.into_inner()`, `&*v` or `*v` |
/// | E0308, expected `LocalKey`, found `ThreadLocal` | a tracked thread-local is no `LocalKey` | the attribute not on that one |
/// | E0277, cannot be sent between threads safely | as without the attribute: hooks are not sent along | |
/// | E0277, `Probe<S>: Serialize` or `Deserialize` is not satisfied | a derive of serde wants it of each field | `#[serde(skip)]` on the probe; a value that is read is born then |
/// | E0277, `Tracked<T>: Serialize` or `Deserialize` is not satisfied | memscope's feature `serde` is not on | `features = ["serde"]` in the dependency |
/// | E0107, missing generics for struct `Probe` | a probe says whose it is | `Probe<Self>` |
/// | E0433, cannot find `memscope` | the dependency is missing, or there is another crate between | `crate = path::to::memscope` |
/// | E0658, custom attributes cannot be applied; expected non-macro attribute | it stands on a statement, an expression, a field, a match arm | `track_var!` for a variable; the attribute on the function or type around |
///
/// ```compile_fail,E0509
/// #[memscope::track]
/// struct Parts {
///     left: String,
///     right: String,
/// }
///
/// let Parts { left, right } = Parts { left: "a".into(), right: "b".into() };
/// ```
///
/// ```
/// #[memscope::track]
/// struct Parts {
///     left: String,
///     right: String,
/// }
///
/// let mut parts = Parts { left: "a".into(), right: "b".into() };
/// let left = std::mem::take(&mut parts.left);
/// assert_eq!(left + &parts.right, "ab");
/// ```
#[proc_macro_attribute]
pub fn track(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    track_item(options.into(), item.into(), Mode::BUILT).into()
}

/// Tracks one variable. Called by the macro of the same name in memscope-runtime, which puts the path to itself
/// and a semicolon before what the user wrote.
#[doc(hidden)]
#[proc_macro]
pub fn track_var(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    track_variable(input.into(), Mode::BUILT).into()
}

/// [`track`] with hooks off, whatever this crate was built for: what memscope-runtime is for decides, and no macro knows that.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn track_off(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    track_item(options.into(), item.into(), Mode::Off).into()
}

/// [`track_var!`] with hooks off; see [`macro@track_off`].
#[doc(hidden)]
#[proc_macro]
pub fn track_var_off(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    track_variable(input.into(), Mode::Off).into()
}

/// Emits the rule of which rates of sampling there are, of which the runtime needs no second copy.
#[doc(hidden)]
#[proc_macro]
pub fn rule_of_rates(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    rate::emit_rule().into()
}

fn track_item(options: TokenStream, tokens: TokenStream, mode: Mode) -> TokenStream {
    let (hidden, tokens) = Hidden::take(tokens);
    hidden.put_back(track_readable_item(options, tokens, mode))
}

fn track_readable_item(options: TokenStream, tokens: TokenStream, mode: Mode) -> TokenStream {
    let mut errors = Errors::new();
    let mut options = Options::read(options, &mut errors);
    options.krate = options.krate.or_else(manifest::renamed);
    // Options that are wrong are left out; they do not keep the item from being expanded.
    let mut emitted = match Subject::read(&tokens, &mut errors) {
        Some(subject) if check::suits(&subject, &options, &mut errors) => {
            expand::item(subject, &options, tokens, mode)
        }
        Some(subject) => expand::refused(&subject, &options, tokens),
        // Behind an expression nothing can stand.
        None if model::is_expression(&tokens) => {
            let errors = errors.to_compile_errors();
            return quote::quote!({ #errors #tokens });
        }
        None => tokens,
    };
    emitted.extend(errors.to_compile_errors());
    emitted
}

fn track_variable(input: TokenStream, mode: Mode) -> TokenStream {
    let mut errors = Errors::new();
    let (hidden, input) = Hidden::take(input);
    let declaration = Declaration::read(input, &mut errors);
    let mut emitted = expand::variable(declaration, mode);
    emitted.extend(errors.to_compile_errors());
    hidden.put_back(emitted)
}
