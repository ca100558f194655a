//! The corpus: wrong mods, of which every fault is found where it is marked, and right ones, which draw no complaint.

use std::collections::BTreeSet;

use throng_check::{Colour, Finding, Project, check};

use crate::fixture;

/// The places a case marks: file, line, and the nearest name if there is one.
///
/// A line is marked by `--> name` (`#> name` in TOML) at its end.
fn marks(project: &Project) -> BTreeSet<(String, usize, String)> {
    let sources = project.sources.iter().map(|source| (&source.path, &source.text, "-->"));
    let settings = project.settings.iter().map(|settings| (&settings.path, &settings.text, "#>"));
    let mut marks = BTreeSet::new();
    for (path, text, sign) in sources.chain(settings) {
        for (at, line) in text.lines().enumerate() {
            if let Some((_, name)) = line.split_once(sign) {
                marks.insert((path.clone(), at + 1, name.trim().to_owned()));
            }
        }
    }
    marks
}

fn rendered(findings: &[Finding]) -> String {
    findings.iter().map(|finding| finding.render(Colour::Plain)).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_fault_is_found_where_it_is_marked() {
    let cases = fixture::cases("wrong");
    assert!(cases.len() >= 30, "{} cases", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(|case| misjudged(&case.name, &case.project)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is said of a case that is not as it is marked.
fn misjudged(name: &str, project: &Project) -> Option<String> {
    let findings = check(project).unwrap();
    let found: BTreeSet<(String, usize)> = findings.iter().map(|f| (f.file.clone(), f.line)).collect();
    let marks = marks(project);
    let marked: BTreeSet<(String, usize)> =
        marks.iter().map(|(file, line, _)| (file.clone(), *line)).collect();
    if found != marked {
        return Some(format!("{name}: {:?}\n{}", found.symmetric_difference(&marked), rendered(&findings)));
    }
    let missing = marks.iter().filter(|(_, _, name)| !name.is_empty()).find(|(file, line, name)| {
        let mut there = findings.iter().filter(|finding| finding.file == *file && finding.line == *line);
        !there.any(|finding| finding.suggestions.contains(name))
    });
    missing.map(|mark| format!("{name}: {mark:?} is not suggested\n{}", rendered(&findings)))
}

#[test]
fn faults_are_shown_as_a_compiler_shows_them() {
    for case in fixture::cases("wrong") {
        let findings = check(&case.project).unwrap();
        insta::assert_snapshot!(case.name.clone(), rendered(&findings));
    }
}

#[test]
fn right_mods_draw_no_complaint() {
    let cases = fixture::cases("right");
    assert!(cases.len() >= 10, "{} cases", cases.len());
    for case in cases {
        let findings = check(&case.project).unwrap();
        assert!(findings.is_empty(), "{}\n{}", case.name, rendered(&findings));
    }
}

#[test]
fn findings_are_sorted_and_said_once() {
    for case in fixture::cases("wrong") {
        let findings = check(&case.project).unwrap();
        let mut sorted = findings.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(findings, sorted, "{}", case.name);
    }
}
