//! Failures and script errors in groups: equal ones are counted once under their first sample.
//!
//! The number of groups and the length of every text are bounded; what no longer fits is counted under
//! [`crate::table::OTHER`].

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::kinds::FailureKind;
use crate::table::{LONGEST_NAME, OTHER, truncated};

const LONGEST_MESSAGE: usize = 300;
const LONGEST_SAMPLE: usize = 2_000;
const LONGEST_TRACEBACK: usize = 4_000;

/// One failure to be counted.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// Why.
    pub kind: FailureKind,
    /// What failed: a request, a connection, a task, a check.
    pub name: &'a str,
    /// One line without anything that differs from one occurrence to the next.
    pub message: &'a str,
}

/// Failures of the same kind, name and message.
#[derive(Clone, Debug)]
pub struct FailureGroup {
    /// Why.
    pub kind: FailureKind,
    /// What failed.
    pub name: Arc<str>,
    /// What was said.
    pub message: Arc<str>,
    /// How often.
    pub count: u64,
    /// The first one in full, decoded and redacted by whoever recorded it.
    pub sample: Option<Arc<str>>,
}

/// Errors of the same message and traceback.
#[derive(Clone, Debug)]
pub struct ScriptErrorGroup {
    /// What the script said.
    pub message: Arc<str>,
    /// Where, as file and line of each call.
    pub traceback: Arc<str>,
    /// How often.
    pub count: u64,
}

/// Counts of groups by `K`, at most `cap` of them and one more for all others.
#[derive(Clone, Debug)]
struct Groups<K> {
    index: HashMap<K, usize>,
    rows: Vec<(K, GroupCount)>,
    cap: usize,
}

#[derive(Clone, Debug, Default)]
struct GroupCount {
    count: u64,
    sample: Option<Arc<str>>,
    /// Whether a sample was taken or is still here: a group gets one only.
    sampled: bool,
}

impl GroupCount {
    fn add_sample(&mut self, sample: Option<Arc<str>>) {
        self.sampled = self.sampled || sample.is_some();
        self.sample = sample;
    }
}

impl<K: Hash + Eq + Clone> Groups<K> {
    fn new(cap: usize) -> Self {
        Self { index: HashMap::new(), rows: Vec::new(), cap }
    }

    /// The count of `key`, or of `other` when there are too many groups.
    fn row(&mut self, key: K, other: impl FnOnce() -> K) -> &mut GroupCount {
        let known = self.index.get(&key).copied();
        let (key, known) = match known {
            None if self.rows.len() >= self.cap => {
                let other = other();
                let known = self.index.get(&other).copied();
                (other, known)
            }
            known => (key, known),
        };
        let place = known.unwrap_or_else(|| {
            self.index.insert(key.clone(), self.rows.len());
            self.rows.push((key, GroupCount::default()));
            self.rows.len() - 1
        });
        &mut self.rows[place].1
    }

    fn absorb(&mut self, rows: &[(K, GroupCount)], other: impl Fn(&K) -> K) {
        for (key, group) in rows {
            let row = self.row(key.clone(), || other(key));
            row.count = row.count.saturating_add(group.count);
            if !row.sampled {
                row.add_sample(group.sample.clone());
            }
        }
    }

    /// The groups counted since the last take; they stay known, so that only the first one carries a sample.
    fn take(&mut self) -> Vec<(K, GroupCount)> {
        let changed = self.rows.iter_mut().filter(|(_, group)| group.count > 0);
        let moved = |group: &mut GroupCount| GroupCount {
            count: std::mem::take(&mut group.count),
            sample: group.sample.take(),
            sampled: group.sampled,
        };
        changed.map(|(key, group)| (key.clone(), moved(group))).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FailureKey {
    kind: FailureKind,
    name: Arc<str>,
    message: Arc<str>,
}

impl FailureKey {
    fn other(kind: FailureKind) -> Self {
        Self { kind, name: OTHER.into(), message: OTHER.into() }
    }
}

type ScriptKey = (Arc<str>, Arc<str>);

/// The failures and script errors of a shard or a run.
#[derive(Debug)]
pub(crate) struct FailureBook {
    failures: Groups<FailureKey>,
    scripts: Groups<ScriptKey>,
}

/// What was counted since the last take.
pub(crate) struct FailureChanges {
    failures: Vec<(FailureKey, GroupCount)>,
    scripts: Vec<(ScriptKey, GroupCount)>,
}

/// Groups that were written down.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WrittenFailures {
    failures: Vec<WrittenFailure>,
    script_errors: Vec<WrittenScriptError>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenFailure {
    kind: FailureKind,
    name: String,
    message: String,
    count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sample: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenScriptError {
    message: String,
    traceback: String,
    count: u64,
}

impl FailureBook {
    pub(crate) fn written(&self) -> WrittenFailures {
        let failures = self.failures.rows.iter().map(|(key, group)| WrittenFailure {
            kind: key.kind,
            name: key.name.to_string(),
            message: key.message.to_string(),
            count: group.count,
            sample: group.sample.as_deref().map(str::to_owned),
        });
        let scripts = self.scripts.rows.iter().map(|((message, traceback), group)| WrittenScriptError {
            message: message.to_string(),
            traceback: traceback.to_string(),
            count: group.count,
        });
        WrittenFailures { failures: failures.collect(), script_errors: scripts.collect() }
    }

    pub(crate) fn absorb_written(&mut self, written: &WrittenFailures) {
        let group = |count, sample: Option<&str>| GroupCount {
            count,
            sample: sample.map(|text| truncated(text, LONGEST_SAMPLE).into()),
            sampled: sample.is_some(),
        };
        let failures = written.failures.iter().map(|row| {
            let key = FailureKey {
                kind: row.kind,
                name: truncated(&row.name, LONGEST_NAME).into(),
                message: truncated(&row.message, LONGEST_MESSAGE).into(),
            };
            (key, group(row.count, row.sample.as_deref()))
        });
        let scripts = written.script_errors.iter().map(|row| {
            let message = truncated(&row.message, LONGEST_MESSAGE).into();
            ((message, truncated(&row.traceback, LONGEST_TRACEBACK).into()), group(row.count, None))
        });
        self.absorb(&FailureChanges { failures: failures.collect(), scripts: scripts.collect() });
    }

    pub(crate) fn new(cap: usize) -> Self {
        Self { failures: Groups::new(cap), scripts: Groups::new(cap) }
    }

    /// Counts a failure; the sample is made only when its group has none yet.
    pub(crate) fn failure(&mut self, failure: Failure<'_>, sample: impl FnOnce() -> Option<String>) {
        let kind = failure.kind;
        let key = FailureKey {
            kind,
            name: truncated(failure.name, LONGEST_NAME).into(),
            message: truncated(failure.message, LONGEST_MESSAGE).into(),
        };
        let row = self.failures.row(key, || FailureKey::other(kind));
        row.count += 1;
        if !row.sampled {
            row.add_sample(sample().map(|text| truncated(&text, LONGEST_SAMPLE).into()));
        }
    }

    /// Counts an error of a script.
    pub(crate) fn script_error(&mut self, message: &str, traceback: &str) {
        let key =
            (truncated(message, LONGEST_MESSAGE).into(), truncated(traceback, LONGEST_TRACEBACK).into());
        self.scripts.row(key, other_script).count += 1;
    }

    pub(crate) fn take(&mut self) -> FailureChanges {
        FailureChanges { failures: self.failures.take(), scripts: self.scripts.take() }
    }

    pub(crate) fn absorb(&mut self, changes: &FailureChanges) {
        self.failures.absorb(&changes.failures, |key| FailureKey::other(key.kind));
        self.scripts.absorb(&changes.scripts, |_| other_script());
    }

    /// Adds what another book holds.
    pub(crate) fn add(&mut self, other: &Self) {
        self.failures.absorb(&other.failures.rows, |key| FailureKey::other(key.kind));
        self.scripts.absorb(&other.scripts.rows, |_| other_script());
    }

    /// All groups of failures, the most frequent first.
    pub(crate) fn failures(&self) -> Vec<FailureGroup> {
        let groups = self.failures.rows.iter().map(|(key, group)| FailureGroup {
            kind: key.kind,
            name: key.name.clone(),
            message: key.message.clone(),
            count: group.count,
            sample: group.sample.clone(),
        });
        let mut groups: Vec<_> = groups.collect();
        groups.sort_by(|a, b| {
            b.count
                .cmp(&a.count)
                .then_with(|| (a.kind, &a.name, &a.message).cmp(&(b.kind, &b.name, &b.message)))
        });
        groups
    }

    /// All groups of script errors, the most frequent first.
    pub(crate) fn script_errors(&self) -> Vec<ScriptErrorGroup> {
        let groups = self.scripts.rows.iter().map(|((message, traceback), group)| ScriptErrorGroup {
            message: message.clone(),
            traceback: traceback.clone(),
            count: group.count,
        });
        let mut groups: Vec<_> = groups.collect();
        groups.sort_by(|a, b| {
            b.count.cmp(&a.count).then_with(|| (&a.message, &a.traceback).cmp(&(&b.message, &b.traceback)))
        });
        groups
    }
}

fn other_script() -> ScriptKey {
    (OTHER.into(), "".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeout(name: &str) -> Failure<'_> {
        Failure { kind: FailureKind::Timeout, name, message: "no reply" }
    }

    #[test]
    fn equal_failures_are_one_group_with_the_first_sample() {
        let mut book = FailureBook::new(10);
        book.failure(timeout("a"), || None);
        book.failure(timeout("a"), || Some("first".into()));
        book.failure(timeout("a"), || panic!("a second sample is never made"));
        let groups = book.failures();
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].count, groups[0].sample.as_deref()), (3, Some("first")));
    }

    #[test]
    fn groups_above_the_cap_are_counted_together_by_kind() {
        let mut book = FailureBook::new(2);
        for name in ["a", "b", "c", "d", "a"] {
            book.failure(timeout(name), || None);
        }
        book.failure(Failure { kind: FailureKind::Fail, ..timeout("x") }, || None);
        let counts: Vec<_> = book.failures().iter().map(|g| (g.kind, g.name.to_string(), g.count)).collect();
        let (timeout, fail) = (FailureKind::Timeout, FailureKind::Fail);
        assert_eq!(
            counts,
            [
                (timeout, "_other".into(), 2),
                (timeout, "a".into(), 2),
                (timeout, "b".into(), 1),
                (fail, "_other".into(), 1)
            ]
        );
    }

    #[test]
    fn merging_adds_counts_and_keeps_one_sample() {
        let (mut one, mut two, mut total) = (FailureBook::new(9), FailureBook::new(9), FailureBook::new(9));
        one.failure(timeout("a"), || None);
        two.failure(timeout("a"), || Some("body".into()));
        total.absorb(&one.take());
        total.absorb(&two.take());
        two.failure(timeout("a"), || panic!("a sample was given before"));
        total.absorb(&two.take());
        assert_eq!((total.failures()[0].count, total.failures()[0].sample.as_deref()), (3, Some("body")));
        assert!(one.take().failures.is_empty());
    }

    #[test]
    fn texts_are_cut_to_a_bounded_length() {
        let mut book = FailureBook::new(9);
        let long = "长".repeat(9_000);
        book.failure(Failure { kind: FailureKind::Fail, name: &long, message: &long }, || Some(long.clone()));
        book.script_error(&long, &long);
        let failure = &book.failures()[0];
        assert!(failure.name.len() <= LONGEST_NAME && failure.message.len() <= LONGEST_MESSAGE);
        assert!(failure.sample.as_ref().unwrap().len() <= LONGEST_SAMPLE);
        assert!(book.script_errors()[0].traceback.len() <= LONGEST_TRACEBACK);
    }
}
