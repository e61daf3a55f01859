//! What memscope is called where the crate's manifest gives it another name, so that the option `crate` need not say it.
//!
//! Only what decides that is read of the manifest. Where it does not say, memscope is `::memscope`.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use syn::ext::IdentExt;
use syn::parse::Parser;

const PACKAGE: &str = "memscope-runtime";
const LIBRARY: &str = "memscope";

/// The path to memscope in the crate that is being compiled, if its manifest calls it by another name.
pub(crate) fn renamed() -> Option<syn::Path> {
    thread_local! {
        /// What the last manifest said: one process may compile several crates.
        static LAST: RefCell<Option<(PathBuf, Option<String>)>> = const { RefCell::new(None) };
    }
    let directory = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
    let name = LAST.with_borrow_mut(|last| match last {
        Some((of, name)) if *of == directory => name.clone(),
        _ => {
            let name = name_in(&directory);
            *last = Some((directory, name.clone()));
            name
        }
    })?;
    let ident = syn::Ident::parse_any.parse_str(&name.replace('-', "_")).ok()?;
    Some(syn::parse_quote!(::#ident))
}

fn name_in(directory: &Path) -> Option<String> {
    let dependencies_in = |directory: &Path| {
        fs::read_to_string(directory.join("Cargo.toml")).map(|text| Dependency::all(&text)).ok()
    };
    let own = dependencies_in(directory)?;
    let around = directory.ancestors().skip(1).filter_map(dependencies_in).flatten();
    other_name(&own, around)
}

/// The name that is not memscope's; `around` are the dependencies in the manifests of the directories around, of which one is
/// the workspace's.
fn other_name(own: &[Dependency], around: impl Iterator<Item = Dependency>) -> Option<String> {
    if own.iter().any(|one| one.name == LIBRARY) {
        return None;
    }
    if let Some(renamed) = own.iter().find(|one| one.is_memscope) {
        return Some(renamed.name.clone());
    }
    let inherited = |name: &str| own.iter().any(|one| one.is_inherited && one.name == name);
    around.into_iter().find(|one| one.is_memscope && inherited(&one.name)).map(|one| one.name)
}

/// An entry of a manifest's tables of dependencies.
#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    name: String,
    /// Whether it says that its package is memscope's.
    is_memscope: bool,
    /// Whether it says that the workspace says more.
    is_inherited: bool,
}

impl Dependency {
    /// Those of all tables. An entry that is written in several lines by its keys is in there as often.
    fn all(manifest: &str) -> Vec<Self> {
        let mut all = Vec::new();
        let mut table = Vec::new();
        let mut lines = manifest.lines().map(without_comment);
        while let Some(mut line) = lines.next() {
            if let Some(header) = line.trim().strip_prefix('[') {
                table = keys(header.trim_end_matches(']'));
                continue;
            }
            let Some((key, _)) = line.split_once('=') else { continue };
            let mut path = table.clone();
            path.extend(keys(key));
            let Some(at) = path.iter().position(|key| key.ends_with("dependencies")) else {
                continue;
            };
            // Lists and inline tables may go on in the next line.
            while depth(&line) > 0
                && let Some(more) = lines.next()
            {
                line = line + " " + &more;
            }
            let value = line.split_once('=').map_or("", |(_, value)| value);
            let [_, name, rest @ ..] = &path[at..] else { continue };
            // `{ package = ".." }` and `package = ".."` alike, without what may stand between.
            let said: String = (rest.concat() + "=" + value).split_whitespace().collect();
            let says = |what: &str| said.replace('\'', "\"").contains(what);
            all.push(Self {
                name: name.clone(),
                is_memscope: says(&format!("package=\"{PACKAGE}\"")),
                is_inherited: says("workspace=true"),
            });
        }
        all
    }
}

/// The parts of a dotted key. Those in quotes are cut at dots too, which no name of a dependency has.
fn keys(dotted: &str) -> Vec<String> {
    dotted
        .split('.')
        .map(|key| key.trim().trim_matches(['"', '\'', '[']).to_owned())
        .filter(|key| !key.is_empty())
        .collect()
}

fn without_comment(line: &str) -> String {
    outside_of_strings(line)
        .find(|(_, character)| *character == '#')
        .map_or(line, |(at, _)| &line[..at])
        .to_owned()
}

/// How many brackets a text leaves open.
fn depth(text: &str) -> i32 {
    outside_of_strings(text)
        .map(|(_, character)| match character {
            '[' | '{' => 1,
            ']' | '}' => -1,
            _ => 0,
        })
        .sum()
}

fn outside_of_strings(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    text.char_indices().filter(move |(_, character)| {
        match quote {
            Some(open) if open == *character => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(*character),
            Some(_) => {}
            None => return true,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(own: &str, workspace: &str) -> Option<String> {
        other_name(&Dependency::all(own), Dependency::all(workspace).into_iter())
    }

    #[test]
    fn another_name_is_found_however_it_is_written() {
        for manifest in [
            "[dependencies]\nscope = { package = \"memscope-runtime\", path = \"..\" }",
            "[dev-dependencies]\nscope={path='..',package='memscope-runtime'} # x",
            "[dependencies.scope]\nversion = \"1\"\npackage = \"memscope-runtime\"",
            "[target.'cfg(unix)'.dependencies]\nscope.package = \"memscope-runtime\"",
            "[dependencies]\nscope = { features = [\n  \"on\", # all\n], package = \"memscope-runtime\" }",
            "description = \"\"\"\na [bracket\n\"\"\"\n[dependencies]\nscope = { package = \"memscope-runtime\" }",
        ] {
            assert_eq!(name(manifest, "").as_deref(), Some("scope"), "{manifest}");
        }
        let workspace = "[workspace.dependencies]\nscope = { package = \"memscope-runtime\" }";
        assert_eq!(
            name("[dependencies]\nscope.workspace = true", workspace).as_deref(),
            Some("scope")
        );
        let own = "[dependencies]\nscope = { workspace = true, features = [\"on\"] }";
        assert_eq!(name(own, workspace).as_deref(), Some("scope"));
    }

    #[test]
    fn otherwise_there_is_none() {
        for manifest in [
            "",
            "[dependencies]\nmemscope = { package = \"memscope-runtime\" }",
            "[dependencies]\nmemscope = { package = \"memscope-runtime\" }\n\
             [dev-dependencies]\nscope = { package = \"memscope-runtime\" }",
            "[dependencies]\nserde = \"1\" # package = \"memscope-runtime\"",
            "[package]\nname = \"memscope-runtime\"",
            "[package.metadata]\nscope = { package = \"memscope-runtime\" }",
            "[dependencies]\nscope = { package = \"memscope-runtime-2\" }",
            "[dependencies]\nother.workspace = true",
        ] {
            let workspace = "[workspace.dependencies]\nscope = { package = \"memscope-runtime\" }";
            assert_eq!(name(manifest, workspace), None, "{manifest}");
        }
    }
}
