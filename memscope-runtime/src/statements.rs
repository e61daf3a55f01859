//! The macros that stand in functions.

/// Tracks variables whatever their type, in place or as values that own their history.
///
/// It is a statement, and gives no value, except with `own` and an expression. A declaration stands in a statement's place: one `let` with an initialiser, or several, as they could stand without the macro
/// (`mut`, type, attributes, `else` block, patterns). Each variable is recorded as a site of its name, as
/// [`track`](macro@crate::track) on a function does: its birth, after the initialiser, and the drop at its scope's end; of one
/// of several in a pattern, or beside a temporary that lives as long as it, the end of the scope alone.
///
/// ```
/// fn first(text: &str) -> Option<String> {
///     memscope::track_var!(let mut words: Vec<&str> = text.split(' ').collect());
///     words.sort_unstable();
///     memscope::track_var!(let Some(word) = words.first() else { return None });
///     memscope::track_var!(let length = word.len(); let (a, b) = (length, 1)); // nothing to drop, recorded all the same
///     (a + b > 1).then(|| word.to_string())
/// }
///
/// assert_eq!(first("b a").as_deref(), Some("a"));
/// ```
///
/// The names of existing variables, such as a closure's arguments, references or raw pointers, are tracked from here on to
/// the end of the block that the macro stands in: born here, as far as the capture knows.
///
/// ```
/// let lengths: Vec<usize> = ["a", "bc"].map(|text| {
///     memscope::track_var!(text);
///     text.len()
/// }).into();
/// let total = lengths.iter().sum::<usize>();
/// memscope::track_var!(lengths, mut total);
/// assert_eq!(total, 3);
/// ```
///
/// With `own`, the value becomes a [`Tracked`](crate::Tracked), whose end is always exact: dropped, or moved out, and what it held then. It declares a
/// variable, or is an expression.
///
/// ```
/// memscope::track_var!(own mut inbox: Vec<String> = Vec::with_capacity(4));
/// inbox.push("a".to_owned());
/// let outbox = memscope::track_var!(own inbox.to_vec());
/// assert_eq!(outbox.into_inner(), *inbox);
/// ```
///
/// The options `name`, `tags`, `deep` and `sample` of [`track`](macro@crate::track) stand in an attribute before all:
///
/// ```
/// memscope::track_var!(#[track(name = "cache", tags("io"), deep, sample = 0.5)] let pages = vec![vec![0_u8; 16]]);
/// # drop(pages);
/// ```
///
/// What it costs, and what the compiler says where it cannot stand, is on the page of [`track`](macro@crate::track). Of a variable
/// tracked in place the attribute on the function tells more: it reads the body, which the macro does not see, so that whether
/// the variable was moved stays unknown where its type has no drop hook; with `own` it is always known.
///
/// Without the feature `on`, it is the declaration alone.
#[macro_export]
macro_rules! track_var {
    ($($declaration:tt)*) => { $crate::__private::track_var! { $crate; $($declaration)* } };
}

/// Makes a [`Tracked`](crate::Tracked) value of an expression, without a procedural macro: as
/// [`track_var!(own ...)`](crate::track_var).
///
/// ```
/// let mut names = memscope::tracked!(Vec::new());
/// names.push("ada");
/// assert_eq!(names.len(), 1);
/// ```
///
/// Without the feature `on`, it is nothing but the value.
#[macro_export]
macro_rules! tracked {
    ($value:expr $(,)?) => {
        $crate::__tracked!($value)
    };
    ($($wrong:tt)*) => {
        ::core::compile_error!(
            "`tracked!` takes one value\nhelp: write `let v = memscope::tracked!(...)`"
        )
    };
}

/// Records the state of a container now: its length, capacity and heap block.
///
/// The argument is a place, such as a variable, a field or a static; it is only borrowed. Of a value of an annotated type it
/// is the containers among its fields. What is in a `Mutex`, `RwLock`, `RefCell`, `OnceLock`, `OnceCell`, `LazyLock`, `LazyCell` or `Option` is
/// followed, if nobody has locked or borrowed it and it has been made: nothing is waited for. What holds no container
/// that memscope knows is an error with the feature `on`, as is, in generic code, a value of a type parameter that is not bound by
/// [`Trackable`](crate::Trackable); of a reference, take what it refers to: `snapshot!(*v)`. An annotated type without
/// containers among its fields is none, and records nothing.
///
/// With `deep` behind it, also what the container's elements own, and how well the keys of a hash map are spread: see the
/// option of that name of [`track`](macro@crate::track). That is not followed into locks and cells.
///
/// ```
/// let mut names = Vec::with_capacity(8);
/// names.push("ada".to_owned());
/// memscope::snapshot!(names);
/// memscope::snapshot!(names, deep);
/// ```
///
/// Without the feature `on`, it evaluates to nothing.
#[macro_export]
macro_rules! snapshot {
    ($place:expr $(,)?) => { $crate::__snapshot!(snapshot, $place) };
    ($place:expr, deep $(,)?) => {
        $crate::__snapshot!(snapshot_deep, $place, $crate::__private::Deep(0, 0, 0))
    };
    ($($wrong:tt)*) => {
        ::core::compile_error!(
            "`snapshot!` takes a place, such as a variable or a field\nhelp: write `memscope::snapshot!(v)`, or `memscope::snapshot!(v, deep)` for its contents too"
        )
    };
}
