//! Blocks of the heap that nobody had freed when the program ended.

use super::{Evidence, Finding, Rule, said};
use crate::defs::SiteKind;
use crate::report::human::{Bytes, Count};
use crate::report::{BlockFigures, BlockOwner, Figure, LifeFigures, Place, Report};

/// Finds what the blocks were for that were left when the program ended, where blocks were recorded.
///
/// It does not say that they have leaked: a static may hold them. What it says is whether the variables that they were for still
/// lived, as those of a `main` do that ends by `process::exit`; that all had ended, so that the blocks had been moved into something
/// that lives on, or forgotten; or that all were dropped, which is the rule of [`BlockFigures::leaked_bytes`]. It is silent on
/// statics and thread-locals, and on recordings that were cut.
#[derive(Debug, Clone, Copy)]
pub struct LeftAtExit {
    /// The least sum of bytes, where it is not known that they have leaked.
    pub at_least_bytes: u64,
}

impl Default for LeftAtExit {
    fn default() -> Self {
        Self { at_least_bytes: 1 << 10 }
    }
}

impl Rule for LeftAtExit {
    fn name(&self) -> &'static str {
        "left-at-exit"
    }

    fn condition(&self) -> String {
        format!(
            "{} or more that were allocated for one place, or any that have leaked, were not freed when the program ended",
            Bytes(self.at_least_bytes)
        )
    }

    fn apply(&self, report: &Report) -> Vec<Finding> {
        if !report.ended_at_exit() {
            return Vec::new();
        }
        let mut found: Vec<Finding> =
            report.blocks.iter().filter_map(|of| self.check(of, report)).collect();
        found.sort_by_key(|finding| std::cmp::Reverse(finding.evidence[0].value));
        found
    }
}

impl LeftAtExit {
    fn check(&self, of: &BlockFigures, report: &Report) -> Option<Finding> {
        let BlockOwner::Site(site) = &of.owner else { return None };
        if matches!(site.kind, Some(SiteKind::Static | SiteKind::ThreadLocal)) {
            return None;
        }
        let certain = match of.live_bytes {
            Figure::Exact(bytes) => bytes,
            // Of an estimate, as much as there is at least.
            Figure::Sampled { value, error } => value.saturating_sub(error),
            _ => return None,
        };
        let leaked = of.leaked_bytes.value().copied().unwrap_or(0);
        if certain == 0 || (certain < self.at_least_bytes && leaked == 0) {
            return None;
        }
        let known = report.sites.iter().find(|known| known.site == **site);
        Some(Finding {
            rule: self.name(),
            condition: self.condition(),
            site: (**site).clone(),
            message: format!(
                "{}: {} in {} left at exit{}",
                site.name,
                said(&of.live_bytes, |bytes| Bytes(bytes).to_string()),
                said(&of.live_blocks, |blocks| Count(blocks).of("block")),
                held(site, leaked > 0, known.map(|known| &known.lives)),
            ),
            evidence: vec![
                Evidence::of("live_bytes", &of.live_bytes),
                Evidence::of("live_blocks", &of.live_blocks),
                Evidence::of("leaked_bytes", &of.leaked_bytes),
            ],
        })
    }
}

/// Who may still have held them, as far as that is known.
fn held(site: &Place, leaked: bool, lives: Option<&LifeFigures>) -> String {
    if leaked {
        return ", though every value of it was dropped: leaked, or another owner has them"
            .to_owned();
    }
    let has_values =
        matches!(site.kind, Some(SiteKind::Variable | SiteKind::Argument | SiteKind::Type));
    // A variable that owns nothing, as a reference does, has no value that is recorded.
    let lives =
        lives.filter(|lives| has_values && lives.born.value().is_some_and(|born| *born > 0));
    match lives.map(|lives| &lives.alive_at_exit) {
        Some(Figure::Exact(0)) => {
            ", though every value of it had ended: moved on, shared or forgotten".to_owned()
        }
        Some(alive @ Figure::Exact(_)) => {
            format!("; {} of it had not ended", said(alive, |alive| Count(alive).of("value")))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::Scene;
    use crate::rows::{Heap, HeapKind, LifecycleKind};

    /// A variable with a block of so many bytes.
    fn scene(bytes: u64) -> (Scene, u32) {
        let mut scene = Scene::new();
        let kept = scene.variable("load::kept", "Vec<u8>", 24);
        scene.heap(block(bytes, kept)).born(kept, 1, 10);
        (scene, kept)
    }

    fn block(bytes: u64, site: u32) -> Heap {
        Heap {
            ts: 5,
            kind: HeapKind::Alloc,
            block: Some(5),
            addr: 0x10,
            size: bytes,
            old_size: None,
            align: 1,
            site: Some(site),
            stack: None,
            thread: 1,
            old_addr: None,
        }
    }

    fn messages(scene: &Scene) -> Vec<String> {
        let found = LeftAtExit::default().apply(&scene.report());
        found.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn says_what_became_of_the_variables() {
        let left = "load::kept: 2.00 KiB in 1 block left at exit";
        let (lives, _) = scene(2048);
        assert_eq!(messages(&lives), [format!("{left}; 1 value of it had not ended")]);
        let (mut moved, kept) = scene(2048);
        moved.lifecycle(kept, 1, 20, LifecycleKind::Moved);
        let ended = ", though every value of it had ended: moved on, shared or forgotten";
        assert_eq!(messages(&moved), [format!("{left}{ended}")]);
        let (mut dropped, kept) = scene(2048);
        dropped.dropped(kept, 1, 20, 5);
        let leaked = ", though every value of it was dropped: leaked, or another owner has them";
        assert_eq!(messages(&dropped), [format!("{left}{leaked}")]);
    }

    #[test]
    fn of_a_variable_that_owns_nothing_no_end_is_told() {
        let mut scene = Scene::new();
        let leaked = scene.variable("load::leaked", "&mut [u8]", 8);
        scene.heap(block(2048, leaked));
        assert_eq!(messages(&scene), ["load::leaked: 2.00 KiB in 1 block left at exit"]);
    }

    #[test]
    fn a_leak_is_told_however_small() {
        assert_eq!(messages(&scene(1023).0), [""; 0]);
        let (mut dropped, kept) = scene(7);
        dropped.dropped(kept, 1, 20, 5);
        assert_eq!(messages(&dropped).len(), 1);
    }

    #[test]
    fn is_silent_about_what_was_freed_and_what_statics_hold() {
        let (mut freed, kept) = scene(2048);
        let free = Heap { ts: 18, kind: HeapKind::Free, block: None, ..block(2048, kept) };
        freed.dropped(kept, 1, 20, 5).heap(free);
        assert_eq!(messages(&freed), [""; 0]);
        for kind in [SiteKind::Static, SiteKind::ThreadLocal] {
            let (mut held, kept) = scene(2048);
            held.defs.sites[kept as usize].kind = kind;
            assert_eq!(messages(&held), [""; 0]);
        }
    }

    #[test]
    fn is_silent_when_the_recording_was_cut_or_lost_events() {
        assert_eq!(messages(&scene(2048).0.cut()), [""; 0]);
        assert_eq!(messages(&scene(2048).0.lost(1)), [""; 0]);
    }
}
