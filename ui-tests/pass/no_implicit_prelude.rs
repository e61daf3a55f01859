//! Emitted code needs no prelude.
#![no_implicit_prelude]

#[::memscope::track]
struct Page {
    text: ::std::string::String,
    probe: ::memscope::Probe<Self>,
}

#[::memscope::track]
fn read(name: ::std::string::String) -> ::std::option::Option<Page> {
    let text = ::std::clone::Clone::clone(&name);
    let probe = ::memscope::Probe::new();
    ::std::option::Option::Some(Page { text, probe })
}

fn main() {
    ::memscope::track_var!(let page = read(::std::convert::From::from("a")));
    let ::std::option::Option::Some(page) = page else {
        ::std::panic!("there is a page");
    };
    ::std::assert_eq!(page.text, "a");
    let _ = &page.probe;
}
