//! What was set, for reports: each setting that the file, the environment or a flag gave, with its strongest value.

use throng_engine::redact::{REDACTED, Redaction};
use throng_metrics::Setting;

use super::layers::{Layers, variable_name};
use super::raw::{Entry, RawConfig, Value};

/// A report need not show more.
const MOST: usize = 400;
/// The most characters of a value.
const LONGEST: usize = 300;
/// Keys here are names of messages and tasks, whatever they sound like.
const OPEN: [&str; 2] = ["thresholds", "tasks"];

/// The settings in the order of the file, then those that only flags and variables have.
pub(super) fn settings(raw: &RawConfig, layers: &Layers<'_>, redaction: &Redaction) -> Vec<Setting> {
    let mut given = Vec::new();
    flatten("", &raw.entries, redaction, &mut given);
    for (path, variable, text) in layers.given_above() {
        let shown = shown(path.as_deref().unwrap_or(&variable), text, redaction);
        let key = |setting: &Setting| match &path {
            Some(path) => setting.key == *path,
            None => variable_name(&setting.key) == variable,
        };
        match given.iter_mut().find(|setting| key(setting)) {
            Some(setting) => setting.value = shown,
            None => given.push(Setting { key: path.unwrap_or(variable), value: shown }),
        }
    }
    given.truncate(MOST);
    given
}

fn flatten(above: &str, entries: &[Entry], redaction: &Redaction, given: &mut Vec<Setting>) {
    for entry in entries {
        let plain = entry.key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        let key = if plain { entry.key.clone() } else { format!("{:?}", entry.key) };
        let path = if above.is_empty() { key } else { format!("{above}.{key}") };
        match &entry.node.value {
            Value::Table(below) => flatten(&path, below, redaction, given),
            value => {
                let value = shown(&path, &typed(value, redaction), redaction);
                given.push(Setting { key: path, value });
            }
        }
    }
}

/// A value as it may be shown.
fn shown(path: &str, text: &str, redaction: &Redaction) -> String {
    let section = path.split('.').next().unwrap_or_default();
    if !OPEN.contains(&section) && path.split('.').any(|name| redaction.is_secret(name)) {
        return REDACTED.to_owned();
    }
    let text = without_login(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A URL without the name and the password in it.
fn without_login(text: &str) -> String {
    let Some((before, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#', '"', ' ']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host =
        authority.rsplit_once('@').map_or(authority.to_owned(), |(_, host)| format!("{REDACTED}@{host}"));
    format!("{before}://{host}{}", without_login(path))
}

fn typed(value: &Value, redaction: &Redaction) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Boolean(value) => value.to_string(),
        Value::Datetime(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| typed(&item.value, redaction)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(entries) => {
            let fields = entries.iter().map(|entry| match redaction.is_secret(&entry.key) {
                true => format!("{} = {REDACTED}", entry.key),
                false => format!("{} = {}", entry.key, typed(&entry.node.value, redaction)),
            });
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use crate::config::{FlagValue, Overrides};

    use super::*;

    #[track_caller]
    fn check(toml: &str, overrides: Overrides, wanted: &[(&str, &str)]) {
        let layers = Layers::new(Path::new("."), &overrides);
        let raw = RawConfig::parse(toml).unwrap();
        let found = settings(&raw, &layers, &Redaction::default());
        let found: Vec<_> =
            found.iter().map(|setting| (setting.key.as_str(), setting.value.as_str())).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn tables_become_paths_and_a_flag_beats_the_file() {
        let flag = FlagValue { path: "load.robots".into(), flag: "--robots".into(), text: "9".into() };
        let more = FlagValue { path: "load.seed".into(), flag: "--seed".into(), text: "3".into() };
        let overrides = Overrides { flags: vec![flag, more], variables: BTreeMap::new() };
        check(
            "load = { robots = 5, stages = [{ robots = 1, over = \"1m\" }] }\n[thresholds]\n\"request.Token.p99\" = \"< 5ms\"",
            overrides,
            &[
                ("load.robots", "9"),
                ("load.stages", "[{ robots = 1, over = \"1m\" }]"),
                ("thresholds.\"request.Token.p99\"", "\"< 5ms\""),
                ("load.seed", "3"),
            ],
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        check(
            "[target]\nhost = \"ws://me:pw@10.0.0.1/a\"\n[options]\nlogin_token = \"abc\"\nheaders = [{ Cookie = \"x\" }]",
            Overrides::default(),
            &[
                ("target.host", "\"ws://***@10.0.0.1/a\""),
                ("options.login_token", "***"),
                ("options.headers", "[{ Cookie = *** }]"),
            ],
        );
    }
}
