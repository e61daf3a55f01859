//! The events of a program that does not exist, the same in every run.

use memscope_format::defs::{
    ContainerDef, ContainerKind, Defs, HookDef, SiteDef, SiteKind, ThreadDef, TypeDef,
};
use memscope_format::raw::{RawKind, Slot, SlotHeader, flags, value_id};
use memscope_format::{Batch, HookTable};

const HOOKS: u32 = 48;
/// Events that a drain finds in one ring before it goes to the next.
const STRETCH: u64 = 1 << 14;

/// A third of the variables are vectors, a third strings, a third of no known kind.
pub(crate) fn defs() -> Defs {
    let container = |id: u32| match id % 3 {
        0 => Some(ContainerDef { kind: ContainerKind::Vec, element_size: 8 << (id % 4) }),
        1 => Some(ContainerDef { kind: ContainerKind::String, element_size: 1 }),
        _ => None,
    };
    Defs {
        sites: (1..=HOOKS)
            .map(|id| SiteDef {
                id,
                kind: SiteKind::Variable,
                name: format!("module::function_{id}::variable"),
                module: "program::module".to_owned(),
                file: "src/module.rs".to_owned(),
                line: id,
                column: 9,
                tags: Vec::new(),
                escape: None,
            })
            .collect(),
        types: (1..=HOOKS)
            .map(|id| TypeDef {
                id,
                name: format!("alloc::vec::Vec<program::module::Type{id}>"),
                size: 24,
                align: 8,
                needs_drop: true,
                has_niche: false,
                container: container(id),
                fields: None,
            })
            .collect(),
        hooks: (1..=HOOKS).map(|id| HookDef { id, site: id, type_id: id }).collect(),
        threads: (1..=4).map(|id| ThreadDef { id, name: None, os_id: None }).collect(),
        ..Defs::default()
    }
}

pub(crate) struct Event {
    ring: u16,
    position: u64,
    slot: Slot,
}

/// A small random number generator, so that every run has the same events.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

struct Thread {
    position: u64,
    ts: u64,
    live: Vec<(u32, u64, u64)>,
}

/// Four threads whose functions call each other: variables are born, and dropped in the reverse order, most of
/// them soon. Containers have power-of-two capacities and addresses from an allocator's size classes.
pub(crate) struct Program {
    random: Random,
    threads: Vec<Thread>,
    turn: u64,
}

impl Program {
    pub(crate) fn new() -> Self {
        let thread = |number: u64| Thread {
            position: 0,
            ts: 1_000_000_000 + number * 517,
            live: Vec::new(),
        };
        let random = Random(0x9E37_79B9_7F4A_7C15);
        Self { random, threads: (0..4).map(thread).collect(), turn: 0 }
    }

    /// What happens next: so many events, rounded down to whole stretches.
    pub(crate) fn events(&mut self, count: u64) -> Vec<Event> {
        let mut events = Vec::with_capacity(count as usize);
        for _ in 0..count / STRETCH {
            self.stretch(&mut events);
        }
        events
    }

    /// What a drain finds in the ring of the thread whose turn it is.
    fn stretch(&mut self, events: &mut Vec<Event>) {
        let Self { random, threads, turn } = self;
        let ring = (*turn % 4) as u16;
        *turn += 1;
        let thread = &mut threads[usize::from(ring)];
        let mut hook = 1 + random.below(u64::from(HOOKS)) as u32;
        for _ in 0..STRETCH {
            thread.ts += 25 + random.below(30) + random.below(2) * random.below(400);
            let grow = thread.live.len() < 4 || (thread.live.len() < 40 && random.below(2) == 0);
            let position = thread.position;
            let slot = if grow {
                // The next variable of the function, or another function.
                hook = if random.below(4) > 0 {
                    1 + hook % HOOKS
                } else {
                    1 + random.below(u64::from(HOOKS)) as u32
                };
                let (p0, p1) = if hook % 3 == 2 {
                    (0, 0)
                } else {
                    let capacity = 4_u64 << random.below(7);
                    let len = capacity / 2 + random.below(capacity / 2);
                    (len | capacity << 32, 0x7F00_0000_0000 + capacity * 8 * random.below(512))
                };
                thread.live.push((hook, value_id(ring, position), thread.ts));
                Slot { w0: thread.ts, header: SlotHeader::new(hook, RawKind::Born, 0, 1).0, p0, p1 }
            } else {
                let depth = thread.live.len() as u64 % 3;
                let (hook, value, _) = thread.live.pop().unwrap();
                let duration = 12 + random.below(40);
                let kind = if hook % 3 == 2 { flags::EXIT } else { flags::DROPPED };
                Slot {
                    w0: thread.ts,
                    header: SlotHeader::new(hook, RawKind::End, kind, 1).0,
                    p0: value,
                    p1: duration | depth << 48,
                }
            };
            events.push(Event { ring, position, slot });
            thread.position += 1;
        }
    }
}

/// Does what a drain does.
pub(crate) fn fill(batch: &mut Batch, hooks: &HookTable, events: &[Event]) {
    for event in events {
        let thread = u32::from(event.ring) + 1;
        batch.push(hooks, event.ring, thread, event.position, &event.slot, None).unwrap();
    }
}
