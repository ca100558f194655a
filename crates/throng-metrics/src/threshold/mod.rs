//! What must hold for a run to pass: `"request.EchoRequest.p99" = "< 50ms"`.
//!
//! A key is `FAMILY.NAME.METRIC` (or `FAMILY.METRIC` where a family has no names), a condition is a comparison and a
//! value in the metric's unit. [`family`] lists what there is, [`parse`] reads it, [`evaluate`] compares it with totals.

mod evaluate;
mod family;
mod parse;

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

pub use evaluate::{Outcome, ThresholdResult};
use family::{Family, Metric, Unit};

/// The key of the threshold that holds unless the user sets it.
const DEFAULT_KEY: &str = "errors.rate";
const DEFAULT_CONDITION: &str = "< 1%";

/// One thing that must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    key: String,
    condition: String,
    family: Family,
    /// The name, which may hold `*` and may be `CONNECTION/NAME`; empty where the family has no names.
    pattern: String,
    metric: Metric,
    comparison: Comparison,
    /// In microseconds, bytes, shares of one, or plain.
    limit: f64,
}

impl Threshold {
    /// What is compared, as the user wrote it.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The comparison and the value, as the user wrote them.
    pub fn condition(&self) -> &str {
        &self.condition
    }
}

/// How a figure is compared with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

impl Comparison {
    const ALL: [(&'static str, Self); 6] = [
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn holds(self, actual: f64, limit: f64) -> bool {
        match self {
            Self::Less => actual < limit,
            Self::AtMost => actual <= limit,
            Self::Greater => actual > limit,
            Self::AtLeast => actual >= limit,
            Self::Equal => actual == limit,
            Self::Unequal => actual != limit,
        }
    }
}

/// Why a threshold cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ThresholdError {
    /// The key's first part is none of the families.
    #[error("there are no thresholds on `{found}`; wanted one of {wanted}{}", meant(nearest))]
    Family {
        /// What was written.
        found: String,
        /// What there is.
        wanted: String,
        /// What was likely meant.
        nearest: Option<String>,
    },
    /// The key has too few parts.
    #[error("the key `{key}` is incomplete; wanted {wanted}")]
    Incomplete {
        /// The key as written.
        key: String,
        /// Its shape.
        wanted: String,
    },
    /// The key's last part is no metric of the family.
    #[error("`{family}` has no `{found}`; wanted one of {wanted}{}", meant(nearest))]
    Metric {
        /// The key's first part.
        family: &'static str,
        /// What was written.
        found: String,
        /// What there is.
        wanted: String,
        /// What was likely meant.
        nearest: Option<String>,
    },
    /// The condition does not begin with a comparison.
    #[error(
        "`{found}` has no comparison; wanted one of <, <=, >, >=, ==, != before the value, as in `{example}`"
    )]
    Comparison {
        /// The condition as written.
        found: String,
        /// A condition that can be read.
        example: String,
    },
    /// The value is not of the metric's unit.
    #[error("the value `{found}` is not {wanted}, as in `{example}`")]
    Value {
        /// The value as written.
        found: String,
        /// The unit in words.
        wanted: &'static str,
        /// A value that can be read.
        example: &'static str,
    },
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// All that must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds(Vec<Threshold>);

/// Pairs of key and condition, as the user wrote them.
impl Serialize for Thresholds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|threshold| (threshold.key(), threshold.condition())))
    }
}

impl<'de> Deserialize<'de> for Thresholds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = Vec::<(String, String)>::deserialize(deserializer)?;
        let read = pairs.iter().map(|(key, condition)| Threshold::parse(key, condition));
        Ok(Self(read.collect::<Result<_, _>>().map_err(D::Error::custom)?))
    }
}

impl Thresholds {
    /// What the user asks for, and `errors.rate < 1%` in front of it unless the user says something about that key.
    pub fn new(asked: Vec<Threshold>) -> Self {
        let mut all = Vec::with_capacity(asked.len() + 1);
        if !asked.iter().any(|threshold| threshold.key == DEFAULT_KEY) {
            all.push(
                Threshold::parse(DEFAULT_KEY, DEFAULT_CONDITION).expect("the default threshold can be read"),
            );
        }
        all.extend(asked);
        Self(all)
    }

    /// Each threshold in the order in which it was given.
    pub fn iter(&self) -> std::slice::Iter<'_, Threshold> {
        self.0.iter()
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.condition)
    }
}
