//! Functions that return futures: what the future gives, and where its body is.

use super::returns::{each_giving, each_returned};
use syn::visit_mut::VisitMut;
use syn::{
    AngleBracketedGenericArguments, Block, Expr, ExprAsync, GenericArgument, Ident, Pat,
    PathArguments, ReturnType, Signature, Stmt, Type, TypeParamBound, parse_quote,
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
        ty => {
            // As the crate futures calls it.
            let output = ["BoxFuture", "LocalBoxFuture"].iter().find_map(|name| argument(ty, name));
            if let Some(output) = output {
                return nameable(output);
            }
            match argument(argument(ty, "Pin")?, "Box")? {
                Type::TraitObject(future) => &future.bounds,
                _ => return None,
            }
        }
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

/// Does something with each async block that a body returns, by a `return` or at its end: as it is, boxed, behind a variable of
/// the body, or as what one of several branches gives. Returns how many there are.
pub(super) fn each_returned_block(body: &mut Block, each: &mut dyn FnMut(&mut ExprAsync)) -> usize {
    let mut found = Found { each, count: 0, variables: Vec::new() };
    each_returned(body, &mut |expression, _| found.look(expression));
    let Found { variables, .. } = &mut found;
    let wanted = std::mem::take(variables);
    for name in wanted {
        // The last one of that name, if it is shadowed.
        let init = body.stmts.iter_mut().rev().find_map(|statement| match statement {
            Stmt::Local(local) if declares(&local.pat, &name) => local.init.as_mut(),
            _ => None,
        });
        if let Some(init) = init {
            found.look(&mut init.expr);
        }
    }
    found.count
}

struct Found<'a> {
    each: &'a mut dyn FnMut(&mut ExprAsync),
    count: usize,
    /// Variables that are returned.
    variables: Vec<Ident>,
}

impl Found<'_> {
    /// Looks for what gives the value of an expression, through what does not change what a future gives.
    fn look(&mut self, expression: &mut Expr) {
        each_giving(expression, &mut |expression| self.look_at(expression));
    }

    fn look_at(&mut self, expression: &mut Expr) {
        match expression {
            Expr::Async(block) => {
                (self.each)(block);
                self.count += 1;
            }
            Expr::Call(call) => {
                if boxes(&call.func)
                    && let Some(argument) = call.args.first_mut()
                {
                    self.look(argument);
                }
            }
            Expr::MethodCall(call) if KEEPS_OUTPUT.iter().any(|name| call.method == name) => {
                self.look(&mut call.receiver);
            }
            Expr::Path(path) => self.variables.extend(path.path.get_ident().cloned()),
            _ => {}
        }
    }
}

/// Methods of well-known crates that make a future of a future that gives the same.
const KEEPS_OUTPUT: [&str; 4] = ["boxed", "boxed_local", "instrument", "in_current_span"];

/// Whether a function puts its argument into a box, or pins such a box.
fn boxes(function: &Expr) -> bool {
    let Expr::Path(function) = function else { return false };
    let mut names = function.path.segments.iter().rev().map(|segment| segment.ident.to_string());
    let (last, owner) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    matches!((owner.as_str(), last.as_str()), ("Box", "pin" | "new" | "into_pin") | ("Pin", "from"))
}

/// Whether a pattern is this name.
pub(super) fn declares(pattern: &Pat, name: &Ident) -> bool {
    match pattern {
        Pat::Ident(one) => one.ident == *name,
        Pat::Type(typed) => declares(&typed.pat, name),
        _ => false,
    }
}

/// The type argument of a type with this name, if it has just one beside lifetimes.
fn argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(AngleBracketedGenericArguments { args, .. }) =
        &last.arguments
    else {
        return None;
    };
    let is_lifetime =
        |argument: &&GenericArgument| matches!(argument, GenericArgument::Lifetime(_));
    match args.iter().skip_while(is_lifetime).collect::<Vec<_>>()[..] {
        [GenericArgument::Type(ty)] => Some(ty),
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
