//! Puts the attribute on every item of a file that it can apply to.

use std::ops::Range;
use syn::spanned::Spanned;
use syn::{Attribute, Fields, Item, Type};

/// What the attribute says of types: nothing of other crates' is to be dropped otherwise than it was.
const OF_TYPES: &str = "drop = off";

/// Returns the file's text with attributes, whose options on functions are given, and how many were put in. A file that is no
/// whole file of Rust, such as one that is included, stays as it is.
pub(super) fn file(text: &str, options: &str) -> (String, usize) {
    let Ok(file) = syn::parse_file(text) else { return (text.to_owned(), 0) };
    let mut places = Vec::new();
    items(&file.items, options, &mut places);
    let count = places.len();
    let mut annotated = text.to_owned();
    for (at, options) in places.into_iter().rev() {
        annotated.insert_str(at, &format!("#[::memscope::track({options})] "));
    }
    (annotated, count)
}

fn items<'a>(items: &[Item], options: &'a str, places: &mut Vec<(usize, &'a str)>) {
    for item in items {
        let options = match item {
            Item::Fn(function) if function.sig.constness.is_none() => options,
            Item::Impl(_) | Item::Trait(_) => options,
            Item::Struct(item) if !is_packed(&item.attrs) && !is_unsized(&item.fields) => OF_TYPES,
            Item::Union(item) if !is_packed(&item.attrs) => OF_TYPES,
            Item::Enum(_) => OF_TYPES,
            // The compiler takes no attribute of ours on a module that holds another file's.
            Item::Mod(module) => {
                if let Some((_, inner)) = &module.content {
                    self::items(inner, options, places);
                }
                continue;
            }
            _ => continue,
        };
        let Range { start, .. } = item.span().byte_range();
        places.push((start, options));
    }
}

/// Whether the last field is written as a slice, `str` or trait object.
fn is_unsized(fields: &Fields) -> bool {
    fields.iter().last().is_some_and(|last| match &last.ty {
        Type::Slice(_) | Type::TraitObject(_) => true,
        Type::Path(path) => path.path.is_ident("str"),
        _ => false,
    })
}

fn is_packed(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mut packed = false;
        if attribute.path().is_ident("repr") {
            let _ = attribute.parse_nested_meta(|meta| {
                packed |= meta.path.is_ident("packed");
                if meta.input.peek(syn::token::Paren) {
                    let content;
                    syn::parenthesized!(content in meta.input);
                    content.parse::<proc_macro2::TokenStream>()?;
                }
                Ok(())
            });
        }
        packed
    })
}

#[cfg(test)]
mod tests {
    use super::file;

    #[test]
    fn attributes_stand_before_the_items_that_they_apply_to() {
        let text = "use a::b;\n/// Ünlaut\n#[inline]\npub fn f() {}\nconst fn g() {}\nmod m { struct S; \
                    #[repr(C, packed(2))] struct P; struct D([u8]); impl S {} }\nmod elsewhere;\n";
        let (annotated, count) = file(text, "ret");
        assert_eq!(count, 3);
        assert_eq!(
            annotated,
            "use a::b;\n#[::memscope::track(ret)] /// Ünlaut\n#[inline]\npub fn f() {}\nconst fn g() {}\nmod m { \
             #[::memscope::track(drop = off)] struct S; #[repr(C, packed(2))] struct P; struct D([u8]); \
             #[::memscope::track(ret)] impl S {} }\n\
             mod elsewhere;\n"
        );
    }

    #[test]
    fn what_is_no_file_stays_as_it_is() {
        assert_eq!(file("a + b", ""), ("a + b".to_owned(), 0));
    }
}
