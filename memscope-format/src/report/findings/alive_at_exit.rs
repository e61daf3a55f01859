//! Values of annotated types that were alive when the program ended.

use super::{Evidence, Finding, Rule, said};
use crate::report::human::{Bytes, Count};
use crate::report::{Figure, Report, SiteFigures};

/// Finds annotated types of which values were certainly alive at exit; where they are sampled, with as much certainty as the
/// error has.
///
/// It is silent on recordings that were cut: a program that was killed had no chance to drop anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct AliveAtExit;

impl Rule for AliveAtExit {
    fn name(&self) -> &'static str {
        "alive-at-exit"
    }

    fn condition(&self) -> String {
        "values of an annotated type were alive when the program ended: leaked, or held by a static or by what had not ended, which is not recorded".to_owned()
    }

    fn apply(&self, report: &Report) -> Vec<Finding> {
        if !report.ended_at_exit() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for site in report.sites.iter().filter(|site| site.site.is_type()) {
            let (alive, error) = match site.lives.alive_at_exit {
                Figure::Exact(alive) => (alive, 0),
                Figure::Bounded { value, error } | Figure::Sampled { value, error } => {
                    (value, error)
                }
                _ => continue,
            };
            if alive <= error {
                continue;
            }
            let (values, were) = if alive == 1 { ("value", "was") } else { ("values", "were") };
            found.push(Finding {
                rule: self.name(),
                condition: self.condition(),
                site: site.site.clone(),
                message: format!(
                    "{} {} {values} of {} {were} alive at exit{}",
                    said(&site.lives.alive_at_exit, |alive| Count(alive).to_string()),
                    site.site.name,
                    said(&site.lives.born, |born| Count(born).to_string()),
                    sized(site, report, alive),
                ),
                evidence: vec![
                    Evidence::of("alive_at_exit", &site.lives.alive_at_exit),
                    Evidence::of("born", &site.lives.born),
                    Evidence::new("error", error),
                ],
            });
        }
        found.sort_by_key(|finding| std::cmp::Reverse(finding.evidence[0].value));
        found
    }
}

/// Says how large each of them is.
fn sized(site: &SiteFigures, report: &Report, alive: u64) -> String {
    let [only] = site.types.as_slice() else { return String::new() };
    let Some(known) = report.type_named(only) else { return String::new() };
    let owned = if alive == 1 { "and what it owns" } else { "each and what they own" };
    format!(", {} {owned}", Bytes(known.size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::Scene;

    /// A type of which two values are born and one is dropped, and a variable that stays.
    fn scene() -> Scene {
        let mut scene = Scene::new();
        let session = scene.type_with_probe("Session");
        let number = scene.variable("main::number", "u32", 4);
        scene
            .born(session, 1, 10)
            .born(session, 2, 20)
            .born(number, 3, 30)
            .dropped(session, 1, 40, 5);
        scene
    }

    #[test]
    fn fires_for_types_not_for_variables() {
        let found = AliveAtExit.apply(&scene().report());
        let [finding] = found.as_slice() else { panic!("one type is alive: {found:?}") };
        assert_eq!(finding.message, "1 Session value of 2 was alive at exit, 8 B and what it owns");
        assert_eq!(finding.site.name, "Session");
        assert_eq!(finding.evidence[0], Evidence::new("alive_at_exit", 1));
    }

    #[test]
    fn is_silent_when_all_were_dropped() {
        let mut scene = scene();
        scene.dropped(0, 2, 50, 5);
        assert_eq!(AliveAtExit.apply(&scene.report()), []);
    }

    #[test]
    fn is_silent_when_the_recording_was_cut() {
        assert_eq!(AliveAtExit.apply(&scene().cut().report()), []);
    }

    #[test]
    fn is_silent_when_lost_events_may_explain_it() {
        assert_eq!(AliveAtExit.apply(&scene().lost(1).report()), []);
    }
}
