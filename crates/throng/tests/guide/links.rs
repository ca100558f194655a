//! Links between the documents lead somewhere.

use std::path::Path;

use crate::blocks::{documents, root};

#[test]
fn every_link_leads_somewhere() {
    let more = ["ARCHITECTURE.md", "CHANGELOG.md", "docs/json.md"].map(|name| root().join(name));
    for document in documents().into_iter().chain(more) {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in targets(&text) {
            check(&document, &text, target);
        }
    }
}

/// What stands in `](...)`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
}

#[track_caller]
fn check(document: &Path, text: &str, target: &str) {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { document.to_owned() } else { document.parent().unwrap().join(file) };
    assert!(path.exists(), "{}: there is no {target}", document.display());
    if anchor.is_empty() {
        return;
    }
    let text = if file.is_empty() { text.to_owned() } else { std::fs::read_to_string(&path).unwrap() };
    let found = text.lines().filter(|line| line.starts_with('#')).any(|line| anchor_of(line) == anchor);
    assert!(found, "{}: {} has no heading for #{anchor}", document.display(), path.display());
}

/// The anchor that GitHub gives a heading.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
