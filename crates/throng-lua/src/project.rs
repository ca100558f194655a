//! A robot project as the host gets it: where its Lua is, and what the settings say about it.

use crate::own::OwnSource;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::Wait;
use throng_engine::redact::Redaction;
use throng_wire::Protocol;

/// What to load, and with which settings.
#[derive(Debug, Clone)]
pub struct LuaProject {
    /// The project's folder; files are named relative to it.
    pub root: PathBuf,
    /// Folders of mods, relative to the root or absolute, in load order.
    pub mods: Vec<PathBuf>,
    /// The folder of code that mods share.
    pub lib: PathBuf,
    /// `throng.host`: the target's address.
    pub host: String,
    /// `throng.options`.
    pub options: Vec<(String, OptionValue)>,
    /// `[tasks]`: weights and rates by a task's full name, which replace those in the code.
    pub tasks: Vec<TaskSetting>,
    /// Which tasks run, by their tags.
    pub tags: TagFilter,
    /// Classes of robots; none where all are alike.
    pub scenarios: Vec<ScenarioRules>,
    /// Which fields' values are never shown.
    pub redaction: Redaction,
    /// What robots can speak: no handler may be for a message that none of them knows. None at all is no such rule.
    pub protocols: Vec<Arc<Protocol>>,
    /// The files of protocols that have functions in Lua.
    pub own: Vec<OwnSource>,
    /// The file of the load's shape, if it has one.
    pub shape: Option<PathBuf>,
    /// What becomes of fields of a body that its message does not have.
    pub stray_fields: StrayFields,
    /// What scripts may use.
    pub limits: Limits,
}

/// What becomes of fields of a body that its message does not have. None of them is ever sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StrayFields {
    /// They are dropped without a word, at no cost: for runs.
    #[default]
    Drop,
    /// Each is logged once, with its line.
    Warn,
    /// They are an error of the script's.
    Refuse,
}

/// A value of `[options]`.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A truth value.
    Boolean(bool),
    /// Text.
    Text(String),
}

/// A task in `[tasks]`.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSetting {
    /// The task's full name, `mod.task`.
    pub task: String,
    /// Its weight; 0 switches it off.
    pub weight: Option<f64>,
    /// So many a second over all robots.
    pub rate: Option<f64>,
    /// The line in `throng.toml` that says so.
    pub line: Option<u32>,
}

/// `[scenarios.NAME]`: what a class of robots has and plays; what it does not say is as for all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScenarioRules {
    /// Its name.
    pub name: String,
    /// The names of its mods; all, when it does not say.
    pub mods: Option<Vec<String>>,
    /// Which tasks run, by their tags, where it says so.
    pub tags: Option<TagFilter>,
    /// Weights by a task's full name.
    pub weights: Vec<(String, f64)>,
    /// Rates by a task's full name, over all its robots.
    pub rates: Vec<(String, f64)>,
    /// Tasks a second over all its robots.
    pub task_rate: Option<f64>,
    /// The wait between tasks that say nothing of their own.
    pub wait: Option<Wait>,
    /// The line in `throng.toml` where it begins.
    pub line: Option<u32>,
}

/// Which tasks run: with one of `include` (if any are named) and none of `exclude`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagFilter {
    /// Only tasks with one of these.
    pub include: Vec<String>,
    /// No tasks with one of these.
    pub exclude: Vec<String>,
}

impl TagFilter {
    /// Whether a task with these tags runs.
    pub fn admits(&self, tags: &[String]) -> bool {
        let has = |wanted: &[String]| wanted.iter().any(|tag| tags.contains(tag));
        (self.include.is_empty() || has(&self.include)) && !has(&self.exclude)
    }
}

/// What scripts may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes one Lua state may take; 0 is without limit.
    pub memory: usize,
    /// Bytes by which one stretch of a script, from block to block, may grow its state.
    pub memory_per_resume: usize,
    /// How long one stretch of a script, from block to block, may run.
    pub deadline: Duration,
    /// Robots that share one Lua state; beyond, another state is made.
    pub robots_per_vm: usize,
    /// Functions of robots that one Lua state runs beside each other: handlers, spawned ones and the rest. A state can refer
    /// to about a million coroutines.
    pub functions_per_vm: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory: 1 << 30,
            memory_per_resume: 64 << 20,
            deadline: Duration::from_millis(200),
            robots_per_vm: 10_000,
            functions_per_vm: 400_000,
        }
    }
}

impl LuaProject {
    /// The project in `root` with the usual folders and no settings.
    pub fn at(root: impl Into<PathBuf>) -> LuaProject {
        LuaProject {
            root: root.into(),
            mods: vec![PathBuf::from("mods")],
            lib: PathBuf::from("lib"),
            host: String::new(),
            options: Vec::new(),
            tasks: Vec::new(),
            tags: TagFilter::default(),
            scenarios: Vec::new(),
            redaction: Redaction::default(),
            protocols: Vec::new(),
            own: Vec::new(),
            shape: None,
            stray_fields: StrayFields::default(),
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_admit_and_exclude() {
        let tags = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let filter = TagFilter { include: tags(&["shop"]), exclude: tags(&["slow"]) };
        assert!(filter.admits(&tags(&["shop", "fast"])));
        assert!(!filter.admits(&tags(&["shop", "slow"])));
        assert!(!filter.admits(&tags(&[])));
        assert!(TagFilter::default().admits(&[]));
    }
}
