//! Functions that return futures: what the future gives, and where its body is.

use syn::visit_mut::VisitMut;
use syn::{
    AngleBracketedGenericArguments, Block, Expr, ExprAsync, GenericArgument, PathArguments,
    ReturnType, Signature, Stmt, Type, TypeParamBound, parse_quote,
};

/// What a function returns; of an async one, what its future gives. `None` for `!`, which cannot be written where it is needed.
pub(super) fn output_of_function(signature: &Signature) -> Option<Type> {
    match &signature.output {
        ReturnType::Default => Some(parse_quote!(())),
        ReturnType::Type(_, output) => nameable(output),
    }
}

/// What the future gives that a function says it returns: as `impl Future`, or boxed and pinned.
pub(super) fn output_of_future(signature: &Signature) -> Option<Type> {
    let ReturnType::Type(_, returned) = &signature.output else { return None };
    let bounds = match &**returned {
        Type::ImplTrait(future) => &future.bounds,
        pinned => match only_argument(only_argument(pinned, "Pin")?, "Box")? {
            Type::TraitObject(future) => &future.bounds,
            _ => return None,
        },
    };
    bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            let last = bound.path.segments.last().filter(|last| last.ident == "Future")?;
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::AssocType(output) if output.ident == "Output" => {
                    nameable(&output.ty)
                }
                _ => None,
            })
        }
        _ => None,
    })
}

/// The async block that a body ends in, as it is or in a `Box::pin`.
pub(super) fn returned_block(body: &mut Block) -> Option<&mut ExprAsync> {
    let Some(Stmt::Expr(last, None)) = body.stmts.last_mut() else { return None };
    match last {
        Expr::Async(block) => Some(block),
        Expr::Call(call) => {
            let Expr::Path(function) = &*call.func else { return None };
            let mut names = function.path.segments.iter().rev().map(|segment| &segment.ident);
            let is_box_pin = names.next().is_some_and(|name| name == "pin")
                && names.next().is_some_and(|name| name == "Box");
            match call.args.first_mut() {
                Some(Expr::Async(block)) if is_box_pin => Some(block),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The type argument of a type with this name, if it has just one.
fn only_argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(AngleBracketedGenericArguments { args, .. }) =
        &last.arguments
    else {
        return None;
    };
    match args.first() {
        Some(GenericArgument::Type(ty)) if args.len() == 1 => Some(ty),
        _ => None,
    }
}

/// A type as it can be written in a body: with `_` for what only a signature can say.
fn nameable(ty: &Type) -> Option<Type> {
    if matches!(ty, Type::Never(_)) {
        return None;
    }
    let mut ty = ty.clone();
    InferImplTraits.visit_type_mut(&mut ty);
    Some(ty)
}

struct InferImplTraits;

impl VisitMut for InferImplTraits {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = parse_quote!(_),
            other => syn::visit_mut::visit_type_mut(self, other),
        }
    }
}
