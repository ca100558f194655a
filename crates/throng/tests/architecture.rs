//! The crates depend on each other as ARCHITECTURE.md says, and on nothing else of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

/// What stands on the right of the arrow, by what stands on its left.
type Edges = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The lines `name -> name name` of a fenced block of ARCHITECTURE.md.
fn written(block: &str) -> Edges {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, rest) = text.split_once(&format!("```{block}\n")).expect("ARCHITECTURE.md has the block");
    let (lines, _) = rest.split_once("```").expect("the block has an end");
    let edge = |line: &str| {
        let (from, to) = line.split_once(" -> ").unwrap_or_else(|| panic!("not an edge: {line}"));
        (from.to_owned(), to.split_whitespace().map(str::to_owned).collect())
    };
    lines.lines().map(edge).collect()
}

/// What each crate of ours depends on, for building and for tests.
fn real() -> Edges {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let dependencies = |package: &serde_json::Value| {
        package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|dependency| text(&dependency["name"]))
            .collect()
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (text(&package["name"]), dependencies(package))).collect()
}

#[test]
fn no_crate_uses_another_that_architecture_md_does_not_allow() {
    let (allowed, real) = (written("edges"), real());
    let none = BTreeSet::new();
    for (from, dependencies) in &real {
        for to in dependencies.iter().filter(|to| real.contains_key(*to) && *to != from) {
            let listed = allowed.get(from).unwrap_or(&none).contains(to);
            assert!(listed, "{from} depends on {to}, which ARCHITECTURE.md does not allow");
        }
    }
}

#[test]
fn architecture_md_speaks_only_of_crates_that_exist() {
    let real = real();
    for (from, dependencies) in written("edges") {
        for name in dependencies.iter().chain([&from]) {
            assert!(real.contains_key(name), "there is no crate {name}");
        }
    }
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for name in real.keys() {
        assert!(text.contains(&format!("| `{name}` |")), "the code map lacks {name}");
    }
}

#[test]
fn what_is_kept_to_one_place_is_used_nowhere_else() {
    let real = real();
    for (library, places) in written("kept") {
        let users: BTreeSet<String> =
            real.iter().filter(|(_, used)| used.contains(&library)).map(|(name, _)| name.clone()).collect();
        assert!(!users.is_empty(), "nobody uses {library}");
        assert!(users.is_subset(&places), "{library} is used by {users:?}");
    }
}

#[test]
fn architecture_md_stays_short() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() < 300);
}
