//! The registry: gives sites, types, hooks and threads their ids, once in a process.
//!
//! Interning is the slow path of a hook. It writes the new definitions into the capture before it returns, so
//! that every event names something that the file already defines.

use super::linked;
use super::places::{Places, is_call};
use super::sampling::Chance;
use super::session::{self, Core};
use super::shape::{NO_TYPE, TypeDesc, saturate};
use super::site::{Described, Hook, Site};
use core::panic::Location;
use core::sync::atomic::Ordering;
use memscope_format::defs::{
    Definition, Defs, HookDef, RateDef, SiteDef, SiteKind, StringDef, ThreadDef, TypeDef,
};
use std::collections::HashMap;

/// All that has an id. Ids are places in the lists, from 1.
#[derive(Debug, Default)]
pub(super) struct Registry {
    defs: Defs,
    /// Types by name. Several may share one: local types of two functions, or what generic code sees of a type as
    /// a bare `T`, without its shape. One type may also have several descriptions, which count as one.
    types: HashMap<&'static str, Vec<u32>>,
    /// Hooks by site and type.
    hooks: HashMap<(u32, u32), u32>,
    /// What is recorded where the source does not say; none before the first session, which decides it for all of them.
    choice: Option<Choice>,
}

/// What a process records where the source does not say. It never changes: values outlive sessions, and the end of one counts as
/// its birth did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    /// One in so many values, calls and tasks.
    pub(super) one_in: u32,
    /// Whether any values, whatever the source says, but for statics and thread-locals.
    pub(super) values: bool,
    /// Whether any calls and tasks, whatever the source says.
    pub(super) calls: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self { one_in: 1, values: true, calls: true }
    }
}

/// Returns the hook of a site for a type, made new if need be; `None` within the registry itself.
#[cold]
#[inline(never)]
pub(super) fn intern(site: &'static Site, desc: &'static TypeDesc) -> Option<&'static Hook> {
    let hook = session::in_core(|core| {
        if let Some(hook) = site.find(desc) {
            // Another thread was faster.
            return Some(hook);
        }
        let described = site.describe()?;
        let one_in = core.registry.one_in(&described);
        let mut new = Defs::default();
        let (id, type_id) = core.registry.hook(site, &described, one_in, desc, &mut new);
        core.define(&new);
        let chance = Chance::one_in(one_in);
        Some(site.publish(Box::new(Hook::new(desc, id, type_id, &described, chance))))
    });
    let hook = hook.flatten();
    if hook.is_none() {
        session::count_lost();
    }
    hook
}

/// Returns the text that says where the async function of a site was called, made new if need be; `None` if that is unknown, and
/// within the registry itself.
#[cold]
#[inline(never)]
pub(super) fn intern_place(
    places: &'static Places,
    site: &'static Site,
    at: &'static Location<'static>,
    definition: &Location<'_>,
) -> Option<u32> {
    let text = session::in_core(|core| {
        if let Some(text) = places.find(at) {
            // Another thread was faster.
            return text;
        }
        let is_call = site.describe().is_some_and(|function| is_call(&function, at, definition));
        let text = is_call.then(|| core.define_text(&at.to_string()));
        places.publish(at, text);
        text
    });
    text.flatten()
}

impl Registry {
    /// What was decided to be recorded, if anything was.
    pub(super) fn choice(&self) -> Option<Choice> {
        self.choice
    }

    /// Decides it, unless it was.
    pub(super) fn decide(&mut self, choice: Choice) {
        self.choice.get_or_insert(choice);
    }

    /// Of how many values of a site one is recorded; 0 if none is.
    fn one_in(&self, of: &Described) -> u32 {
        let choice = self.choice.unwrap_or_default();
        match (of.kind, of.one_in) {
            (SiteKind::Function | SiteKind::AsyncFunction, _) if !choice.calls => 0,
            (
                SiteKind::Variable
                | SiteKind::Argument
                | SiteKind::Type
                | SiteKind::Return
                | SiteKind::Constructor,
                _,
            ) if !choice.values => 0,
            (SiteKind::Static | SiteKind::ThreadLocal, _) => of.one_in.max(1),
            (_, 0) => choice.one_in,
            (_, said) => said,
        }
    }

    /// All definitions so far.
    pub(super) fn defs(&self) -> &Defs {
        &self.defs
    }

    /// The definitions that came after others of which only the number is known.
    pub(super) fn defs_since(&self, types: usize, hooks: usize) -> Defs {
        // Ids are places in the list, from 1.
        let rates = self.defs.rates.iter().filter(|rate| rate.hook as usize > hooks);
        Defs {
            rates: rates.copied().collect(),
            types: self.defs.types.get(types..).unwrap_or_default().to_vec(),
            hooks: self.defs.hooks.get(hooks..).unwrap_or_default().to_vec(),
            ..Defs::default()
        }
    }

    /// Gives every linked site its id, so that those that are never hit are known too.
    pub(super) fn list_sites(&mut self) {
        let mut new = Defs::default();
        for site in linked::sites() {
            if let Some(described) = site.describe() {
                self.site(site, &described, &mut new);
            }
        }
    }

    /// The id of a text.
    fn text(&mut self, text: &str, new: &mut Defs) -> u32 {
        if let Some(known) = self.defs.strings.iter().find(|known| known.text == text) {
            return known.id;
        }
        let def = StringDef { id: next_id(self.defs.strings.len()), text: text.to_owned() };
        self.defs.strings.push(def.clone());
        new.strings.push(def.clone());
        def.id
    }

    /// Forgets the threads: a forked child has none of them.
    #[cfg_attr(not(unix), expect(dead_code, reason = "no process is forked"))]
    pub(super) fn forget_threads(&mut self) {
        self.defs.threads.clear();
    }

    /// Adds a thread, or says something else of it.
    pub(super) fn set_thread(&mut self, thread: ThreadDef) {
        // Ids are places in the list, from 1: a program may have had a hundred thousand threads.
        match self.defs.threads.get_mut(thread.id as usize - 1) {
            Some(known) => *known = thread,
            None => self.defs.threads.push(thread),
        }
    }

    fn hook(
        &mut self,
        site: &'static Site,
        described: &Described,
        one_in: u32,
        desc: &'static TypeDesc,
        new: &mut Defs,
    ) -> (u32, u32) {
        let site = self.site(site, described, new);
        let type_id =
            if core::ptr::eq(desc, &raw const NO_TYPE) { 0 } else { self.type_id(desc, new) };
        if let Some(id) = self.hooks.get(&(site, type_id)) {
            return (*id, type_id);
        }
        let id = next_id(self.defs.hooks.len());
        self.hooks.insert((site, type_id), id);
        let def = HookDef { id, site, type_id };
        self.defs.hooks.push(def);
        new.hooks.push(def);
        if one_in > 1 {
            let rate = RateDef { hook: id, one_in };
            self.defs.rates.push(rate);
            new.rates.push(rate);
        }
        (id, type_id)
    }

    fn site(&mut self, site: &'static Site, described: &Described, new: &mut Defs) -> u32 {
        let known = site.id.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        let id = next_id(self.defs.sites.len());
        site.id.store(id, Ordering::Relaxed);
        let def = SiteDef {
            id,
            kind: described.kind,
            name: described.name.to_owned(),
            module: described.module.to_owned(),
            file: described.file.to_owned(),
            line: described.line,
            column: described.column,
            tags: described.tags.iter().map(|&tag| tag.to_owned()).collect(),
            escape: described.escape,
        };
        self.defs.sites.push(def.clone());
        new.sites.push(def);
        id
    }

    fn type_id(&mut self, desc: &'static TypeDesc, new: &mut Defs) -> u32 {
        let name = (desc.name)();
        let id = next_id(self.defs.types.len());
        let mut def = TypeDef {
            id,
            name: name.to_owned(),
            size: desc.size as u64,
            align: saturate(desc.align),
            needs_drop: desc.needs_drop,
            has_niche: desc.has_niche,
            container: desc.shape.container(),
            fields: desc.shape.fields().map(|fields| fields.iter().map(|f| f.def()).collect()),
        };
        if !def.fits() {
            // Tens of thousands: a record without them is true, and a longer one would end the recording.
            def.fields = None;
        }
        let namesakes = self.types.entry(name).or_default();
        for &known in namesakes.iter() {
            def.id = known;
            if self.defs.types[known as usize - 1] == def {
                return known;
            }
        }
        def.id = id;
        namesakes.push(id);
        self.defs.types.push(def.clone());
        new.types.push(def);
        id
    }
}

fn next_id(len: usize) -> u32 {
    u32::try_from(len + 1).unwrap_or(u32::MAX)
}

impl Core {
    /// The id of a text, defined in the capture the first time.
    pub(super) fn define_text(&mut self, text: &str) -> u32 {
        let mut new = Defs::default();
        let id = self.registry.text(text, &mut new);
        self.define(&new);
        id
    }

    /// Writes definitions into the capture, if one is being written.
    pub(super) fn define(&mut self, defs: &Defs) {
        if let Some(capture) = &mut self.capture
            && let Err(error) = capture.writer.define(defs)
        {
            session::fail(self, &error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::{Field, Shape};
    use super::*;
    use memscope_format::{Codec, FileHeader, Reader, Writer};

    fn type_of_fields(fields: usize) -> &'static TypeDesc {
        let fields = vec![Field::new::<u8>("f", 0, Shape::Opaque); fields].leak();
        Box::leak(Box::new(TypeDesc::of::<u8>(Shape::Fields { fields, drop_hook: true })))
    }

    #[test]
    fn a_type_of_more_fields_than_a_record_holds_is_defined_without_them() {
        let mut registry = Registry::default();
        let mut new = Defs::default();
        let many = type_of_fields(200_000);
        let ids = [many, type_of_fields(2), many].map(|desc| registry.type_id(desc, &mut new));
        assert_eq!(ids, [1, 2, 1]);
        let mut writer =
            Writer::new(Vec::new(), &FileHeader::new([7; 16], 0, Codec::None)).unwrap();
        writer.define(&new).unwrap();
        let capture = Reader::from_bytes(writer.finish().unwrap()).unwrap();
        let fields = |id| capture.defs().type_def(id).unwrap().fields.as_ref().map(Vec::len);
        assert_eq!([1, 2].map(fields), [None, Some(2)]);
    }
}
