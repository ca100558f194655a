//! One setting on its way from what was typed to what the program uses.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::layers::{Layers, Section};
use super::nearest::nearest;
use super::problem::{Place, Problem};
use super::raw::{Node, Value};
use super::shown_path;
use throng_engine::{MOST_RATE, units};

/// A value, its path and its place. Each reading method reports what does not fit and then yields nothing.
#[derive(Clone)]
pub(super) struct Setting<'a> {
    pub(super) layers: &'a Layers<'a>,
    pub(super) path: String,
    pub(super) node: Node,
}

/// Why a value is not what is wanted.
pub(super) enum Refusal {
    /// It is of another kind.
    Kind,
    /// It is of the right kind, but for this reason no such value.
    Value(String),
}

impl<'a> Setting<'a> {
    pub(super) fn place(&self) -> Place {
        self.node.place.clone()
    }

    /// Reads the value by `parse`; `wanted` says in words what it accepts.
    pub(super) fn read<T>(
        &self,
        wanted: &str,
        parse: impl FnOnce(&Value) -> Result<T, Refusal>,
    ) -> Option<T> {
        match parse(&self.node.value) {
            Ok(value) => Some(value),
            Err(Refusal::Kind) => {
                self.refuse(format!("`{}` is of the wrong type", self.path), wanted);
                None
            }
            Err(Refusal::Value(reason)) => {
                self.refuse(format!("`{}` does not fit: {reason}", self.path), wanted);
                None
            }
        }
    }

    /// Reports the value as it stands.
    pub(super) fn refuse(&self, title: impl Into<String>, wanted: &str) {
        self.layers.report(self.problem(title).wanted(wanted));
    }

    /// A problem at the value, which is named as found.
    pub(super) fn problem(&self, title: impl Into<String>) -> Problem {
        Problem::new(self.place(), title).found(self.node.value.to_string())
    }

    pub(super) fn whole(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let wanted = match (*range.start(), *range.end()) {
            (i64::MIN, i64::MAX) => "a whole number".to_owned(),
            (start, i64::MAX) => format!("a whole number, {start} or more"),
            (start, end) => format!("a whole number from {start} to {end}"),
        };
        self.read(&wanted, |value| {
            let number = match value {
                Value::Integer(number) => *number,
                Value::Text(text) => text.trim().replace('_', "").parse().map_err(|_| Refusal::Kind)?,
                _ => return Err(Refusal::Kind),
            };
            match number {
                number if range.contains(&number) => Ok(number),
                number if number < *range.start() => Err(Refusal::Value("it is too small".to_owned())),
                _ => Err(Refusal::Value("it is too large".to_owned())),
            }
        })
    }

    /// A number above 0, whole or not.
    pub(super) fn positive_number(&self, wanted: &str) -> Option<f64> {
        self.read(wanted, |value| match value.as_number().ok_or(Refusal::Kind)? {
            number if number > 0.0 && number.is_finite() => Ok(number),
            _ => Err(Refusal::Value("it must be above 0".to_owned())),
        })
    }

    /// So many a second: above 0, and no more than throng's own time can tell apart.
    pub(super) fn rate(&self, wanted: &str) -> Option<f64> {
        self.read(wanted, |value| match value.as_number().ok_or(Refusal::Kind)? {
            rate if rate > MOST_RATE && rate.is_finite() => {
                Err(Refusal::Value(format!("it must be at most {MOST_RATE}")))
            }
            rate if rate > 0.0 && rate.is_finite() => Ok(rate),
            _ => Err(Refusal::Value("it must be above 0".to_owned())),
        })
    }

    /// A duration, which may be 0.
    pub(super) fn duration(&self) -> Option<Duration> {
        self.read(units::DURATION_FORMS, duration)
    }

    /// A duration above 0.
    pub(super) fn positive_duration(&self) -> Option<Duration> {
        self.read(units::DURATION_FORMS, |value| match duration(value)? {
            Duration::ZERO => Err(Refusal::Value("it must be above 0".to_owned())),
            duration => Ok(duration),
        })
    }

    /// A size in bytes within `range`.
    pub(super) fn size(&self, range: RangeInclusive<u64>) -> Option<u64> {
        self.read(units::SIZE_FORMS, |value| {
            let bytes = match value {
                Value::Integer(bytes) => {
                    u64::try_from(*bytes).map_err(|_| Refusal::Value("it is negative".to_owned()))?
                }
                Value::Text(text) | Value::String(text) => {
                    units::size(text).map_err(|error| Refusal::Value(error.to_string()))?
                }
                _ => return Err(Refusal::Kind),
            };
            match bytes {
                bytes if range.contains(&bytes) => Ok(bytes),
                bytes if bytes < *range.start() => {
                    Err(Refusal::Value(format!("it must be at least {} bytes", range.start())))
                }
                _ => Err(Refusal::Value(format!("it must be at most {} bytes", range.end()))),
            }
        })
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        self.read("true or false", |value| value.as_flag().ok_or(Refusal::Kind))
    }

    /// A text that is not empty; `wanted` says which.
    pub(super) fn text(&self, wanted: &str) -> Option<String> {
        self.read(wanted, |value| match value.as_text().ok_or(Refusal::Kind)? {
            "" => Err(Refusal::Value("it is empty".to_owned())),
            text => Ok(text.to_owned()),
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let wanted = format!("one of \"{}\"", names.join("\", \""));
        let text = self.text(&wanted)?;
        let choice = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
        if choice.is_none() {
            let problem = self.problem(format!("`{}` has no such choice", self.path)).wanted(wanted);
            self.layers.report(problem.nearest(nearest(&text, names)));
        }
        choice
    }

    /// A path that exists, relative to the project's folder.
    pub(super) fn existing(&self, what: Existing) -> Option<PathBuf> {
        let (wanted, accepts): (_, fn(&Path) -> bool) = match what {
            Existing::Folder => ("a folder, relative to throng.toml", |path| path.is_dir()),
            Existing::File => ("a file, relative to throng.toml", |path| path.is_file()),
            Existing::FileOrFolder => ("a file or a folder, relative to throng.toml", |path| path.exists()),
        };
        let text = self.text(wanted)?;
        let path = self.layers.root.join(&text);
        if accepts(&path) {
            return Some(path);
        }
        let kind = match what {
            _ if !path.exists() => "does not exist",
            Existing::File => "is not a file",
            Existing::Folder | Existing::FileOrFolder => "is not a folder",
        };
        let problem = self.problem(format!("`{}`: {} {kind}", self.path, shown_path(&path))).wanted(wanted);
        let neighbour =
            neighbour(&path).map(|name| Path::new(&text).with_file_name(name).display().to_string());
        self.layers.report(problem.nearest(neighbour.as_deref()));
        None
    }

    /// A list's elements; a single value counts as a list of one.
    pub(super) fn elements(&self) -> Vec<Setting<'a>> {
        let nodes = match self.expanded().node.value {
            Value::Array(nodes) => nodes,
            Value::Text(text) => text
                .split(',')
                .map(|part| Node { value: Value::Text(part.trim().to_owned()), place: self.place() })
                .collect(),
            _ => return vec![self.clone()],
        };
        let element = |(index, node)| Setting {
            layers: self.layers,
            path: format!("{}[{}]", self.path, index + 1),
            node,
        };
        nodes.into_iter().enumerate().map(element).collect()
    }

    /// The value as a table; reports when it is none.
    pub(super) fn section(&self) -> Option<Section<'a>> {
        let Node { value, place } = self.expanded().node;
        match value {
            Value::Table(entries) => Some(Section::new(self.layers, self.path.clone(), place, entries)),
            _ => {
                self.refuse(format!("`{}` is of the wrong type", self.path), "a table");
                None
            }
        }
    }

    /// The value with a list or table that was written into a flag or variable read as TOML.
    pub(super) fn expanded(&self) -> Setting<'a> {
        let mut setting = self.clone();
        if let Value::Text(text) = &self.node.value
            && text.trim_start().starts_with(['[', '{'])
            && let Some(value) = Value::parse_text(text.trim(), &self.node.place)
        {
            setting.node.value = value;
        }
        setting
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.expanded().node.value, Value::Table(_))
    }
}

/// What must be at a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Existing {
    Folder,
    File,
    FileOrFolder,
}

impl Value {
    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn as_flag(&self) -> Option<bool> {
        match self {
            Self::Boolean(flag) => Some(*flag),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// A duration, which may be 0.
pub(super) fn duration(value: &Value) -> Result<Duration, Refusal> {
    let read = match value {
        Value::Integer(seconds) => units::seconds(*seconds as f64),
        Value::Float(seconds) => units::seconds(*seconds),
        Value::Text(text) | Value::String(text) => units::duration(text),
        _ => return Err(Refusal::Kind),
    };
    read.map_err(|error| Refusal::Value(error.to_string()))
}

/// The name in the same folder that is closest to one that does not exist.
fn neighbour(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let names: Vec<String> = std::fs::read_dir(path.parent()?)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|other| other != name)
        .collect();
    nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}
