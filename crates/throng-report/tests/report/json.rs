//! The JSON report on disk.

use std::collections::BTreeSet;
use std::fs;

use throng_metrics::{EndCause, FailureKind, Kind};
use throng_report::{WriteError, to_json, write_json};

use crate::fixtures;

#[test]
fn the_file_is_replaced_whole_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    fs::write(&path, "old").unwrap();
    let summary = fixtures::troubled().summary(500, &fixtures::record(60, &[]));
    write_json(&path, &summary).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\n  \"schema_version\": 1,\n  \"verdict\": \"fail\","), "{text:.80}");
    assert!(text.ends_with("}\n") && !text.contains("null"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_with_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let summary = fixtures::refused().summary(1, &fixtures::record(1, &[]));
    let error = write_json(&folder.path().join("nowhere/run.json"), &summary).unwrap_err();
    assert!(error.to_string().ends_with("nowhere/run.json"), "{error}");
    assert!(matches!(write_json(folder.path(), &summary), Err(WriteError::NotAFile { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_no_regular_file_is_written_to_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("run.json");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    write_json(&link, &fixtures::refused().summary(1, &fixtures::record(1, &[]))).unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), std::path::Path::new("/dev/null"));
}

#[test]
fn a_link_to_a_file_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("first.json"), folder.path().join("latest.json"));
    fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    write_json(&link, &fixtures::refused().summary(1, &fixtures::record(1, &[]))).unwrap();
    assert!(fs::read_link(&link).is_ok());
    assert!(fs::read_to_string(&file).unwrap().contains("schema_version"));
}

#[test]
fn every_field_and_kind_is_in_the_documentation() {
    let documented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/json.md")).unwrap();
    let thresholds = [("request.*.p99", "< 1s"), ("request.Ecoh.p99", "< 1s")];
    let mut record = fixtures::record(60, &thresholds);
    (record.seed, record.started_at_unix_s) = (Some(1), Some(1_700_000_000));
    let text = to_json(&fixtures::troubled().summary(500, &record)).unwrap();
    let mut names: BTreeSet<String> = fields(&serde_json::from_str(&text).unwrap()).collect();
    names.extend(FailureKind::ALL.iter().map(|kind| kind.name().to_owned()));
    names.extend(EndCause::ALL.iter().map(|cause| cause.name().to_owned()));
    let missing: Vec<_> = names.iter().filter(|name| !documented.contains(&format!("`{name}`"))).collect();
    assert!(names.len() > 100, "the fixture has most fields: {}", names.len());
    assert!(missing.is_empty(), "not in docs/json.md: {missing:?}");
}

fn fields(value: &serde_json::Value) -> Box<dyn Iterator<Item = String> + '_> {
    match value {
        serde_json::Value::Object(map) => {
            Box::new(map.iter().flat_map(|(name, value)| std::iter::once(name.clone()).chain(fields(value))))
        }
        serde_json::Value::Array(values) => Box::new(values.iter().flat_map(fields)),
        _ => Box::new(std::iter::empty()),
    }
}
