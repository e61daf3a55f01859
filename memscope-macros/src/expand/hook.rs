//! The calls into the runtime that hooks consist of.
//!
//! No method is called by its bare name, which a trait of the user's could have too.
//!
//! Every emitted token resolves at the macro's own site (hygiene keeps guards apart from the user's names, and
//! lints from looking at them) and is located at the user's variable (where errors point). Only the user's
//! identifiers keep their own resolution.

use super::graft::{Call, Wrap};
use super::header::Header;
use super::returns::Shown;
use super::sites::{Kind, Sites};
use super::taken::Taken;
use crate::attr::Options;
use crate::bindings::Binding;
use crate::ownership::{Ending, Escape};
use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use std::cell::RefCell;
use syn::ext::IdentExt;
use syn::{Ident, Token, Type};

/// The section that the sites of this version lie in: another's may be in the same program, and look otherwise.
const SECTION: &str = concat!(
    "memscope_sites_",
    env!("CARGO_PKG_VERSION_MAJOR"),
    "_",
    env!("CARGO_PKG_VERSION_MINOR"),
    "_",
    env!("CARGO_PKG_VERSION_PATCH")
);

/// What emitted code has in common: the way to memscope, and what its sites are called.
#[derive(Debug)]
pub(super) struct Hooks {
    krate: Option<TokenStream>,
    /// What stands before a site's name, such as the function of a variable, called `function::variable`.
    scope: Vec<String>,
    tags: Vec<String>,
    /// Whether the contents of containers are read.
    deep: bool,
    /// Of how many values one is recorded.
    one_in: u32,
    /// What the next site is called, if not by its variable's name.
    next_name: Option<String>,
    /// How many variables have been hooked: a number for each guard, for those who read expansions.
    count: usize,
    /// The sites of the blocks that are being hooked, of the innermost last.
    blocks: RefCell<Vec<Sites>>,
}

/// How a guard is bound to its variable.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bind {
    /// Only where dropping the variable runs code.
    IfDropped,
    /// Always: the user asked for this variable.
    Always,
}

/// The variable of the expansion that stands for one of the user's, which marks name.
#[derive(Debug)]
pub(super) struct Guard {
    ident: Ident,
    ty: &'static str,
}

impl ToTokens for Guard {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.ident.to_tokens(tokens);
    }
}

impl Hooks {
    /// Emits code for the memscope at `krate`, by default `::memscope`.
    fn new(krate: Option<TokenStream>) -> Self {
        Self {
            krate,
            scope: Vec::new(),
            tags: Vec::new(),
            deep: false,
            one_in: 0,
            next_name: None,
            count: 0,
            blocks: RefCell::default(),
        }
    }

    /// Emits code as the options say.
    pub(super) fn with(options: &Options) -> Self {
        let krate = options.krate.as_ref().map(ToTokens::to_token_stream);
        let tags = options.tags.iter().map(syn::LitStr::value).collect();
        Self { tags, deep: options.deep, one_in: options.one_in, ..Self::new(krate) }
    }

    /// Says where memscope is.
    pub(super) fn found_at(&mut self, krate: TokenStream) {
        self.krate = Some(krate);
    }

    /// Says what the next variable's site is called, if not as the variable.
    pub(super) fn call_next(&mut self, name: Option<String>) {
        self.next_name = name;
    }

    /// Puts a name before those of all sites, until it is taken away.
    pub(super) fn enter(&mut self, name: String) {
        self.scope.push(name);
    }

    /// Takes the last name away.
    pub(super) fn leave(&mut self) {
        self.scope.pop();
    }

    /// The literals that choose how a value is looked at.
    pub(super) fn sight(&self, span: Span) -> TokenStream {
        if self.deep { self.deep_sight(span) } else { quote_spanned!(span=> 0) }
    }

    /// Those with which its contents are looked at too.
    pub(super) fn deep_sight(&self, span: Span) -> TokenStream {
        let krate = self.krate(span);
        quote_spanned!(span=> #krate::__private::Deep(0, 0, 0))
    }

    /// Whether the contents of containers are read.
    pub(super) const fn is_deep(&self) -> bool {
        self.deep
    }

    /// The path to memscope.
    pub(super) fn krate(&self, span: Span) -> TokenStream {
        self.krate.clone().unwrap_or_else(|| quote_spanned!(span=> ::memscope))
    }

    /// Begins a block, whose sites are to stand in one static: for the compiler an item of its own is what costs most of a site.
    pub(super) fn begin_block(&self) {
        self.blocks.borrow_mut().push(Sites::default());
    }

    /// Ends a block; returns the items that define its sites, if it has any. They must stand in that very block: what is left
    /// out of the program under a condition takes its sites along.
    pub(super) fn end_block(&self) -> Option<TokenStream> {
        let sites = self.blocks.borrow_mut().pop().filter(|sites| sites.count > 0)?;
        Some(self.defined(&sites, Span::mixed_site()))
    }

    /// The items that define sites. Not a macro's call, which the compiler takes longer for, and without which, should there be no
    /// memscope, their name would be missing too.
    fn defined(&self, sites: &Sites, span: Span) -> TokenStream {
        let krate = self.krate(span);
        let (name, count) = (sites_ident(span), Literal::usize_unsuffixed(sites.count));
        let text = Literal::string(&sites.text);
        // See `linked` in the runtime.
        let by_section = quote_spanned! {span=>
            all(any(target_os = "linux", target_os = "android"), not(miri))
        };
        quote_spanned! {span=>
            #[cfg_attr(#by_section, used, unsafe(link_section = #SECTION))]
            static #name: [#krate::__private::Site; #count] =
                #krate::__private::sites(::core::concat!(::core::module_path!(), #text));
            #[cfg(not(#by_section))]
            #krate::__private::list_sites!(#name);
        }
    }

    /// An expression for the `&'static Site` of a place that exists under no condition, within a block.
    fn site_in_block(
        &self,
        kind: Kind,
        name: &str,
        at: Span,
        escape: Option<Escape>,
    ) -> TokenStream {
        let mut blocks = self.blocks.borrow_mut();
        let Some(sites) = blocks.last_mut() else { return self.alone(kind, name, at, escape) };
        let span = emitted(at);
        let (block, index) = (sites_ident(span), Literal::usize_unsuffixed(sites.count));
        self.describe(sites, kind, name, at, escape);
        quote_spanned!(span=> &#block[#index])
    }

    fn alone(&self, kind: Kind, name: &str, at: Span, escape: Option<Escape>) -> TokenStream {
        let mut sites = Sites::default();
        self.describe(&mut sites, kind, name, at, escape);
        let span = emitted(at);
        let (items, name) = (self.defined(&sites, span), sites_ident(span));
        quote_spanned!(span=> {
            #items
            &#name[0]
        })
    }

    fn describe(
        &self,
        sites: &mut Sites,
        kind: Kind,
        name: &str,
        at: Span,
        escape: Option<Escape>,
    ) {
        let name = match (self.scope.is_empty(), name) {
            (true, name) => name.to_owned(),
            // The scope itself.
            (false, "") => self.scope.join("::"),
            (false, name) => self.scope.join("::") + "::" + name,
        };
        sites.add(kind, &name, at, escape, self.one_in, &self.tags);
    }

    /// An expression for the `&'static Site` of a place.
    pub(super) fn site(&self, kind: Kind, name: &str, at: Span) -> TokenStream {
        self.alone(kind, name, at, None)
    }

    /// The same of a variable.
    fn site_of(&self, kind: Kind, binding: &Binding, name: &str, ending: &Ending) -> TokenStream {
        let at = binding.ident.span();
        if binding.cfgs.is_empty() {
            return self.site_in_block(kind, name, at, ending.escape);
        }
        self.alone(kind, name, at, ending.escape)
    }

    /// A statement after a binding whose guard only marks where the scope ends.
    pub(super) fn scoped(
        &mut self,
        kind: Kind,
        binding: &Binding,
        bind: Bind,
        ending: &Ending,
    ) -> (TokenStream, Guard) {
        let at = binding.ident.span();
        let span = emitted(at);
        let krate = self.krate(span);
        let exit = self.guard("exit", span);
        let name = self.called(&binding.ident);
        let site = self.site_of(kind, binding, &name, ending);
        let variable = &binding.ident;
        let attributes = attributes(binding, span);
        let mutability = ending.has_marks().then(|| quote_spanned!(span=> mut));
        let scoped = Ident::new(
            match bind {
                Bind::IfDropped => "scoped",
                Bind::Always => "scoped_always",
            },
            span,
        );
        let sight = self.sight(span);
        self.count += 1;
        let emitted = quote_spanned!(span=> #attributes let #mutability #exit = #krate::__private::#scoped(#site, &#variable, #sight););
        (emitted, Guard { ident: exit, ty: "Scoped" })
    }

    /// The statements before and after a declaration, whose guards enclose the variable's drop.
    pub(super) fn enclosing(
        &mut self,
        binding: &Binding,
        bind: Bind,
        ending: &Ending,
    ) -> (TokenStream, TokenStream, Guard) {
        let at = binding.ident.span();
        let span = emitted(at);
        let krate = self.krate(span);
        let (slot, exit) = (self.guard("slot", span), self.guard("exit", span));
        let name = self.called(&binding.ident);
        let site = self.site_of(Kind::Variable, binding, &name, ending);
        let variable = &binding.ident;
        let cfgs = &binding.cfgs;
        let attributes = attributes(binding, span);
        let bind = Ident::new(
            match bind {
                Bind::IfDropped => "bind",
                Bind::Always => "bind_always",
            },
            span,
        );
        let sight = self.sight(span);
        self.count += 1;
        let before =
            quote_spanned!(span=> #(#cfgs)* let mut #slot = #krate::__private::Slot::new(#site););
        let after = quote_spanned!(span=> #attributes let #exit = #krate::__private::Slot::#bind(&mut #slot, &#variable, #sight););
        (before, after, Guard { ident: slot, ty: "Slot" })
    }

    /// A statement behind which a variable stays, as it is, until its scope ends.
    pub(super) fn kept(&self, guard: &Guard, mention: &Ident, binding: &Binding) -> TokenStream {
        let (span, call) = self.method(guard, binding);
        let (attributes, sight) = (attributes(binding, span), self.sight(span));
        match binding.mutability {
            None => quote_spanned!(span=> #attributes #call stays(&mut #guard, &#mention);),
            Some(_) => {
                let last = format_ident!("{}_last", guard.ident, span = span);
                quote_spanned!(span=> #attributes let #last = #call kept(&mut #guard, &#mention, #sight);)
            }
        }
    }

    /// A statement behind which a variable is moved. What cannot have changed is not read again.
    pub(super) fn moved(&self, guard: &Guard, mention: &Ident, binding: &Binding) -> TokenStream {
        let (span, call) = self.method(guard, binding);
        let (attributes, sight) = (attributes(binding, span), self.sight(span));
        match binding.mutability {
            None => quote_spanned!(span=> #attributes #call leaves(&mut #guard, &#mention);),
            Some(_) => {
                quote_spanned!(span=> #attributes #call moves(&mut #guard, &#mention, #sight);)
            }
        }
    }

    /// The path to a method of a variable's guard, up to its name.
    fn method(&self, guard: &Guard, binding: &Binding) -> (Span, TokenStream) {
        let span = emitted(binding.ident.span());
        let krate = self.krate(span);
        let ty = Ident::new(guard.ty, span);
        (span, quote_spanned!(span=> #krate::__private::#ty::))
    }

    /// The statement at the beginning of a function's body that records the call.
    pub(super) fn call(&self, function: &Ident) -> TokenStream {
        let at = function.span();
        let span = emitted(at);
        let krate = self.krate(span);
        let call = Ident::new("__memscope_call", span);
        let site = self.site_in_block(Kind::Function, "", at, None);
        quote_spanned!(span=> let #call = #krate::__private::Call::enter(#site);)
    }

    /// The statement at the beginning of a function's body that records what it returns, a value of a type.
    pub(super) fn returns(&self, output: &Type, inferred: bool, at: Span) -> TokenStream {
        let span = emitted(at);
        let sight = self.sight(span);
        let krate = self.krate(span);
        let guard = return_guard(span);
        let site = self.return_site(at);
        // Says that the guard's type is the function's, where that cannot be written.
        let link = inferred.then(|| {
            never(&quote_spanned!(span=> return #krate::__private::Return::given(&#guard);), span)
        });
        quote_spanned! {span=>
            let mut #guard = #krate::__private::Return::<#output>::at(#site, #sight);
            #link
        }
    }

    /// The calls that show a return value to that statement's guard.
    pub(super) fn shown(&self, at: Span) -> Shown {
        let span = emitted(at);
        let krate = self.krate(span);
        let guard = return_guard(span);
        let sight = self.sight(span);
        let more = quote_spanned!(span=> &mut #guard, #sight);
        let function = quote_spanned!(span=> #krate::__private::returned);
        // A body that ends in a `loop` gives nothing there.
        let at_end = quote_spanned!(span=> #[allow(unreachable_code)] #function);
        Shown {
            by_return: Call { function, more: more.clone(), span },
            at_end: Call { function: at_end, more, span },
        }
    }

    /// The call that a literal becomes the argument of, to record that it makes a value.
    pub(super) fn constructs(&self, at: Span) -> Call {
        let span = emitted(at);
        let krate = self.krate(span);
        let site = self.site(Kind::Constructor, "", at);
        Call {
            function: quote_spanned!(span=> #krate::__private::constructed),
            more: quote_spanned!(span=> #site, 0),
            span,
        }
    }

    fn return_site(&self, at: Span) -> TokenStream {
        self.site(Kind::Return, "return value", at)
    }

    /// What makes a future's body into one whose polls are recorded: see [`Wrap`]. `output` is what it gives; it is recorded
    /// as a return value if that stands somewhere.
    pub(super) fn polls(
        &self,
        function: &Ident,
        output: &Type,
        body: AsyncBody,
        returned: Option<Span>,
    ) -> Wrap {
        let AsyncBody { capture, taken: Taken { outside, first }, header } = body;
        let at = function.span();
        let span = emitted(at);
        let krate = self.krate(span);
        let site = self.site(Kind::AsyncFunction, "", at);
        let (made, after) = match header {
            // Not that of the caller.
            Some(_) => {
                let own_place = quote_spanned!(span=> const { ::core::panic::Location::caller() });
                (quote_spanned!(span=> spawned(#site, #own_place)), None)
            }
            None => (quote_spanned!(span=> new(#site)), Some(quote_spanned!(span=> .await))),
        };
        let mut task = quote_spanned!(span=> #krate::__private::Task::#made);
        let mut polled = quote_spanned!(span=> polled::<#output, _>);
        if let Some(at) = returned {
            let of_return = self.return_site(at);
            let sight = self.sight(span);
            task = quote_spanned!(span=> #task, #of_return, #sight);
            polled = quote_spanned!(span=> polled_returning::<#output, _, _>);
        }
        let gives = gives(output, span);
        Wrap {
            outside,
            before: quote_spanned!(span=> #krate::__private::#polled),
            task,
            keyword: quote_spanned!(span=> async #capture),
            first: quote_spanned!(span=> #gives #first),
            after: after.unwrap_or_default(),
            header,
        }
    }

    /// The same of a future that never gives anything. `!` cannot be written as its type; one without values can.
    pub(super) fn polls_without_end(&self, function: &Ident, body: AsyncBody) -> Wrap {
        let span = emitted(function.span());
        let output = Type::Verbatim(quote_spanned!(span=> ::core::convert::Infallible));
        let wrap = self.polls(function, &output, body, None);
        let (before, after) = (&wrap.before, &wrap.after);
        Wrap {
            before: quote_spanned!(span=> match #before),
            after: quote_spanned!(span=> #after {}),
            ..wrap
        }
    }

    fn called(&mut self, variable: &Ident) -> String {
        self.next_name.take().unwrap_or_else(|| variable.unraw().to_string())
    }

    fn guard(&self, role: &str, span: Span) -> Ident {
        format_ident!("__memscope_{role}_{}", self.count, span = span)
    }
}

/// How an async body takes what it uses of the scope around it.
pub(super) struct AsyncBody {
    pub(super) capture: Option<Token![move]>,
    /// The arguments, of an async function's.
    pub(super) taken: Taken,
    /// What the function's header is to become, if the future is made where it is called.
    pub(super) header: Option<Header>,
}

/// Says what a body gives, so that it is coerced to that as in the function itself, whose type an async block does not see.
fn gives(output: &Type, span: Span) -> TokenStream {
    never(&quote_spanned!(span=> let given: #output = loop {}; return given;), span)
}

/// Statements that are only there for their types.
fn never(statements: &TokenStream, span: Span) -> TokenStream {
    quote_spanned! {span=>
        #[allow(unreachable_code, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
        if false {
            #statements
        }
    }
}

fn return_guard(span: Span) -> Ident {
    Ident::new("__memscope_return", span)
}

/// The static that holds the sites of a block.
fn sites_ident(span: Span) -> Ident {
    Ident::new("__MEMSCOPE_SITES", span)
}

/// The attributes of a statement that looks at a variable.
fn attributes(binding: &Binding, span: Span) -> TokenStream {
    let cfgs = &binding.cfgs;
    // `_v` keeps the user's resolution, so that clippy sees a use where there is only ours.
    let allow = binding
        .ident
        .to_string()
        .starts_with('_')
        .then(|| quote_spanned!(span=> #[allow(clippy::used_underscore_binding)]));
    quote_spanned!(span=> #(#cfgs)* #allow)
}

/// The span of emitted tokens: found in the macro, shown at the user's token.
pub(super) fn emitted(at: Span) -> Span {
    Span::mixed_site().located_at(at)
}
