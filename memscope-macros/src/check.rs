//! What an item must not be or have, beyond its syntax. The same with hooks on and off.

use crate::attr::{DropOption, Options, Selection};
use crate::bindings::{Binding, Bindings, cfgs};
use crate::data::{Data, Field, Form};
use crate::errors::Errors;
use crate::expand::{is_inert_argument, is_inert_declaration};
use crate::model::{Subject, decides_itself};
use crate::nearest::nearest;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{
    Attribute, FnArg, GenericParam, Generics, Ident, Item, ItemFn, Local, Meta, ReturnType,
    Signature, StaticMutability, Token, Type, TypeParamBound, WherePredicate,
};

/// Finds what is wrong with an item, or with options that do not suit it. Returns whether all is well.
pub(crate) fn suits(subject: &Subject, options: &Options, errors: &mut Errors) -> bool {
    let before = errors.len();
    for option in &options.given {
        check_option(option, subject, options, errors);
    }
    let again = subject.attributes().iter().find(|one| decides_itself(std::slice::from_ref(one)));
    if let Some(again) = again {
        errors.push(
            again,
            "the item has the attribute twice, and would be recorded twice",
            "remove one of them; options go into one attribute",
        );
    }
    if options.skip_item.is_none() {
        match subject {
            Subject::Function(function) => check_function(function, options, errors),
            Subject::Type(data) => check_type(data, options, errors),
            // What in them cannot be tracked is left as it is.
            Subject::Implementation(_) | Subject::Trait(_) | Subject::Module(_) => {}
            Subject::Static(item) => {
                if let StaticMutability::Mut(mutable) = &item.mutability {
                    errors.push(
                        mutable,
                        "a `static mut` cannot be tracked: nobody knows when it may be read",
                        "put a `Mutex` around the value and remove `mut`",
                    );
                }
            }
            Subject::ThreadLocals(_) => {}
        }
    }
    errors.len() == before
}

/// Reports an option that says nothing about such an item.
fn check_option(option: &Ident, subject: &Subject, options: &Options, errors: &mut Errors) {
    let named = |selection: &Option<Selection>| {
        selection.as_ref().is_some_and(|selection| !selection.names().is_empty())
    };
    let is_function = matches!(subject, Subject::Function(_));
    let holds_no_functions =
        matches!(subject, Subject::Type(_) | Subject::Static(_) | Subject::ThreadLocals(_));
    let (wrong, help) = match option.unraw().to_string().as_str() {
        "drop" if !matches!(subject, Subject::Type(_)) => {
            (format!("the option `drop` is for types; {} has no drop hook", subject.kind()), "remove the option")
        }
        "deep" if matches!(subject, Subject::Static(_)) => (
            "the option `deep` is not for statics: it runs the `Hash` of keys, and they are read when the program ends"
                .to_owned(),
            "remove the option; where the contents matter, write `memscope::snapshot!(*NAME.lock().unwrap(), deep)`",
        ),
        "deep" if matches!(subject, Subject::ThreadLocals(_)) => (
            "the option `deep` is not for thread-locals: it runs the `Hash` of keys, and they are read when their thread ends"
                .to_owned(),
            "remove the option; where the contents matter, write `NAME.with_borrow(|v| memscope::snapshot!(*v, deep))`",
        ),
        "deep" => match nothing_to_go_through(subject, options) {
            Some(why) => (format!("the option `deep` says nothing here: {why}"), "remove the option"),
            None => return,
        },
        "sample" if matches!(subject, Subject::Static(_) | Subject::ThreadLocals(_)) => (
            format!("the option `sample` is for what has many values; {} has one", subject.kind()),
            "remove the option",
        ),
        "name" if matches!(subject, Subject::Module(_)) => (
            "the option `name` does not apply to a module, whose name captures take from `module_path!`".to_owned(),
            "remove the option",
        ),
        "vars" | "args" | "ret" | "skip" if options.skip_item.is_none() && holds_no_functions => {
            let has = if matches!(subject, Subject::Type(_)) { "fields" } else { "a value" };
            let kind = subject.kind();
            (format!("the option `{option}` is for functions; {kind} has {has}"), "remove the option")
        }
        "name" if matches!(subject, Subject::ThreadLocals(all) if all.len() > 1) => (
            "the option `name` would be that of several thread-locals".to_owned(),
            "write a `thread_local!` for each",
        ),
        "vars" if !is_function && named(&options.vars) => by_name("vars", subject),
        "args" if !is_function && named(&options.args) => by_name("args", subject),
        "skip" if !is_function && named(&options.skip) => (
            format!("the names in `skip` are those of one function; this is {}", subject.kind()),
            "put `#[memscope::track(skip(...))]` on the function itself",
        ),
        _ => return,
    };
    errors.push(option, &wrong, help);
}

/// Why there can be no container whose contents are read.
fn nothing_to_go_through(subject: &Subject, options: &Options) -> Option<&'static str> {
    let none = |selection: &Option<Selection>| matches!(selection, Some(Selection::None));
    match subject {
        Subject::Type(data) if data.form == Form::Union => {
            Some("a union does not tell which of its fields it holds")
        }
        Subject::Type(data) if data.fields().next().is_none() => Some("the type has no fields"),
        Subject::Function(_)
            if none(&options.vars) && none(&options.args) && options.ret.is_none() =>
        {
            Some("no variable and no argument is tracked")
        }
        _ => None,
    }
}

fn by_name(option: &str, subject: &Subject) -> (String, &'static str) {
    let wrong =
        format!("the names in `{option}` are those of one function; this is {}", subject.kind());
    (wrong, "write `all` or `none`, or put the option on the function itself")
}

fn check_function(function: &ItemFn, options: &Options, errors: &mut Errors) {
    if let Some(constness) = &function.sig.constness {
        errors.push(
            constness,
            "a `const fn` cannot be tracked: it also runs in the compiler, where nothing can be recorded",
            "remove `const`, or put the attribute on the functions that call it",
        );
    }
    if let Some(naked) = function.attrs.iter().find_map(naked) {
        errors.push(
            naked,
            "a naked function cannot be tracked: its body is only assembly",
            "remove the attribute `#[memscope::track]`",
        );
    }
    if let (Some(ret), true) = (&options.ret, returns_never(&function.sig)) {
        errors.push(
            ret,
            "the function never returns, so there is no return value",
            "remove the option",
        );
    }
    let names = Names::of(function);
    for (selection, place, what) in [
        (&options.vars, Some(Place::Body), "variable"),
        (&options.args, Some(Place::Signature), "by-value argument"),
        (&options.skip, None, "variable or by-value argument"),
    ] {
        let stands = |one: &&Name| place.is_none_or(|place| place == one.place);
        let among: Vec<&Name> = names.0.iter().filter(stands).collect();
        for name in selection.iter().flat_map(Selection::names) {
            known_name(name, &among, what, errors);
            if let Some(place) = place {
                recorded_name(name, &among, place, errors);
            }
        }
    }
}

/// Reports a name that a function does not declare.
fn known_name(name: &Ident, among: &[&Name], what: &str, errors: &mut Errors) {
    if among.iter().any(|known| known.is(name)) {
        return;
    }
    let recorded = among.iter().filter(|known| !known.is_inert);
    let known: Vec<String> = recorded.map(|known| known.ident.unraw().to_string()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let help = match nearest(&name.unraw().to_string(), &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "remove the option".to_owned(),
        None => format!("there is {}", known.join(", ")),
    };
    errors.push(name, &format!("the function has no {what} called `{name}`"), &help);
}

/// Reports a name of which no declaration gets a hook.
fn recorded_name(name: &Ident, among: &[&Name], place: Place, errors: &mut Errors) {
    let mut declared = among.iter().filter(|known| known.is(name)).peekable();
    if declared.peek().is_none() || declared.any(|known| !known.is_inert) {
        return;
    }
    let wrong = format!("nothing is recorded of `{name}`, since it holds nothing to drop");
    let help = match place {
        Place::Signature => {
            format!(
                "remove the name; `memscope::track_var!({name})` in the body records any variable"
            )
        }
        Place::Body => {
            format!(
                "remove the name; `memscope::track_var!(let {name} = ...)` records any variable"
            )
        }
    };
    errors.push(name, &wrong, &help);
}

/// Where a function declares a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Signature,
    Body,
}

/// A name that a function declares.
struct Name {
    ident: Ident,
    place: Place,
    /// Whether the syntax shows that it holds nothing to drop, so that it gets no hook.
    is_inert: bool,
}

impl Name {
    fn is(&self, name: &Ident) -> bool {
        self.ident.unraw() == name.unraw()
    }
}

/// The names that a function declares.
struct Names(Vec<Name>);

impl Names {
    fn of(function: &ItemFn) -> Self {
        let mut names = Self(Vec::new());
        for argument in &function.sig.inputs {
            let bindings = match argument {
                FnArg::Receiver(receiver) => Bindings::of_self(receiver),
                FnArg::Typed(argument) => Bindings::of(&argument.pat, &[]),
            };
            names.add(bindings, Place::Signature, is_inert_argument(argument));
        }
        names.visit_block(&function.block);
        names
    }

    fn add(&mut self, bindings: Bindings, place: Place, is_inert: bool) {
        let name = |binding: Binding| Name { ident: binding.ident, place, is_inert };
        self.0.extend(bindings.values.into_iter().map(name));
    }
}

impl Visit<'_> for Names {
    fn visit_local(&mut self, local: &Local) {
        self.add(Bindings::of(&local.pat, &[]), Place::Body, is_inert_declaration(local));
        syn::visit::visit_local(self, local);
    }

    // Functions within have names of their own.
    fn visit_item(&mut self, _: &Item) {}
}

/// Whether a function says that it never returns.
pub(crate) fn returns_never(signature: &Signature) -> bool {
    matches!(&signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
}

/// The word `naked` in `#[naked]` or `#[unsafe(naked)]`.
pub(crate) fn naked(attribute: &Attribute) -> Option<Ident> {
    let path = attribute.path();
    if path.is_ident("naked") {
        return path.get_ident().cloned();
    }
    if !path.is_ident("unsafe") {
        return None;
    }
    attribute.parse_args::<Ident>().ok().filter(|inner| inner == "naked")
}

fn check_type(data: &Data, options: &Options, errors: &mut Errors) {
    for meta in metas(&data.attributes) {
        if let Some(packed) = packed(&meta) {
            errors.push(
                packed,
                "a packed struct cannot be tracked: its fields cannot be referred to",
                "remove `packed`, or put the attribute on the functions that hold such values",
            );
        }
        let derives = meta.path().is_ident("derive");
        if let Some(copy) = derives.then(|| listed(&meta, "Copy")).flatten() {
            check_copy(copy, data, options, errors);
        }
    }
    for condition in conditions_of_parameters(data) {
        errors.push(
            condition,
            "a type with a parameter that may not exist cannot be tracked: what is implemented for the type names them all",
            "write the type once for each case, under a `#[cfg]` of its own",
        );
    }
    if let Some(tail) = unsized_tail(data) {
        errors.push(
            tail,
            "a struct whose last field can be unsized cannot be tracked",
            "keep the field behind a `Box`, or put the attribute on the functions that hold such values",
        );
    }
    for variant in &data.variants {
        let Some((_, before)) = variant.fields.split_last() else { continue };
        for probe in before.iter().filter(|field| field.is_probe()) {
            errors.push(
                &probe.member,
                "a `Probe` must be the last field: fields are dropped in order, and its drop marks the end of the value's",
                "move the field to the end",
            );
        }
    }
}

/// `copy` is where a type says that it is copied.
fn check_copy(copy: syn::Path, data: &Data, options: &Options, errors: &mut Errors) {
    if data.fields().any(Field::is_probe) {
        errors.push(
            copy,
            "a `Copy` type cannot have a `Probe`: nobody sees its values come and go",
            "remove `Copy`, or the field",
        );
    } else if matches!(options.drop, DropOption::Written) {
        errors.push(
            copy,
            "a `Copy` type cannot have a drop hook",
            "write `#[memscope::track(drop = off)]`, or remove `Copy`",
        );
    }
}

/// The attributes under which parameters of a type exist.
pub(crate) fn conditions_of_parameters(data: &Data) -> Vec<Attribute> {
    let attributes = data.generics.params.iter().flat_map(|parameter| match parameter {
        GenericParam::Lifetime(parameter) => cfgs(&parameter.attrs),
        GenericParam::Type(parameter) => cfgs(&parameter.attrs),
        GenericParam::Const(parameter) => cfgs(&parameter.attrs),
    });
    attributes.collect()
}

/// Whether hooks can look into values of a type.
pub(crate) fn can_be_looked_into(data: &Data) -> bool {
    conditions_of_parameters(data).is_empty()
        && !metas(&data.attributes).iter().any(|meta| packed(meta).is_some())
        && unsized_tail(data).is_none()
}

fn packed(meta: &Meta) -> Option<syn::Path> {
    meta.path().is_ident("repr").then(|| listed(meta, "packed")).flatten()
}

fn unsized_tail(data: &Data) -> Option<&Type> {
    if data.form != Form::Struct {
        return None;
    }
    data.fields().last().map(|tail| &tail.ty).filter(|ty| may_be_unsized(ty, &data.generics))
}

/// The attributes' contents, with those inside `cfg_attr`.
pub(crate) fn metas(attributes: &[Attribute]) -> Vec<Meta> {
    let mut metas = Vec::new();
    let mut rest: Vec<Meta> = attributes.iter().map(|attribute| attribute.meta.clone()).collect();
    while let Some(meta) = rest.pop() {
        if meta.path().is_ident("cfg_attr")
            && let Meta::List(list) = &meta
            && let Ok(inner) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        {
            rest.extend(inner.into_iter().skip(1));
        } else {
            metas.push(meta);
        }
    }
    metas
}

/// The path in a list such as `repr(C, packed(2))` that ends in this word.
fn listed(meta: &Meta, word: &str) -> Option<syn::Path> {
    let mut found = None;
    let Meta::List(list) = meta else { return None };
    // What does not parse is for the attribute's owner to report.
    let _ = list.parse_nested_meta(|nested: ParseNestedMeta<'_>| {
        if nested.path.segments.last().is_some_and(|segment| segment.ident == word) {
            found = Some(nested.path.clone());
        }
        if nested.input.peek(syn::token::Paren) {
            let content;
            syn::parenthesized!(content in nested.input);
            content.parse::<proc_macro2::TokenStream>()?;
        }
        Ok(())
    });
    found
}

/// Whether the type itself is a slice, `str`, a trait object or a `?Sized` parameter.
fn may_be_unsized(ty: &Type, generics: &Generics) -> bool {
    match ty {
        Type::Slice(_) | Type::TraitObject(_) => true,
        Type::Path(path) if path.qself.is_none() => {
            let Some(ident) = path.path.get_ident() else { return false };
            ident == "str" || is_relaxed(ident, generics)
        }
        _ => false,
    }
}

/// Whether `?Sized` is said of a type parameter.
fn is_relaxed(parameter: &Ident, generics: &Generics) -> bool {
    let relaxes = |bounds: &Punctuated<TypeParamBound, Token![+]>| {
        bounds.iter().any(|bound| bound.to_token_stream().to_string().replace(' ', "") == "?Sized")
    };
    let inline = generics.type_params().any(|own| own.ident == *parameter && relaxes(&own.bounds));
    let in_where =
        generics.where_clause.iter().flat_map(|clause| &clause.predicates).any(|predicate| {
            matches!(predicate, WherePredicate::Type(bound)
            if matches!(&bound.bounded_ty, Type::Path(path) if path.path.is_ident(parameter))
                && relaxes(&bound.bounds))
        });
    inline || in_where
}
