//! Functions: hooks for by-value arguments, and around every `let`, in the function's own braces.

use super::Mode;
use super::constructors::show_constructed;
use super::expectations::excuse;
use super::future::{each_returned_block, output_of_function, output_of_future};
use super::graft::Grafts;
use super::header::Header;
use super::hook::{AsyncBody, Bind, Guard, Hooks};
use super::inert::{extends_a_temporary, is_inert_argument, is_inert_declaration};
use super::returns::{is_inferred, may_be_container, show_returned};
use super::sites::Kind;
use super::taken::Taken;
use crate::attr::Options;
use crate::bindings::{Binding, Bindings};
use crate::check::returns_never;
use crate::ownership::{Ending, Ownership};
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{
    AngleBracketedGenericArguments, Attribute, Block, ExprConst, ExprRepeat, FnArg, Item, ItemFn,
    Local, Pat, ReturnType, Signature, Stmt, Token, Type,
};

/// A walk over an item that puts hooks around declarations.
pub(super) struct Hooking<'a> {
    pub(super) hooks: Hooks,
    pub(super) grafts: Grafts,
    pub(super) options: &'a Options,
    pub(super) mode: Mode,
    /// The name of the type whose impl block is walked.
    pub(super) own_type: Option<String>,
    /// Whether the async functions that are walked may become functions that return futures, as far as what is around them goes.
    pub(super) may_rewrite: bool,
    body: Body,
}

/// The body that hooks are being put into.
#[derive(Debug, Default)]
struct Body {
    ownership: Ownership,
    /// How many of its statements have been reached.
    statements: usize,
    /// What is to stand before and behind statements that are yet to come, by their numbers.
    before: HashMap<usize, TokenStream>,
    behind: HashMap<usize, TokenStream>,
}

impl<'a> Hooking<'a> {
    pub(super) fn new(options: &'a Options, mode: Mode) -> Self {
        let (hooks, grafts) = (Hooks::with(options), Grafts::default());
        Self {
            hooks,
            grafts,
            options,
            mode,
            own_type: None,
            may_rewrite: true,
            body: Body::default(),
        }
    }

    pub(super) fn expand_function(
        mut self,
        mut function: ItemFn,
        tokens: TokenStream,
    ) -> TokenStream {
        if self.mode == Mode::Off {
            return tokens;
        }
        let name = match &self.options.name {
            Some(name) => name.value(),
            None => function.sig.ident.unraw().to_string(),
        };
        let ItemFn { attrs, vis, sig, block, .. } = &mut function;
        let header = Header::of(attrs, vis, sig);
        self.body(name, sig, block, header);
        self.put_into(tokens, function.into_token_stream())
    }

    /// The original tokens of an item with the hooks that its printed tree has marks of.
    pub(super) fn put_into(&self, tokens: TokenStream, printed: TokenStream) -> TokenStream {
        if self.grafts.is_empty() {
            return tokens;
        }
        let mut emitted = excuse(&tokens).unwrap_or_default();
        emitted.extend(self.grafts.put_into(tokens, printed));
        emitted
    }

    /// Puts hooks into a function's body, and another header before it if that is given.
    pub(super) fn body(
        &mut self,
        name: String,
        signature: &mut Signature,
        body: &mut Block,
        header: Option<Header>,
    ) {
        self.hooks.enter(name);
        let ownership = Ownership::of(signature, body);
        let outer = std::mem::replace(&mut self.body, Body { ownership, ..Body::default() });
        self.hooks.begin_block();
        let arguments = self.arguments(signature);
        self.statements(body);
        self.body = outer;
        if let Some(own) = &self.own_type {
            let call = |at| self.hooks.constructs(at);
            show_constructed(own, signature, body, &mut self.grafts, &call);
        }
        let mut first = Vec::new();
        if signature.asyncness.is_some() {
            first.push(self.polls_of_body(signature, header));
            first.extend(self.sites());
        } else if self.polls_of_blocks(signature, body) {
            first.extend(self.sites());
        } else {
            let call = self.grafts.mark(self.hooks.call(&signature.ident));
            first.extend(self.sites());
            first.push(call);
            first.extend(self.return_value(signature, body));
        }
        if !arguments.is_empty() {
            first.push(self.grafts.mark(arguments));
        }
        body.stmts.splice(0..0, first);
        self.hooks.leave();
    }

    /// The mark of the item that defines a block's sites, when all are known.
    fn sites(&mut self) -> Option<Stmt> {
        self.hooks.end_block().map(|sites| self.grafts.mark(sites))
    }

    /// The mark that makes an async function's body into a future whose polls are recorded.
    fn polls_of_body(&mut self, signature: &mut Signature, header: Option<Header>) -> Stmt {
        let taken = Taken::of(signature, &mut self.grafts);
        let header = header.filter(|_| self.may_rewrite);
        let capture = Some(<Token![move]>::default());
        let wrap = match output_of_function(signature) {
            Some(output) => {
                let body = AsyncBody { capture, taken, header };
                let returned = self.wants_return_value(signature);
                self.hooks.polls(&signature.ident, &output, body, returned)
            }
            None => {
                let body = AsyncBody { capture, taken, header: None };
                self.hooks.polls_without_end(&signature.ident, body)
            }
        };
        self.grafts.mark_around(wrap)
    }

    /// Puts that mark into each async block that a function returns. Returns whether there is one.
    fn polls_of_blocks(&mut self, signature: &Signature, body: &mut Block) -> bool {
        let Some(output) = output_of_future(signature) else { return false };
        let returned = self.wants_return_value(signature);
        let blocks = each_returned_block(body, &mut |block| {
            let taken = AsyncBody { capture: block.capture, taken: Taken::default(), header: None };
            let wrap = self.hooks.polls(&signature.ident, &output, taken, returned);
            block.block.stmts.insert(0, self.grafts.mark_around(wrap));
        });
        blocks > 0
    }

    /// The mark of what records a function's return value, if that is asked for. Where it can be a container, what is returned
    /// is shown to it.
    fn return_value(&mut self, signature: &Signature, body: &mut Block) -> Option<Stmt> {
        let at = self.wants_return_value(signature)?;
        let output = output_of_function(signature)?;
        if may_be_container(&output) {
            show_returned(body, &self.hooks.shown(at), &mut self.grafts);
        }
        Some(self.grafts.mark(self.hooks.returns(&output, is_inferred(&output), at)))
    }

    /// Where the return value stands in the signature, if it is to be recorded.
    fn wants_return_value(&self, signature: &Signature) -> Option<Span> {
        self.options.ret.as_ref()?;
        match &signature.output {
            _ if returns_never(signature) => None,
            ReturnType::Default => Some(signature.ident.span()),
            ReturnType::Type(_, ty) => Some(ty.span()),
        }
    }

    /// Whether the options leave a variable or argument in.
    fn wants(&self, kind: Kind, binding: &Binding) -> bool {
        let chosen = match kind {
            Kind::Argument => &self.options.args,
            _ => &self.options.vars,
        };
        chosen.as_ref().is_none_or(|chosen| chosen.includes(&binding.ident))
            && !self.options.skip.as_ref().is_some_and(|skipped| skipped.includes(&binding.ident))
    }

    /// The hooks of all arguments that hold a value.
    fn arguments(&mut self, signature: &Signature) -> TokenStream {
        signature.inputs.iter().flat_map(|argument| self.argument(argument)).collect()
    }

    fn argument(&mut self, argument: &FnArg) -> Vec<TokenStream> {
        let bindings = match argument {
            inert if is_inert_argument(inert) => return Vec::new(),
            FnArg::Receiver(receiver) => Bindings::of_self(receiver),
            FnArg::Typed(argument) => Bindings::of(&argument.pat, &argument.attrs),
        };
        let mut values = bindings.values;
        values.retain(|binding| self.wants(Kind::Argument, binding));
        let hook = |binding: &Binding| {
            let ending = self.body.ownership.of_argument(binding);
            let (emitted, guard) =
                self.hooks.scoped(Kind::Argument, binding, Bind::IfDropped, &ending);
            self.mark(binding, &ending, &guard);
            emitted
        };
        values.iter().map(hook).collect()
    }

    /// Remembers what is known of a variable at statements that are yet to come.
    fn mark(&mut self, binding: &Binding, ending: &Ending, guard: &Guard) {
        for (statement, mention) in &ending.moves {
            let mark = self.hooks.moved(guard, mention, binding);
            self.body.before.entry(*statement).or_default().extend(mark);
        }
        if let Some((statement, mention)) = &ending.kept {
            let mark = self.hooks.kept(guard, mention, binding);
            self.body.behind.entry(*statement).or_default().extend(mark);
        }
    }

    /// The statements to put before and after a `let`, which is the statement of this number.
    fn declaration(&mut self, local: &Local, number: usize) -> (TokenStream, TokenStream) {
        if is_inert_declaration(local) {
            return Default::default();
        }
        let bindings = Bindings::of(&local.pat, &local.attrs);
        let wanted = bindings.values.iter().filter(|one| self.wants(Kind::Variable, one));
        let ending = |one: &Binding| self.body.ownership.of_variable(one, number);
        let wanted: Vec<_> = wanted.map(|one| (one.clone(), ending(one))).collect();
        let (before, after, guards) =
            around(&mut self.hooks, local, &bindings, &wanted, Bind::IfDropped);
        for ((binding, ending), guard) in wanted.iter().zip(&guards) {
            self.mark(binding, ending, guard);
        }
        (before, after)
    }
}

impl Hooking<'_> {
    /// Puts hooks into a block's statements.
    fn statements(&mut self, block: &mut Block) {
        let statements = std::mem::take(&mut block.stmts);
        for mut statement in statements {
            let number = self.body.statements;
            self.body.statements += 1;
            let mut before = self.body.before.remove(&number).unwrap_or_default();
            let (declaring, mut after) = match &mut statement {
                Stmt::Local(local) => self.declaration(local, number),
                Stmt::Item(item) => (TokenStream::new(), self.item_in_body(item)),
                _ => Default::default(),
            };
            before.extend(declaring);
            self.visit_stmt_mut(&mut statement);
            after.extend(self.body.behind.remove(&number));
            if !before.is_empty() {
                block.stmts.push(self.grafts.mark(before));
            }
            block.stmts.push(statement);
            if !after.is_empty() {
                block.stmts.push(self.grafts.mark(after));
            }
        }
    }
}

impl VisitMut for Hooking<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        self.hooks.begin_block();
        self.statements(block);
        let sites = self.sites();
        block.stmts.splice(0..0, sites);
    }

    fn visit_expr_repeat_mut(&mut self, repeat: &mut ExprRepeat) {
        // The length is computed by the compiler, where nothing can be recorded.
        self.visit_expr_mut(&mut repeat.expr);
    }

    // The same holds in constant blocks, types, patterns and generic arguments.
    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_pat_mut(&mut self, _: &mut Pat) {}
    fn visit_angle_bracketed_generic_arguments_mut(
        &mut self,
        _: &mut AngleBracketedGenericArguments,
    ) {
    }

    // Items in a body are tracked where they stand, each with a scope of its own; attributes hold no statements.
    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}
}

/// The hooks of the wanted ones among the variables that a `let` declares: before and after it if it declares one,
/// else after it for each; and the guards, one for each.
pub(super) fn around(
    hooks: &mut Hooks,
    local: &Local,
    bindings: &Bindings,
    wanted: &[(Binding, Ending)],
    bind: Bind,
) -> (TokenStream, TokenStream, Vec<Guard>) {
    let Some(init) = &local.init else {
        return Default::default();
    };
    match wanted {
        [(binding, ending)]
            if bindings.values.len() == 1
                && !bindings.has_references
                && !extends_a_temporary(&init.expr) =>
        {
            let (before, after, guard) = hooks.enclosing(binding, bind, ending);
            (before, after, vec![guard])
        }
        several => {
            let hook = |(binding, ending): &(Binding, Ending)| {
                hooks.scoped(Kind::Variable, binding, bind, ending)
            };
            let (after, guards): (TokenStream, Vec<_>) = several.iter().map(hook).unzip();
            (TokenStream::new(), after, guards)
        }
    }
}
