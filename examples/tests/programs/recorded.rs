//! Runs an example program with recording on, and reads what it printed and what it recorded.

use memscope_format::Reader;
use memscope_format::defs::SiteKind;
use memscope_format::report::{Figure, Report};
use memscope_format::rows::{DropChain, Lifecycle, LifecycleKind, Zst};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

pub(crate) const INDEXER: &str = env!("CARGO_BIN_EXE_indexer");
pub(crate) const LRU_STORE: &str = env!("CARGO_BIN_EXE_lru_store");

/// Values of one kind, as a program or its capture counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lives {
    pub(crate) born: u64,
    pub(crate) ended: u64,
}

impl Lives {
    pub(crate) fn alive(self) -> u64 {
        self.born - self.ended
    }
}

/// Prepares a program that records into a directory, whatever the tests run under.
pub(crate) fn recording(program: &str, captures: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in
        env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MEMSCOPE"))
    {
        command.env_remove(name);
    }
    command.env("MEMSCOPE_DIR", captures);
    command
}

/// Returns the captures in a directory.
pub(crate) fn captures_in(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "memscope")).collect()
}

/// Returns the only capture in a directory.
pub(crate) fn only_capture_in(directory: &Path) -> PathBuf {
    let captures = captures_in(directory);
    assert_eq!(captures.len(), 1, "{captures:?}");
    captures.into_iter().next().unwrap()
}

/// Reads the lines that `--check` prints.
pub(crate) fn printed(stdout: &str) -> BTreeMap<String, Lives> {
    let mut kinds = BTreeMap::new();
    for line in stdout.lines() {
        let words: Vec<_> = line.split(' ').collect();
        if let ["check", kind, "created", created, "dropped", dropped, "alive", alive] = words[..] {
            let number = |text: &str| text.parse::<u64>().unwrap();
            let lives = Lives { born: number(created), ended: number(dropped) };
            assert_eq!(lives.alive(), number(alive));
            kinds.insert(kind.to_owned(), lives);
        }
    }
    kinds
}

/// The values of each site in a capture, by the site's kind and name.
///
/// Also checks what holds for every capture: a value is born once, before it ends, and ends once.
pub(crate) fn recorded(reader: &Reader) -> BTreeMap<(&'static str, String), Lives> {
    let sites: HashMap<u32, _> = reader.defs().sites.iter().map(|site| (site.id, site)).collect();
    let mut lives: HashMap<u32, Lives> = HashMap::new();
    let mut alive: HashSet<u64> = HashSet::new();
    let mut ended: Vec<(u32, u64)> = Vec::new();

    let sized = reader.rows::<Lifecycle>().map(|row| row.unwrap());
    let zero_sized = reader.rows::<Zst>().map(|row| row.unwrap().0);
    for row in sized.chain(zero_sized) {
        match row.kind {
            LifecycleKind::Born | LifecycleKind::Cloned => {
                assert!(alive.insert(row.value), "born twice: {row:?}");
                lives.entry(row.site).or_default().born += 1;
            }
            LifecycleKind::Exit | LifecycleKind::Moved => ended.push((row.site, row.value)),
            other => panic!("{other:?}"),
        }
    }
    let drops = reader.rows::<DropChain>().map(|row| row.unwrap());
    ended.extend(drops.map(|row| (row.site, row.value)));
    for (site, value) in ended {
        assert!(
            alive.remove(&value),
            "value {value:#x} of {:?} ended twice or was never born",
            sites[&site]
        );
        lives.entry(site).or_default().ended += 1;
    }

    let named = |(id, lives)| {
        let site = sites[&id];
        let kind = match site.kind {
            SiteKind::Variable => "variable",
            SiteKind::Argument => "argument",
            SiteKind::Type => "type",
            other => panic!("{other:?} records no births"),
        };
        ((kind, site.name.clone()), lives)
    };
    lives.into_iter().map(named).collect()
}

/// The part of [`recorded`] that is about annotated types.
pub(crate) fn recorded_types(reader: &Reader) -> BTreeMap<String, Lives> {
    let types = recorded(reader).into_iter().filter(|((kind, _), _)| *kind == "type");
    types.map(|((_, name), lives)| (name, lives)).collect()
}

/// The same as a report says, which must be sure of it.
pub(crate) fn reported_types(report: &Report) -> BTreeMap<String, Lives> {
    let types = report.sites.iter().filter(|site| site.site.kind == Some(SiteKind::Type));
    let lives = types.filter(|site| site.was_reached()).map(|site| {
        let exact = |figure: &Figure<u64>| *figure.exact().unwrap();
        let (born, alive) = (exact(&site.lives.born), exact(&site.lives.alive_at_exit));
        let lives = Lives { born, ended: exact(&site.lives.dropped) };
        assert_eq!(lives.alive(), alive, "{}", site.site.name);
        (site.site.name.clone(), lives)
    });
    lives.collect()
}
