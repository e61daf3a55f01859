//! What a `PhantomData` field makes of the type that has it, as far as the language alone says: how names of types that are not
//! the type's own parameters vary, and whether they are `Send`, no syntax shows.

use crate::data::Data;
use syn::visit::{self, Visit};
use syn::{
    GenericArgument, GenericParam, Lifetime, PathArguments, ReturnType, Type, TypeParamBound,
};

/// A marker field.
#[derive(Debug, PartialEq)]
pub(crate) struct Marker {
    /// The type's parameters that it names, in their order.
    pub(crate) variance: Vec<(String, Option<Variance>)>,
    /// Whether it holds a raw pointer, so that it can be neither sent nor shared, whatever the parameters are.
    pub(crate) holds_pointer: bool,
    /// Whether it depends on no type parameter, so that what the compiler says holds for every value.
    pub(crate) is_concrete: bool,
}

/// How a type varies with a parameter, as captures spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variance {
    Covariant,
    Contravariant,
    Invariant,
}

impl Marker {
    /// Reads a field's type, if it is written as a `PhantomData`.
    pub(crate) fn of(ty: &Type, data: &Data) -> Option<Self> {
        let content = content(ty)?;
        let parameters = data.generics.params.iter().filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some((parameter.ident.to_string(), true)),
            GenericParam::Lifetime(parameter) => Some((parameter.lifetime.to_string(), false)),
            GenericParam::Const(_) => None,
        });
        let parameters: Vec<(String, bool)> = parameters.collect();
        let names = |name: &str| mentions(content, name);
        let variance = parameters.iter().filter(|(name, _)| names(name) || names("Self"));
        let variance = variance.map(|(name, _)| (name.clone(), variance_in(content, name)));
        let is_type = |(name, is_type): &(String, bool)| *is_type && names(name);
        Some(Self {
            variance: variance.collect(),
            holds_pointer: holds_pointer(content),
            is_concrete: !names("Self") && !parameters.iter().any(is_type),
        })
    }
}

/// What a `PhantomData` is of.
fn content(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "PhantomData")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.iter().collect::<Vec<_>>()[..] {
        [GenericArgument::Type(content)] => Some(content),
        _ => None,
    }
}

/// Whether a type names a parameter, or may: in a macro.
fn mentions(ty: &Type, name: &str) -> bool {
    struct Mentions<'a>(&'a str, bool);
    impl Visit<'_> for Mentions<'_> {
        fn visit_ident(&mut self, ident: &proc_macro2::Ident) {
            self.1 |= ident == self.0;
        }
        fn visit_lifetime(&mut self, lifetime: &Lifetime) {
            self.1 |= lifetime.to_string() == self.0;
        }
        fn visit_macro(&mut self, _: &syn::Macro) {
            self.1 = true;
        }
    }
    let mut mentions = Mentions(name, false);
    mentions.visit_type(ty);
    mentions.1
}

/// What is known of one parameter in a part of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Absent,
    As(Variance),
    Unknown,
}

impl Known {
    /// What both parts of a type say together. Where it is invariant in one, nothing else makes it other.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Absent, known) | (known, Self::Absent) => known,
            (Self::As(Variance::Invariant), _) | (_, Self::As(Variance::Invariant)) => {
                Self::As(Variance::Invariant)
            }
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (one, other) if one == other => one,
            _ => Self::As(Variance::Invariant),
        }
    }

    /// Where a subtype of the part makes a supertype of the whole.
    fn reversed(self) -> Self {
        match self {
            Self::As(Variance::Covariant) => Self::As(Variance::Contravariant),
            Self::As(Variance::Contravariant) => Self::As(Variance::Covariant),
            known => known,
        }
    }

    /// Where the part must be the same.
    fn fixed(self) -> Self {
        match self {
            Self::Absent => Self::Absent,
            _ => Self::As(Variance::Invariant),
        }
    }
}

fn variance_in(ty: &Type, name: &str) -> Option<Variance> {
    match known(ty, name) {
        Known::As(variance) => Some(variance),
        Known::Absent | Known::Unknown => None,
    }
}

/// The rules are those of the Rust reference, "Subtyping and Variance".
fn known(ty: &Type, name: &str) -> Known {
    let mentioned = |known| if mentions(ty, name) { known } else { Known::Absent };
    match ty {
        Type::Paren(inner) => known(&inner.elem, name),
        Type::Group(inner) => known(&inner.elem, name),
        Type::Array(array) => known(&array.elem, name),
        Type::Slice(slice) => known(&slice.elem, name),
        Type::Tuple(tuple) => {
            tuple.elems.iter().map(|one| known(one, name)).fold(Known::Absent, Known::and)
        }
        Type::Reference(reference) => {
            let is_it = |lifetime: &Lifetime| lifetime.to_string() == name;
            let lifetime = match &reference.lifetime {
                Some(lifetime) if is_it(lifetime) => Known::As(Variance::Covariant),
                _ => Known::Absent,
            };
            let content = known(&reference.elem, name);
            let exclusive = reference.mutability.is_some();
            lifetime.and(if exclusive { content.fixed() } else { content })
        }
        Type::Ptr(pointer) => {
            let content = known(&pointer.elem, name);
            if is_const(pointer) { content } else { content.fixed() }
        }
        Type::FnPtr(function) => {
            let taken = function.inputs.iter().map(|one| known(&one.ty, name).reversed());
            let given = match &function.output {
                ReturnType::Default => Known::Absent,
                ReturnType::Type(_, ty) => known(ty, name),
            };
            taken.fold(given, Known::and)
        }
        Type::TraitObject(object) => object
            .bounds
            .iter()
            .map(|bound| match bound {
                TypeParamBound::Lifetime(lifetime) if lifetime.to_string() == name => {
                    Known::As(Variance::Covariant)
                }
                // A trait's own parameters must be the same.
                TypeParamBound::Trait(_) => mentioned_in(bound, name).fixed(),
                _ => Known::Absent,
            })
            .fold(Known::Absent, Known::and),
        Type::Path(path) if path.path.is_ident(name) => Known::As(Variance::Covariant),
        // An associated type of a parameter.
        Type::Path(path) if path.qself.is_some() => mentioned(Known::As(Variance::Invariant)),
        Type::Path(path)
            if path.path.segments.len() > 1
                && path.path.segments.first().is_some_and(|first| first.ident == name) =>
        {
            Known::As(Variance::Invariant)
        }
        // What another type makes of it, or `Self`.
        _ if mentions(ty, "Self") => Known::Unknown,
        _ => mentioned(Known::Unknown),
    }
}

fn mentioned_in(bound: &TypeParamBound, name: &str) -> Known {
    struct Finds<'a>(&'a str, bool);
    impl Visit<'_> for Finds<'_> {
        fn visit_type(&mut self, ty: &Type) {
            self.1 |= mentions(ty, self.0);
        }
        fn visit_lifetime(&mut self, lifetime: &Lifetime) {
            self.1 |= lifetime.to_string() == self.0;
        }
    }
    let mut finds = Finds(name, false);
    visit::visit_type_param_bound(&mut finds, bound);
    if finds.1 { Known::Unknown } else { Known::Absent }
}

fn is_const(pointer: &syn::TypePtr) -> bool {
    matches!(pointer.mutability, syn::PointerMutability::Const(_))
}

/// Whether a type holds a raw pointer: that can be neither sent nor shared, and so can nothing that holds it or refers to it.
fn holds_pointer(ty: &Type) -> bool {
    match ty {
        Type::Ptr(_) => true,
        Type::Paren(inner) => holds_pointer(&inner.elem),
        Type::Group(inner) => holds_pointer(&inner.elem),
        Type::Array(array) => holds_pointer(&array.elem),
        Type::Slice(slice) => holds_pointer(&slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter().any(holds_pointer),
        Type::Reference(reference) => holds_pointer(&reference.elem),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(ty: &str) -> Marker {
        let item =
            format!("struct S<'a, 'b, T, U, const N: usize> {{ marker: PhantomData<{ty}> }}");
        let data = Data::of(&syn::parse_str(&item).unwrap()).unwrap();
        let ty = data.fields().next().unwrap().ty.clone();
        Marker::of(&ty, &data).unwrap()
    }

    fn variance(ty: &str) -> String {
        let words = marker(ty).variance.into_iter().map(|(name, variance)| {
            let word = match variance {
                Some(Variance::Covariant) => "co",
                Some(Variance::Contravariant) => "contra",
                Some(Variance::Invariant) => "in",
                None => "?",
            };
            format!("{name} {word}")
        });
        words.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn variance_follows_the_rules_of_the_language() {
        for (ty, expected) in [
            ("T", "T co"),
            ("u8", ""),
            ("(T, [U; N])", "T co, U co"),
            ("&'a T", "'a co, T co"),
            ("&'a mut T", "'a co, T in"),
            ("*const T", "T co"),
            ("*mut [T]", "T in"),
            ("fn(T)", "T contra"),
            ("fn() -> T", "T co"),
            ("fn(T) -> T", "T in"),
            ("fn(fn(T))", "T co"),
            ("fn(&'a mut U, fn() -> T)", "'a contra, T contra, U in"),
            ("for<'c> fn(&'c T)", "T contra"),
            ("(T, fn(T))", "T in"),
            ("dyn Tr<T> + 'a", "'a co, T in"),
            ("dyn Fn(T) -> U", "T in, U in"),
            ("<T as Tr>::Item", "T in"),
            ("T::Item", "T in"),
        ] {
            assert_eq!(variance(ty), expected, "{ty}");
        }
    }

    #[test]
    fn what_another_type_makes_of_a_parameter_is_unknown() {
        for (ty, expected) in [
            ("Cell<T>", "T ?"),
            ("Vec<&'a T>", "'a ?, T ?"),
            ("(Cell<T>, fn(T) -> T)", "T in"),
            ("(Cell<T>, T)", "T ?"),
            ("m!(x)", "'a ?, 'b ?, T ?, U ?"),
            ("Self", "'a ?, 'b ?, T ?, U ?"),
        ] {
            assert_eq!(variance(ty), expected, "{ty}");
        }
    }

    #[test]
    fn raw_pointers_are_found_where_they_count() {
        for ty in ["*const u8", "&'a *const u8", "(u8, [*mut T; N])", "&'a mut *const u8"] {
            assert!(marker(ty).holds_pointer, "{ty}");
        }
        for ty in ["fn(*const u8)", "Cell<*const u8>", "T"] {
            assert!(!marker(ty).holds_pointer, "{ty}");
        }
    }

    #[test]
    fn what_names_a_type_parameter_is_not_concrete() {
        assert!(marker("&'a u8").is_concrete);
        assert!(!marker("fn(T)").is_concrete);
        assert!(!marker("Self").is_concrete);
    }
}
