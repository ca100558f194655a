//! What must hold for a run to pass: `"request.EchoRequest.p99" = "< 50ms"`.
//!
//! A key is `FAMILY.NAME.METRIC` (or `FAMILY.METRIC` where a family has no names), a condition is a comparison and a
//! value in the metric's unit. `KEY@PHASE` is about the seconds of that phase alone. [`family`] lists what there is,
//! [`parse`] reads it, [`evaluate`] compares it with what was recorded, [`abort`] does so while the run goes on.

mod abort;
mod evaluate;
mod family;
mod parse;

use std::fmt;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::nearest;
pub use abort::{Abort, AbortWatch, Failing};
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
    /// The phase it is about; the whole run where there is none.
    phase: Option<String>,
    /// For how long it may not hold before the run is ended.
    abort_after: Option<Duration>,
}

impl Threshold {
    /// The same threshold, which ends the run when it has not held for so long without a break.
    pub fn aborting(self, after: Duration) -> Self {
        Self { abort_after: Some(after), ..self }
    }

    /// The phase it is about, if it is not about the whole run.
    pub fn phase(&self) -> Option<&str> {
        self.phase.as_deref()
    }

    /// For how long it may not hold before the run is ended, if it ends one.
    pub fn abort_after(&self) -> Option<Duration> {
        self.abort_after
    }

    /// Whether its phase is one of those that a run can have.
    ///
    /// # Errors
    /// It is none of them.
    pub fn check_phase(&self, phases: &[&str]) -> Result<(), ThresholdError> {
        match self.phase() {
            Some(found) if !phases.contains(&found) => Err(ThresholdError::Phase {
                found: found.to_owned(),
                wanted: phases.join(", "),
                nearest: nearest(found, phases.iter().copied()).map(str::to_owned),
            }),
            _ => Ok(()),
        }
    }

    /// What is compared, as the user wrote it.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The comparison and the value, as the user wrote them.
    pub fn condition(&self) -> &str {
        &self.condition
    }

    /// The value alone: in microseconds, bytes, shares of one, or plain.
    pub fn limit(&self) -> f64 {
        self.limit
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
    /// What stands behind the `@` is no phase of the plan.
    #[error("the plan has no phase `{found}`; wanted one of {wanted}{}", meant(nearest))]
    Phase {
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

/// A threshold as it is written down: key and condition as the user wrote them, and the milliseconds until it ends a run.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Plain(String, String),
    Aborting(String, String, u64),
}

impl Serialize for Thresholds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|threshold| {
            let (key, condition) = (threshold.key().to_owned(), threshold.condition().to_owned());
            match threshold.abort_after {
                None => Written::Plain(key, condition),
                Some(after) => {
                    Written::Aborting(key, condition, u64::try_from(after.as_millis()).unwrap_or(u64::MAX))
                }
            }
        }))
    }
}

impl<'de> Deserialize<'de> for Thresholds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Vec::<Written>::deserialize(deserializer)?.into_iter().map(|written| match written {
            Written::Plain(key, condition) => Threshold::parse(&key, &condition),
            Written::Aborting(key, condition, after_ms) => {
                Ok(Threshold::parse(&key, &condition)?.aborting(Duration::from_millis(after_ms)))
            }
        });
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
