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

/// The values of each site by its kind and name; sites of one name are taken together.
pub(crate) type Sites = BTreeMap<(&'static str, String), Lives>;

/// Values of one kind, as a program or its capture counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lives {
    pub(crate) born: u64,
    pub(crate) ended: u64,
}

impl Lives {
    fn add(&mut self, other: Self) {
        self.born += other.born;
        self.ended += other.ended;
    }

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

/// Counts the births and ends in a capture's rows.
///
/// Also checks what holds for every capture: a value is born once, before it ends, and ends once.
pub(crate) fn recorded(reader: &Reader) -> Sites {
    let sites: HashMap<u32, _> = reader.defs().sites.iter().map(|site| (site.id, site)).collect();
    let mut lives: HashMap<u32, Lives> = HashMap::new();
    let mut alive: HashSet<u64> = HashSet::new();
    let mut ended: Vec<(u32, u64)> = Vec::new();

    let sized = reader.rows::<Lifecycle>().map(|row| row.unwrap());
    let zero_sized = reader.rows::<Zst>().map(|row| row.unwrap().0);
    for row in sized.chain(zero_sized) {
        match row.kind {
            LifecycleKind::Born | LifecycleKind::Cloned => {
                // 0 stands for a value without identity.
                assert!(
                    row.value != 0 && alive.insert(row.value),
                    "born without an id, or twice: {row:?}"
                );
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

    let mut named = Sites::new();
    for (id, lives) in lives {
        named.entry(key(sites[&id].kind, &sites[&id].name)).or_default().add(lives);
    }
    named
}

/// The same as a report says, which must be sure of every figure.
pub(crate) fn reported(report: &Report) -> Sites {
    let mut named = Sites::new();
    for site in report.sites.iter().filter(|site| site.was_reached()) {
        let exact = |figure: &Figure<u64>| *figure.exact().unwrap();
        let lives = Lives { born: exact(&site.lives.born), ended: exact(&site.lives.ended) };
        assert_eq!(lives.alive(), exact(&site.lives.alive_at_exit), "{:?}", site.site);
        named.entry(key(site.site.kind.unwrap(), &site.site.name)).or_default().add(lives);
    }
    // Containers are read there; no value is born.
    named.retain(|(kind, _), _| *kind != "snapshot");
    named
}

fn key(kind: SiteKind, name: &str) -> (&'static str, String) {
    let kind = match kind {
        SiteKind::Variable => "variable",
        SiteKind::Argument => "argument",
        SiteKind::Type => "type",
        SiteKind::Snapshot => "snapshot",
        other => panic!("{other:?}"),
    };
    (kind, name.to_owned())
}

/// The part that is about annotated types.
pub(crate) fn types(sites: &Sites) -> BTreeMap<String, Lives> {
    let types = sites.iter().filter(|((kind, _), _)| *kind == "type");
    types.map(|((_, name), lives)| (name.clone(), *lives)).collect()
}
