//! Of what reads bytes that others wrote, or maps files, no version is locked of which a hole is known. `cargo deny` knows of more,
//! and needs a list that is not in this repository.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

/// The first version without the hole, and what it is.
const SINCE: [(&str, [u64; 3], &str); 3] = [
    ("lz4_flex", [0, 12, 1], "RUSTSEC-2026-0041"),
    ("memmap2", [0, 9, 11], "RUSTSEC-2026-0186"),
    ("ruzstd", [0, 7, 3], "reads past its buffer"),
];

/// Names and versions in a lock file.
fn locked(file: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join(file)).unwrap();
    let packages = text.split("[[package]]").skip(1).map(|package| {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim_start_matches(" = ").trim_matches('"').to_owned()
        };
        (value("name"), value("version"))
    });
    packages.collect()
}

fn numbers(version: &str) -> [u64; 3] {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().unwrap());
    std::array::from_fn(|_| parts.next().unwrap())
}

#[test]
fn no_version_with_a_known_hole_is_locked() {
    for file in ["Cargo.lock", "fuzz/Cargo.lock"] {
        let locked = locked(file);
        assert!(locked.iter().any(|(name, _)| name == "memscope-format"), "{file}");
        for (name, version) in &locked {
            if let Some((_, since, hole)) = SINCE.iter().find(|(known, ..)| known == name) {
                assert!(numbers(version) >= *since, "{file}: {name} {version}: {hole}");
            }
            // 3.0.0 does not compile, and 2.0.1 is the last of the others.
            assert!(name != "bincode" || version == "2.0.1", "{file}: bincode {version}");
        }
        assert!(["bincode", "lz4_flex"].iter().all(|of| locked.iter().any(|(name, _)| name == of)));
    }
}
