//! What a capture holds of values that functions of their own type make.

use crate::harness::run;
use crate::scenarios::constructors::MADE;
use memscope_format::report::{Figure, Report};

#[test]
fn what_constructors_make_and_drop_hooks_drop_is_balanced_by_type() {
    let run = run("constructors");
    let report = Report::open(&run.paths()).unwrap();
    let (new, parsed, forgotten) = MADE;
    let born = |site: &str| {
        let constructor = Some(memscope_format::defs::SiteKind::Constructor);
        let of = report.sites.iter().filter(|known| known.site.name == site);
        let of: Vec<_> = of.filter(|known| known.site.kind == constructor).collect();
        of.iter().map(|known| *known.lives.born.exact().unwrap()).sum::<u64>()
    };
    assert_eq!((born("Page::new"), born("Page::parse")), (new, parsed));
    // They hand on what `new` has made, or what they are given.
    assert_eq!((born("Page::shared"), born("Page::longer")), (0, 0));
    assert_eq!(born("Probed::new"), 0, "a probe tells of it");

    let lives = |name: &str| {
        let named = report.types.iter().find(|known| known.name.ends_with(name)).unwrap();
        named.values.as_ref().unwrap()
    };
    let page = lives("::Page");
    let at_least = |figure: &Figure<u64>| match figure {
        Figure::AtLeast { value, why } => {
            assert!(why.starts_with("rule `constructors`"), "{why}");
            *value
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(page.dropped.exact(), Some(&(new + parsed - forgotten)));
    assert_eq!(at_least(&page.born), new + parsed);
    assert_eq!(at_least(&page.alive_at_exit), forgotten);
    assert!(page.median_life_ns.exact().is_none(), "no value is known by itself");
    let probed = lives("::Probed");
    assert_eq!((probed.born.exact(), probed.alive_at_exit.exact()), (Some(&1), Some(&0)));
}
