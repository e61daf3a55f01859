//! Which variables a pattern declares.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Pat, PatIdent, Receiver, Token};

/// A variable that holds a value of its own.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) ident: Ident,
    /// The conditions under which it exists.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) mutability: Option<Token![mut]>,
}

/// What a pattern declares.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    /// Variables that hold a value, in source order.
    pub(crate) values: Vec<Binding>,
    /// Whether there are `ref` bindings, which keep the whole initialiser alive.
    pub(crate) has_references: bool,
}

impl Bindings {
    /// Reads a pattern that stands under these attributes.
    pub(crate) fn of(pattern: &Pat, attributes: &[Attribute]) -> Self {
        let mut bindings = Self::default();
        bindings.collect(pattern, &cfgs(attributes));
        bindings
    }

    /// A method's `self`, taken by value.
    pub(crate) fn of_self(receiver: &Receiver) -> Self {
        let (ident, cfgs) = (receiver.self_token.into(), cfgs(&receiver.attrs));
        let binding = Binding { ident, cfgs, mutability: receiver.mutability };
        Self { values: vec![binding], has_references: false }
    }

    fn collect(&mut self, pattern: &Pat, outer: &[Attribute]) {
        match pattern {
            Pat::Ident(binding) => self.collect_ident(binding, outer),
            Pat::Or(pattern) => {
                // Every alternative declares the same variables.
                if let Some(first) = pattern.cases.first() {
                    self.collect(first, outer);
                }
            }
            Pat::Paren(pattern) => self.collect(&pattern.pat, outer),
            Pat::Reference(pattern) => self.collect(&pattern.pat, outer),
            Pat::Slice(pattern) => self.collect_all(&pattern.elems, outer),
            Pat::Struct(pattern) => {
                for field in &pattern.fields {
                    let mut inner = outer.to_vec();
                    inner.extend(cfgs(&field.attrs));
                    self.collect(&field.pat, &inner);
                }
            }
            Pat::Tuple(pattern) => self.collect_all(&pattern.elems, outer),
            Pat::TupleStruct(pattern) => self.collect_all(&pattern.elems, outer),
            Pat::Type(pattern) => self.collect(&pattern.pat, outer),
            // The rest declares nothing, or is not for us to look into (macros).
            _ => {}
        }
    }

    fn collect_all(&mut self, patterns: &Punctuated<Pat, Token![,]>, outer: &[Attribute]) {
        for pattern in patterns {
            self.collect(pattern, outer);
        }
    }

    fn collect_ident(&mut self, binding: &PatIdent, outer: &[Attribute]) {
        if binding.by_ref.is_some() {
            self.has_references = true;
        } else if !names_a_constant(binding) {
            self.values.push(Binding {
                ident: binding.ident.clone(),
                cfgs: outer.to_vec(),
                mutability: binding.mutability,
            });
        }
        if let Some((_, inner)) = &binding.subpat {
            self.collect(inner, outer);
        }
    }
}

/// Whether a bare identifier, such as `None`, is a constant, variant or unit struct: syntax cannot tell it from a
/// variable, but the naming lints keep variables in lower case.
fn names_a_constant(binding: &PatIdent) -> bool {
    binding.mutability.is_none()
        && binding.subpat.is_none()
        && binding.ident.unraw().to_string().starts_with(char::is_uppercase)
}

/// The attributes that decide whether what they stand on exists.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| decides(&attribute.meta)).cloned().collect()
}

pub(crate) fn decides(meta: &Meta) -> bool {
    meta.path().is_ident("cfg") || conditional(meta).is_some_and(|all| all.iter().any(decides))
}

/// The attributes that a `cfg_attr` stands for where its condition holds; `None` if it is none.
pub(crate) fn conditional(meta: &Meta) -> Option<Vec<Meta>> {
    let list = meta.require_list().ok().filter(|list| list.path.is_ident("cfg_attr"))?;
    let all = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    Some(all.into_iter().skip(1).collect())
}
