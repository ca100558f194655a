//! The JSON report of a run. Reading one checks what holds of every run: the books balance, and no figure is missing.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use serde_json::Value;

/// Counts by name.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Counts as a test writes them.
pub(crate) fn counts<const N: usize>(pairs: [(&str, u64); N]) -> Counts {
    pairs.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// The books of one request name.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Books {
    pub(crate) count: u64,
    pub(crate) ok: u64,
    pub(crate) failures: u64,
    pub(crate) cancelled: u64,
    pub(crate) in_flight: u64,
    pub(crate) late: u64,
    pub(crate) duplicate: u64,
    pub(crate) ambiguous: u64,
}

/// The whole document.
pub(crate) struct Report(Value);

impl Report {
    /// Reads a document.
    #[track_caller]
    pub(crate) fn read(text: &str) -> Report {
        let report = Report(serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")));
        leave("summary", text);
        assert_eq!(report.0["schema_version"], 1);
        no_nothing(&report.0);
        report.assert_sound();
        report
    }

    /// What holds of every run.
    #[track_caller]
    fn assert_sound(&self) {
        for row in self.rows("requests") {
            let n = |field| number(row, field);
            assert_eq!(n("count"), n("ok") + n("failures") + n("cancelled") + n("in_flight"), "{row}");
            assert_eq!(n("failures"), sum(&row["failures_by_kind"]), "{row}");
            assert_eq!(n("in_flight"), 0, "every robot has ended: {row}");
        }
        for row in self.rows("connections") {
            assert_eq!(number(row, "opened"), sum(&row["ended"]) + number(row, "open"), "{row}");
            assert_eq!(number(row, "failed"), sum(&row["failures_by_kind"]), "{row}");
            assert!(number(row, "attempts") >= number(row, "opened") + number(row, "failed"), "{row}");
        }
        assert_eq!(
            number(&self.0["errors"], "count"),
            sum(&self.0["errors"]["by_kind"]),
            "{}",
            self.0["errors"]
        );
    }

    pub(crate) fn value(&self) -> &Value {
        &self.0
    }

    pub(crate) fn verdict(&self) -> &str {
        self.0["verdict"].as_str().unwrap()
    }

    pub(crate) fn reason(&self) -> &str {
        self.0["reason"].as_str().unwrap()
    }

    /// A whole number of the document, by its path such as `/robots/started`.
    #[track_caller]
    pub(crate) fn number(&self, path: &str) -> u64 {
        let found = self.0.pointer(path).and_then(Value::as_u64);
        found.unwrap_or_else(|| panic!("no whole number {path} in {}", self.0))
    }

    /// The books of a request.
    #[track_caller]
    pub(crate) fn books(&self, name: &str) -> Books {
        let row = self.row("requests", name);
        let n = |field| number(row, field);
        Books {
            count: n("count"),
            ok: n("ok"),
            failures: n("failures"),
            cancelled: n("cancelled"),
            in_flight: n("in_flight"),
            late: n("late"),
            duplicate: n("duplicate"),
            ambiguous: n("ambiguous"),
        }
    }

    /// Why requests of that name failed.
    #[track_caller]
    pub(crate) fn failures(&self, request: &str) -> Counts {
        by_name(&self.row("requests", request)["failures_by_kind"])
    }

    /// A figure of a request's latency, in microseconds.
    #[track_caller]
    pub(crate) fn latency(&self, request: &str, figure: &str) -> f64 {
        self.row("requests", request)["latency_us"][figure].as_f64().unwrap()
    }

    /// All errors by kind.
    pub(crate) fn errors(&self) -> Counts {
        by_name(&self.0["errors"]["by_kind"])
    }

    /// How connections of that name ended.
    #[track_caller]
    pub(crate) fn ended(&self, connection: &str) -> Counts {
        by_name(&self.row("connections", connection)["ended"])
    }

    /// How often a push came, and how often somebody listened; zeros for one that never came.
    pub(crate) fn push(&self, name: &str) -> (u64, u64) {
        self.find("pushes", name).map_or((0, 0), |row| (number(row, "count"), number(row, "handled")))
    }

    /// How often a check passed and failed.
    #[track_caller]
    pub(crate) fn check(&self, name: &str) -> (u64, u64) {
        let row = self.row("checks", name);
        (number(row, "passed"), number(row, "failed"))
    }

    /// The value of a counter.
    #[track_caller]
    pub(crate) fn counter(&self, name: &str) -> i64 {
        self.row("counters", name)["value"].as_i64().unwrap()
    }

    /// Entries of a list.
    pub(crate) fn rows(&self, list: &str) -> &[Value] {
        self.0[list].as_array().unwrap()
    }

    /// The entry of that name.
    #[track_caller]
    pub(crate) fn row(&self, list: &str, name: &str) -> &Value {
        self.find(list, name).unwrap_or_else(|| panic!("no {name} among {list}: {}", self.0[list]))
    }

    fn find(&self, list: &str, name: &str) -> Option<&Value> {
        self.rows(list).iter().find(|row| row["name"] == name)
    }
}

/// Leaves a document for `json_schemas.py`, which looks whether it is as its schema says.
pub(crate) fn leave(kind: &str, text: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("json");
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{kind}-{:016x}.json", hasher.finish())), text).unwrap();
}

/// A figure that does not exist is left out: there is no `null`.
#[track_caller]
fn no_nothing(value: &Value) {
    match value {
        Value::Null => panic!("there is a null in the report"),
        Value::Array(items) => items.iter().for_each(no_nothing),
        Value::Object(fields) => fields.values().for_each(no_nothing),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[track_caller]
fn number(row: &Value, field: &str) -> u64 {
    row[field].as_u64().unwrap_or_else(|| panic!("no whole number `{field}` in {row}"))
}

/// The counts above zero.
fn by_name(table: &Value) -> Counts {
    let counts =
        table.as_object().unwrap().iter().map(|(name, count)| (name.clone(), count.as_u64().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn sum(table: &Value) -> u64 {
    by_name(table).values().sum()
}
