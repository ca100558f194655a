//! What is compared of a message.

use serde::Serialize;

use crate::bins::{below, quantile};
use crate::blocks::Pool;

/// What is compared of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The latency that half of the replies do not exceed, in microseconds.
    P50,
    /// The latency that 99 % of the replies do not exceed, in microseconds.
    P99,
    /// The mean latency, in microseconds.
    Mean,
    /// Replies per second.
    Throughput,
    /// The share of requests that failed.
    ErrorRate,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::P50, Self::P99, Self::Mean, Self::Throughput, Self::ErrorRate];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::Mean => "mean",
            Self::Throughput => "throughput",
            Self::ErrorRate => "error rate",
        }
    }

    /// Whether its change is told as a share of what it was; the other changes are plain differences.
    pub fn is_relative(self) -> bool {
        self != Self::ErrorRate
    }

    /// Whether more of it is better.
    pub(crate) fn more_is_better(self) -> bool {
        self == Self::Throughput
    }

    /// Its value, if there is anything to have one.
    pub(crate) fn of(self, pool: &Pool, used: &[u16]) -> Option<f64> {
        let attempts = pool.ok + pool.failed;
        match self {
            Self::P50 => quantile(used, &pool.bins, 0.5),
            Self::P99 => quantile(used, &pool.bins, 0.99),
            Self::Mean => (pool.count > 0).then(|| pool.sum_us as f64 / pool.count as f64),
            Self::Throughput => (pool.seconds > 0.0).then(|| pool.ok as f64 / pool.seconds),
            Self::ErrorRate => (attempts > 0).then(|| pool.failed as f64 / attempts as f64),
        }
    }

    /// What a part adds to or takes from the value of the whole, up to a constant factor and to first order.
    pub(crate) fn influence(self, part: &Pool, used: &[u16], value: f64) -> f64 {
        match self {
            Self::P50 => below(used, &part.bins, value) - 0.5 * part.count as f64,
            Self::P99 => below(used, &part.bins, value) - 0.99 * part.count as f64,
            Self::Mean => part.sum_us as f64 - value * part.count as f64,
            Self::Throughput => part.ok as f64 - value * part.seconds,
            Self::ErrorRate => part.failed as f64 - value * (part.ok + part.failed) as f64,
        }
    }

    /// What the influences of the parts are relative to.
    pub(crate) fn weight(self, pool: &Pool) -> f64 {
        match self {
            Self::P50 | Self::P99 | Self::Mean => pool.count as f64,
            Self::Throughput => pool.seconds,
            Self::ErrorRate => (pool.ok + pool.failed) as f64,
        }
    }

    /// A value in the scale in which two are subtracted: ratios become differences of logarithms.
    pub(crate) fn scaled(self, value: f64) -> Option<f64> {
        let scaled = if self.is_relative() { value.ln() } else { value };
        scaled.is_finite().then_some(scaled)
    }

    /// Whether there is enough to say anything: a hundred of what is averaged, ten beyond a quantile.
    pub(crate) fn has_enough(self, pool: &Pool) -> bool {
        match self {
            Self::P50 | Self::Mean => pool.count >= 100,
            Self::P99 => pool.count >= 1_000,
            Self::Throughput => pool.ok >= 100,
            Self::ErrorRate => pool.ok + pool.failed >= 100,
        }
    }
}
