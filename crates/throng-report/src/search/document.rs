//! A search as one document: the curve, and the knee in it.

use serde::Serialize;
use throng_metrics::{ErrorSummary, PhaseRequestSummary, Spread};
use throng_stats::{Knee, Tried};

/// A search that is over, and all its tries.
#[derive(Clone, Debug, Serialize)]
pub struct SearchDocument {
    /// The version of this document.
    pub schema_version: u32,
    /// What was found.
    pub knee: Knee,
    /// The same in one sentence.
    pub reason: String,
    /// The project's name.
    pub project: String,
    /// What was searched.
    pub target: String,
    /// What the load is of: `robots`, `arrivals/s` or `tasks/s`.
    pub of: &'static str,
    /// What had to hold, as it was given.
    #[serde(rename = "while")]
    pub conditions: Vec<String>,
    /// How long each load was held and judged, in seconds.
    pub hold_s: f64,
    /// How long each was held before that, in seconds.
    pub warm_up_s: f64,
    /// When it began, in seconds since 1970.
    pub started_at_unix_s: u64,
    /// throng's version.
    pub version: String,
    /// The seed of every try.
    pub seed: u64,
    /// The tries in their order.
    pub tries: Vec<SearchTry>,
}

/// One try: a run with one load, judged by the seconds in which that was held.
#[derive(Clone, Debug, Serialize)]
pub struct SearchTry {
    /// The load.
    pub load: f64,
    /// It had been tried before.
    pub again: bool,
    /// What became of it.
    pub result: Tried,
    /// The figure of the first condition, as a person reads it; `-` where there is none.
    pub figure: String,
    /// The same in `unit`; left out without samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// `us`, `share`, `number`, `per_second` or `bytes`; empty where there is none.
    pub unit: &'static str,
    /// Replies a second.
    pub replies_per_s: f64,
    /// The 99th percentile of the generator's lag, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_p99_us: Option<u64>,
    /// The run's number, if it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<i64>,
    /// Why it did not hold, or what limited it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// All that was asked, and whether it held.
    pub conditions: Vec<SearchCondition>,
    /// From just before the send to the receipt of the reply, requests of all names together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Spread>,
    /// Requests by connection and name.
    pub requests: Vec<PhaseRequestSummary>,
    /// Errors of all kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<ErrorSummary>,
}

/// What was asked of a try.
#[derive(Clone, Debug, Serialize)]
pub struct SearchCondition {
    /// What is compared.
    pub key: String,
    /// With what.
    pub condition: String,
    /// Whether it held.
    pub passed: bool,
    /// The figure as a person reads it, or `no samples`.
    pub actual: String,
    /// The figure in `unit`; left out without samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// `us`, `share`, `number`, `per_second` or `bytes`.
    pub unit: &'static str,
    /// The value it is compared with, in `unit`.
    pub bound: f64,
}
