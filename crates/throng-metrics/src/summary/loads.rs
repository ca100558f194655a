//! What the summary says of the load plan: arrivals, scenarios, storms.

use serde::Serialize;

use crate::histogram::Spread;
use crate::totals::Totals;

/// How the load plan went, beside the robots as a whole. Lists are empty where a run has no such thing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoadSummary {
    /// Arrivals, by scenario.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arrivals: Vec<ArrivalSummary>,
}

/// Arrivals of the whole run, or of one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct ArrivalSummary {
    /// The scenario; left out in a run without scenarios.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scenario: String,
    /// Arrivals that were due.
    pub due: u64,
    /// Robots that began.
    pub started: u64,
    /// Arrivals that were turned away, because there were as many robots as there may be.
    pub dropped: u64,
    /// How much later than they were due robots began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_us: Option<Spread>,
}

impl LoadSummary {
    pub(super) fn of(totals: &Totals) -> Self {
        let arrivals = totals.arrivals().iter().map(|(key, row)| ArrivalSummary {
            scenario: key.name.to_string(),
            due: row.counts.due,
            started: row.counts.due.saturating_sub(row.counts.dropped),
            dropped: row.counts.dropped,
            late_us: row.lateness().spread(),
        });
        let mut arrivals: Vec<ArrivalSummary> = arrivals.collect();
        arrivals.sort_by(|one, other| one.scenario.cmp(&other.scenario));
        Self { arrivals }
    }
}
