//! Which packages are meant, and how their manifests name the recorder.

use super::cargo_args::CargoArgs;
use crate::failure::Failure;
use cargo_metadata::{Metadata, MetadataCommand, Package};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The package that records.
const RECORDER: &str = "memscope-runtime";
/// Its feature that switches recording on, and makes its allocator the program's.
const FEATURE: &str = "on";
/// Its feature that does the first alone: for a program that has an allocator of its own.
const RECORD: &str = "record";

/// What is to be built, as the workspace's manifests tell.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The features to build with: for each key under which a manifest names the recorder, `key/on`, unless `key/record` is
    /// asked for.
    pub(crate) features: Vec<String>,
    /// The programs that the selected packages want to be run when nothing else is said.
    pub(crate) default_runs: Vec<String>,
    target_dir: PathBuf,
}

impl Selection {
    /// Asks cargo about the workspace.
    pub(crate) fn of(args: &CargoArgs) -> Result<Self, Failure> {
        let mut command = MetadataCommand::new();
        command.no_deps().other_options(args.shared.clone());
        if let Some(manifest) = &args.manifest_path {
            command.manifest_path(manifest);
        }
        let metadata = command.exec().map_err(|error| Failure::Usage(says(&error)))?;
        let start = match &args.manifest_path {
            Some(manifest) => manifest.canonicalize().ok(),
            None => std::env::current_dir().ok().and_then(|dir| nearest_manifest(&dir)),
        };
        let packages = selected(&metadata, args, start.as_deref())?;
        let keys: BTreeSet<&str> = packages.iter().flat_map(|package| keys(package)).collect();
        if keys.is_empty() {
            return Err(Failure::Usage(lacks_recorder(&packages)));
        }
        let target_dir = match &args.target_dir {
            Some(dir) => std::path::absolute(dir)
                .map_err(|error| Failure::io("cannot tell the target directory", error))?,
            None => metadata.target_directory.clone().into(),
        };
        Ok(Self {
            features: keys
                .into_iter()
                .filter(|key| !args.features.contains(&format!("{key}/{RECORD}")))
                .map(|key| format!("{key}/{FEATURE}"))
                .collect(),
            default_runs: packages
                .iter()
                .filter_map(|package| package.default_run.clone())
                .collect(),
            target_dir,
        })
    }

    /// Where captures go if nothing else is said.
    pub(crate) fn captures(&self) -> PathBuf {
        self.target_dir.join("memscope")
    }
}

/// Says what to write where no manifest names the recorder.
fn lacks_recorder(packages: &[&Package]) -> String {
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let line = format!("`memscope = {{ package = \"{RECORDER}\", path = \"PATH/{RECORDER}\" }}`");
    let misnamed = packages
        .iter()
        .flat_map(|package| &package.dependencies)
        .any(|dependency| dependency.name == "memscope");
    if misnamed {
        return format!(
            "{} depends on a package `memscope`, but the recorder's package is {RECORDER}; write {line}",
            names.join(", ")
        );
    }
    format!(
        "{} does not depend on {RECORDER}, so there is nothing to switch on; add {line} to its dependencies",
        names.join(", ")
    )
}

/// Returns the packages that cargo would build.
fn selected<'a>(
    metadata: &'a Metadata,
    args: &CargoArgs,
    start: Option<&Path>,
) -> Result<Vec<&'a Package>, Failure> {
    let members = metadata.workspace_packages();
    let mut packages: Vec<&Package> = if !args.packages.is_empty() {
        let named = |spec: &String| {
            let found = members.iter().copied().find(|package| is_named(package, spec));
            found.ok_or_else(|| {
                Failure::Usage(format!("there is no package `{spec}` in this workspace"))
            })
        };
        args.packages.iter().map(named).collect::<Result<_, _>>()?
    } else if args.workspace {
        members
    } else {
        let is_here = |package: &&Package| Some(package.manifest_path.as_std_path()) == start;
        let here = members.iter().copied().find(is_here);
        here.map_or_else(|| metadata.workspace_default_packages(), |package| vec![package])
    };
    // Of a whole workspace only those with the program that was asked for matter.
    let has_bin =
        |package: &&Package| package.targets.iter().any(|target| args.bins.contains(&target.name));
    if packages.iter().any(has_bin) {
        packages.retain(has_bin);
    }
    Ok(packages)
}

/// Whether a package specification means this package: `name`, `name@version`, or its whole id.
fn is_named(package: &Package, spec: &str) -> bool {
    let (name, version) =
        spec.split_once('@').map_or((spec, None), |(name, version)| (name, Some(version)));
    let version_fits =
        || version.is_none_or(|version| package.version.to_string().starts_with(version));
    package.id.repr == spec || (package.name.as_str() == name && version_fits())
}

/// Returns the keys under which a package's manifest names the recorder.
fn keys(package: &Package) -> impl Iterator<Item = &str> {
    let recorders = package.dependencies.iter().filter(|dependency| dependency.name == RECORDER);
    recorders.map(|dependency| dependency.rename.as_deref().unwrap_or(&dependency.name))
}

fn nearest_manifest(dir: &Path) -> Option<PathBuf> {
    dir.ancestors().map(|dir| dir.join("Cargo.toml")).find(|manifest| manifest.is_file())
}

/// What cargo says is wrong, in one line.
fn says(error: &cargo_metadata::Error) -> String {
    let text = error.to_string();
    let said = text.lines().find_map(|line| line.rsplit_once("error: ")).map(|(_, said)| said);
    let first = || text.lines().next().unwrap_or_default();
    format!("cargo cannot read the workspace: {}", said.unwrap_or_else(first))
}
