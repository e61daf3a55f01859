//! Every pattern that a `let` or an argument can be.

struct Point {
    x: String,
    y: String,
}
#[allow(dead_code)]
struct Wrapper(String, Vec<u8>);
struct Marker;
const LIMIT: u8 = 3;

#[derive(Debug)]
enum Either {
    Left(String),
    Right(String),
}

#[memscope::track]
fn destructured(
    (left, mut right): (String, String),
    Point { x, y: renamed }: Point,
    Wrapper(first, ..): Wrapper,
    [a, .., z]: [String; 3],
    _: String,
    _unused: String,
    &copied: &u32,
) -> String {
    right.push('!');
    format!("{left}{right}{x}{renamed}{first}{a}{z}{copied}")
}

#[memscope::track]
fn variables(either: Either, optional: Option<String>, slice: &[u8]) -> String {
    let (a, _, c) = (String::from("a"), String::from("b"), String::from("c"));
    let Point { x, y: ref borrowed } = Point { x: "x".into(), y: "y".into() };
    let Wrapper(inner, _) = Wrapper("w".into(), vec![1]);
    let (Either::Left(side) | Either::Right(side)) = either;
    let Some(whole @ _) = optional else {
        return String::from("none");
    };
    let [first, rest @ ..] = slice else {
        return String::from("empty");
    };
    let (LIMIT, None::<u8>) = (3, None) else {
        return String::from("constants");
    };
    let Marker = Marker;
    let mut mutable = String::new();
    mutable.push('m');
    let (ref mut in_place, moved) = (String::from("p"), String::from("q"));
    in_place.push('p');
    let _ = String::from("dropped here");
    let _kept = String::from("kept");
    let late;
    if rest.is_empty() {
        late = String::from("late");
    } else {
        late = String::from("later");
    }
    let ((nested, [deep, _]), tail) =
        ((String::from("n"), [String::from("d"), String::new()]), String::from("t"));
    let &by_value = &7;
    #[allow(unused_parens)]
    let (parenthesised) = String::from("()");
    format!(
        "{a}{c}{x}{borrowed}{inner}{side}{whole}{first}{mutable}{in_place}{moved}{late}{nested}{deep}{tail}\
         {by_value}{parenthesised}"
    )
}

fn main() {
    let s = String::from;
    let text = destructured(
        (s("l"), s("r")),
        Point { x: s("x"), y: s("y") },
        Wrapper(s("w"), vec![]),
        [s("a"), s("b"), s("z")],
        s("ignored"),
        s("unused"),
        &5,
    );
    assert_eq!(text, "lr!xywaz5");
    assert_eq!(variables(Either::Left(s("L")), Some(s("s")), &[1]), "acxywLs1mppqlatendt7()");
    assert_eq!(variables(Either::Right(s("R")), None, &[1]), "none");
    assert_eq!(variables(Either::Right(s("R")), Some(s("s")), &[]), "empty");
}
