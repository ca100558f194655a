//! One view of flags, environment and file: the strongest value of each key, and what was asked for.
//!
//! A [`Section`] is asked for each key it may have; what was never asked for is unknown, in the file and in the
//! environment alike.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::nearest::nearest;
use super::problem::{Place, Problem};
use super::raw::{Entry, Node, RawConfig, Value};
use super::setting::Setting;

/// A setting given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagValue {
    /// The setting's path, such as `load.robots`.
    pub path: String,
    /// The flag as the user knows it, such as `--robots`.
    pub flag: String,
    /// What was typed.
    pub text: String,
}

/// What beats the file: flags, and below them environment variables.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Settings given as flags.
    pub flags: Vec<FlagValue>,
    /// The environment; only names that begin with `THRONG_` are looked at.
    pub variables: BTreeMap<String, String>,
}

impl Overrides {
    /// These flags, and this process's environment.
    pub fn with_environment(flags: Vec<FlagValue>) -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        Self { flags, variables }
    }
}

const PREFIX: &str = "THRONG_";

/// The top-level sections; a variable below one of them that names no setting is a mistake, not somebody else's.
const SECTIONS: [&str; 16] = [
    "target",
    "tls",
    "tcp",
    "http",
    "load",
    "robot",
    "protocols",
    "tasks",
    "scenarios",
    "options",
    "thresholds",
    "redact",
    "store",
    "baseline",
    "export",
    "generator",
];

/// The environment variable of a setting: `load.robots` is `THRONG_LOAD_ROBOTS`.
pub(super) fn variable_name(path: &str) -> String {
    let key = path.chars().filter(|c| *c != '"').map(|c| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    });
    PREFIX.chars().chain(key).collect()
}

/// All layers of a project's settings, and the problems found so far.
pub(super) struct Layers<'a> {
    pub(super) root: &'a Path,
    overrides: &'a Overrides,
    problems: RefCell<Vec<Problem>>,
    /// The variable of every path that was asked for.
    variables: RefCell<BTreeSet<String>>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(root: &'a Path, overrides: &'a Overrides) -> Self {
        Self { root, overrides, problems: RefCell::default(), variables: RefCell::default() }
    }

    pub(super) fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub(super) fn problem_count(&self) -> usize {
        self.problems.borrow().len()
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// The value of a flag, or else of a variable.
    fn above_file(&self, path: &str) -> Option<Node> {
        let variable = variable_name(path);
        self.variables.borrow_mut().insert(variable.clone());
        if let Some(flag) = self.overrides.flags.iter().find(|flag| flag.path == path) {
            return Some(Node {
                value: Value::Text(flag.text.clone()),
                place: Place::Flag(flag.flag.clone()),
            });
        }
        let text = self.overrides.variables.get(&variable)?;
        Some(Node { value: Value::Text(text.clone()), place: Place::Variable(variable) })
    }

    /// What flags and known variables give: the setting's path where it is known, the variable, the text; the strongest last.
    pub(super) fn given_above(&self) -> Vec<(Option<String>, String, &str)> {
        let known = self.variables.borrow();
        let variables = self.overrides.variables.iter().filter(|(name, _)| known.contains(*name));
        let variables = variables.map(|(name, text)| (None, name.clone(), text.as_str()));
        let flags = self.overrides.flags.iter();
        let flags =
            flags.map(|flag| (Some(flag.path.clone()), variable_name(&flag.path), flag.text.as_str()));
        variables.chain(flags).collect()
    }

    /// Whether a flag or a variable sets something below `path`.
    fn reaches_below(&self, path: &str) -> bool {
        let variables = format!("{}_", variable_name(path));
        let flags = format!("{path}.");
        self.overrides.variables.keys().any(|name| name.starts_with(&variables))
            || self.overrides.flags.iter().any(|flag| flag.path.starts_with(&flags))
    }

    /// Reports each `THRONG_` variable that names no setting; one that resembles nothing of ours belongs to somebody else.
    pub(super) fn refuse_unknown_variables(&self) {
        let known = self.variables.borrow();
        for name in self.overrides.variables.keys().filter(|name| !known.contains(*name)) {
            let close = nearest(name, known.iter().map(String::as_str));
            let below_section =
                SECTIONS.iter().any(|section| name.starts_with(&format!("{}_", variable_name(section))));
            if below_section || close.is_some() {
                let problem = Problem::new(
                    Place::Variable(name.clone()),
                    format!("the environment variable {name} names no setting"),
                );
                self.report(
                    problem
                        .wanted("THRONG_ and a key's path, such as THRONG_LOAD_ROBOTS for load.robots")
                        .nearest(close),
                );
            }
        }
    }
}

/// A table of settings. Ask for each key, then call [`Section::refuse_unknown`].
pub(super) struct Section<'a> {
    pub(super) layers: &'a Layers<'a>,
    pub(super) path: String,
    pub(super) place: Place,
    entries: Vec<Entry>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// The whole of `throng.toml`.
    pub(super) fn top(layers: &'a Layers<'a>, raw: RawConfig) -> Self {
        Self::new(layers, String::new(), Place::Default, raw.entries)
    }

    pub(super) fn new(layers: &'a Layers<'a>, path: String, place: Place, entries: Vec<Entry>) -> Self {
        Self { layers, path, place, entries, known: RefCell::default() }
    }

    /// The strongest value of a key.
    pub(super) fn setting(&self, key: &'static str) -> Option<Setting<'a>> {
        self.know(key);
        self.lookup(key)
    }

    fn know(&self, key: &'static str) {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
    }

    /// The value of a key that has no default; reports when there is none.
    pub(super) fn required(&self, key: &'static str, wanted: &str) -> Option<Setting<'a>> {
        let setting = self.setting(key);
        if setting.is_none() {
            let title = format!("`{}` is missing", self.path_of(key));
            self.report(title, wanted);
        }
        setting
    }

    /// A table below this one; empty when it is not there.
    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        self.optional_section(key)
            .unwrap_or_else(|| Section::new(self.layers, self.path_of(key), Place::Default, Vec::new()))
    }

    /// A table below this one, if the file has it or a flag or variable reaches into it.
    pub(super) fn optional_section(&self, key: &'static str) -> Option<Section<'a>> {
        self.know(key);
        let path = self.path_of(key);
        match self.lookup(key) {
            Some(setting) => setting.section(),
            None if self.layers.reaches_below(&path) => {
                Some(Section::new(self.layers, path, self.place.clone(), Vec::new()))
            }
            None => None,
        }
    }

    /// All entries of a table whose keys the user chooses, each with the place of its key.
    pub(super) fn chosen(&self) -> Vec<(&str, &Place, Setting<'a>)> {
        self.entries
            .iter()
            .filter_map(|entry| Some((entry.key.as_str(), &entry.place, self.lookup(&entry.key)?)))
            .collect()
    }

    /// The file's own value of a key, whatever beats it.
    pub(super) fn declared(&self, key: &str) -> Option<Setting<'a>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(Setting { layers: self.layers, path: self.path_of(key), node: entry.node.clone() })
    }

    /// Where the strongest value of a key is; the whole section's place without one.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.lookup(key).map_or_else(|| self.place.clone(), |setting| setting.place())
    }

    /// Where `name` stands inside the table at `key`, as a key or as a value; else the place of the whole table.
    pub(super) fn place_naming(&self, key: &str, name: &str) -> Place {
        let Some(setting) = self.lookup(key) else { return self.place.clone() };
        let setting = setting.expanded();
        let Value::Table(entries) = &setting.node.value else { return setting.place() };
        let named = |entry: &Entry| match &entry.node.value {
            _ if entry.key == name => Some(entry.place.clone()),
            value if value.as_text() == Some(name) => Some(entry.node.place.clone()),
            _ => None,
        };
        entries.iter().find_map(named).unwrap_or_else(|| setting.place())
    }

    /// Whether the file has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Reports the keys nobody asked for; says whether there were any.
    pub(super) fn refuse_unknown(&self) -> bool {
        let known = self.known.borrow();
        let unknown: Vec<&Entry> =
            self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())).collect();
        for entry in &unknown {
            let what = match (&entry.node.value, self.path.is_empty()) {
                (Value::Table(_), true) => format!("unknown section `[{}]`", entry.key),
                (_, true) => format!("unknown key `{}`", entry.key),
                (_, false) => format!("unknown key `{}` in `{}`", entry.key, self.path),
            };
            self.layers.report(
                Problem::new(entry.place.clone(), what)
                    .wanted(format!("one of {}", known.join(", ")))
                    .nearest(nearest(&entry.key, known.iter().copied())),
            );
        }
        !unknown.is_empty()
    }

    /// Reports something about the table as a whole.
    pub(super) fn report(&self, title: impl Into<String>, wanted: &str) {
        self.layers.report(Problem::new(self.place.clone(), title).wanted(wanted));
    }

    /// The path of a key of this table.
    pub(super) fn path_of(&self, key: &str) -> String {
        let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let key = if plain && !key.is_empty() { key.to_owned() } else { format!("{key:?}") };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }

    fn lookup(&self, key: &str) -> Option<Setting<'a>> {
        let path = self.path_of(key);
        match self.layers.above_file(&path) {
            Some(node) => Some(Setting { layers: self.layers, path, node }),
            None => self.declared(key),
        }
    }
}
