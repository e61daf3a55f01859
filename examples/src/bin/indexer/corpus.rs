//! What is to be indexed: which directories, and which files in them.

use crate::document::Document;
use crate::id::Id;
use memscope_examples::byte_size::ByteSize;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs, io};
use walkdir::{DirEntry, WalkDir};

/// Larger files are tables and generated code, not text that anyone reads.
const LARGEST_FILE: u64 = 96 << 10;
const TEXT_EXTENSIONS: [&str; 6] = ["rs", "md", "toml", "txt", "c", "h"];

/// Why there is nothing to index.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CorpusError {
    #[error("{}: {error}", .path.display())]
    Root { path: PathBuf, error: io::Error },
    #[error(
        "no Cargo.lock in {} or above it, so there are no default sources: name the directories to index",
        .from.display()
    )]
    NoWorkspace { from: PathBuf },
    #[error("no text files ({}) under {roots}", TEXT_EXTENSIONS.join(", "))]
    Empty { roots: String },
}

/// A file that is to be read.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) id: Id<Document>,
    pub(crate) path: PathBuf,
    /// The path as results show it: from the root's own name on.
    pub(crate) shown: String,
    pub(crate) bytes: u64,
}

/// The files of some directories, in an order that is the same in every run.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) files: Vec<SourceFile>,
    pub(crate) bytes: u64,
    /// Files that the limit left out.
    pub(crate) left_out: usize,
}

impl Corpus {
    /// Lists the text files under `roots`, until they hold `limit` bytes.
    pub(crate) fn gather(roots: &[PathBuf], limit: ByteSize) -> Result<Self, CorpusError> {
        let mut corpus = Self { files: Vec::new(), bytes: 0, left_out: 0 };
        for root in roots {
            corpus.add_root(root, limit)?;
        }
        if corpus.files.is_empty() && corpus.left_out == 0 {
            let roots: Vec<_> = roots.iter().map(|root| root.display().to_string()).collect();
            return Err(CorpusError::Empty { roots: roots.join(", ") });
        }
        Ok(corpus)
    }

    fn add_root(&mut self, root: &Path, limit: ByteSize) -> Result<(), CorpusError> {
        let name = root.file_name().unwrap_or(OsStr::new("")).to_owned();
        let walk = WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(is_of_interest);
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                // A root that cannot be read is a mistake on the command line; anything below is only skipped.
                Err(error) if error.depth() == 0 => {
                    let error =
                        error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                    return Err(CorpusError::Root { path: root.to_owned(), error });
                }
                Err(_) => continue,
            };
            let Some(bytes) = text_file_size(&entry) else { continue };
            if self.bytes + bytes > limit.0 {
                self.left_out += 1;
                continue;
            }
            let below_root = entry.path().strip_prefix(root).unwrap_or(entry.path());
            self.files.push(SourceFile {
                id: Id::new(self.files.len() as u32),
                shown: Path::new(&name).join(below_root).display().to_string(),
                path: entry.into_path(),
                bytes,
            });
            self.bytes += bytes;
        }
        Ok(())
    }
}

fn is_of_interest(entry: &DirEntry) -> bool {
    if entry.depth() == 0 || !entry.file_type().is_dir() {
        return true;
    }
    let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
    // Build directories and other caches say so themselves: https://bford.info/cachedir/
    !hidden && !entry.path().join("CACHEDIR.TAG").exists()
}

fn text_file_size(entry: &DirEntry) -> Option<u64> {
    let extension = entry.path().extension()?.to_str()?;
    if !entry.file_type().is_file() || !TEXT_EXTENSIONS.contains(&extension) {
        return None;
    }
    let bytes = entry.metadata().ok()?.len();
    (bytes <= LARGEST_FILE).then_some(bytes)
}

/// A Cargo workspace and the sources of its dependencies that the registry cache holds.
#[derive(Debug)]
pub(crate) struct WorkspaceSources {
    pub(crate) root: PathBuf,
    pub(crate) dependencies: Vec<PathBuf>,
}

impl WorkspaceSources {
    /// Finds the workspace around the current directory, or else the one that this program is from.
    pub(crate) fn find() -> Result<Self, CorpusError> {
        let here = env::current_dir().unwrap_or_default();
        let lockfile_above = |start: &Path| {
            start.ancestors().map(|dir| dir.join("Cargo.lock")).find(|f| f.is_file())
        };
        let lockfile =
            lockfile_above(&here).or_else(|| lockfile_above(Path::new(env!("CARGO_MANIFEST_DIR"))));
        let Some((lockfile, root)) =
            lockfile.as_deref().and_then(|file| Some((file, file.parent()?)))
        else {
            return Err(CorpusError::NoWorkspace { from: here });
        };
        let read = fs::read_to_string(lockfile);
        let lock = read.map_err(|error| CorpusError::Root { path: lockfile.to_owned(), error })?;
        let dependencies = cargo_home()
            .map_or_else(Vec::new, |home| cached_sources(&home, &locked_packages(&lock)));
        Ok(Self { root: root.to_owned(), dependencies })
    }

    pub(crate) fn into_roots(self) -> Vec<PathBuf> {
        let mut roots = vec![self.root];
        roots.extend(self.dependencies);
        roots
    }
}

/// Returns `name-version` of every package in a Cargo.lock that comes from a registry.
fn locked_packages(lock: &str) -> BTreeSet<String> {
    let mut packages = BTreeSet::new();
    for package in lock.split("[[package]]") {
        let value = |key: &str| {
            let line =
                package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.and_then(|rest| rest.strip_suffix('"'))
        };
        if let (Some(name), Some(version), Some(source)) =
            (value("name"), value("version"), value("source"))
            && (source.starts_with("registry+") || source.starts_with("sparse+"))
        {
            packages.insert(format!("{name}-{version}"));
        }
    }
    packages
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// Returns the directories of these packages under `registry/src/<registry>/`, sorted by package.
fn cached_sources(cargo_home: &Path, packages: &BTreeSet<String>) -> Vec<PathBuf> {
    let Ok(registries) = fs::read_dir(cargo_home.join("registry").join("src")) else {
        return Vec::new();
    };
    let mut registries: Vec<_> = registries.flatten().map(|registry| registry.path()).collect();
    registries.sort();
    let source_of = |package: &String| {
        registries.iter().map(|registry| registry.join(package)).find(|dir| dir.is_dir())
    };
    packages.iter().filter_map(source_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registry_packages_of_a_lock_file_count() {
        let lock = r#"
version = 4

[[package]]
name = "clap"
version = "4.6.7"
source = "registry+https://example.org/index"
checksum = "00"
dependencies = [
 "clap_builder",
]

[[package]]
name = "local"
version = "0.1.0"
"#;
        assert_eq!(locked_packages(lock), BTreeSet::from(["clap-4.6.7".to_owned()]));
    }

    #[test]
    fn files_come_in_order_and_stop_at_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("build")).unwrap();
        fs::write(dir.path().join("build/CACHEDIR.TAG"), "").unwrap();
        for (name, text) in [
            ("b.rs", "12345"),
            ("a.md", "123"),
            ("c.bin", "1"),
            ("d.txt", "1"),
            ("build/e.rs", "1"),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let corpus = Corpus::gather(&[dir.path().to_owned()], ByteSize(5)).unwrap();
        let names: Vec<_> =
            corpus.files.iter().filter_map(|file| file.path.file_name()?.to_str()).collect();
        assert_eq!((names, corpus.bytes, corpus.left_out), (vec!["a.md", "d.txt"], 4, 1));
    }
}
