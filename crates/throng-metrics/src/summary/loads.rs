//! What the summary says of the load plan: arrivals, scenarios, storms.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::build::work_summary;
use super::{RunRecord, WorkSummary};
use crate::histogram::Spread;
use crate::loads::StormRow;
use crate::totals::Totals;

/// How the load plan went, beside the robots as a whole. Lists are empty where a run has no such thing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoadSummary {
    /// Arrivals, by scenario.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arrivals: Vec<ArrivalSummary>,
    /// Scenarios, in the order in which they were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<ScenarioSummary>,
    /// Storms, in the order in which they were planned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub storms: Vec<StormSummary>,
}

/// A scenario as it was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioPlan {
    /// Its name.
    pub name: String,
    /// How many robots the plan wants of it at its highest.
    pub planned: u64,
}

/// The robots of one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioSummary {
    /// Its name.
    pub name: String,
    /// How many the plan wanted at its highest.
    pub planned: u64,
    /// How many were started.
    pub started: u64,
    /// How many were ready at least once.
    pub ready: u64,
    /// How many ended by a failure.
    pub failed: u64,
    /// How many ended in good order.
    pub stopped: u64,
    /// How often a robot was restarted.
    pub restarts: u64,
    /// Its tasks and sequences by name.
    pub tasks: Vec<WorkSummary>,
}

/// A storm as it was planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StormPlan {
    /// When, since the run's start.
    pub at: Duration,
    /// The share of the robots that were to lose their connections, from 0 to 1.
    pub drop: f64,
    /// How: `cable` or `close`.
    pub loss: String,
}

/// A storm as it went.
#[derive(Clone, Debug, Serialize)]
pub struct StormSummary {
    /// When it was to come, in seconds since the run's start.
    pub at_s: f64,
    /// The share of the robots that were to lose their connections, from 0 to 1.
    pub drop: f64,
    /// How: `cable` or `close`.
    pub loss: String,
    /// Robots with an open connection when it came.
    pub there: u64,
    /// Robots it hit.
    pub hit: u64,
    /// Connections they lost.
    pub connections: u64,
    /// Robots that were back: ready, with as many connections as before.
    pub back: u64,
    /// Robots that ended before they were back.
    pub gone: u64,
    /// How long it took until 99 % of those it hit were back, or had ended. Left out where they never were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_us: Option<u64>,
    /// How long each robot took to be back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_us: Option<Spread>,
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
    pub(super) fn of(totals: &Totals, run: &RunRecord) -> Self {
        let arrivals = totals.arrivals().iter().map(|(key, row)| ArrivalSummary {
            scenario: key.name.to_string(),
            due: row.counts.due,
            started: row.counts.due.saturating_sub(row.counts.dropped),
            dropped: row.counts.dropped,
            late_us: row.lateness().spread(),
        });
        let mut arrivals: Vec<ArrivalSummary> = arrivals.collect();
        arrivals.sort_by(|one, other| one.scenario.cmp(&other.scenario));
        let storms = (1..).zip(&run.storms).map(|(number, plan)| storm(number, plan, totals)).collect();
        let scenarios = run.scenarios.iter().map(|plan| scenario(plan, totals)).collect();
        Self { arrivals, scenarios, storms }
    }
}

fn scenario(plan: &ScenarioPlan, totals: &Totals) -> ScenarioSummary {
    let counts = totals.scenarios().find("", &plan.name).map(|row| row.counts.clone()).unwrap_or_default();
    let own = totals.scenario_tasks().iter().filter(|(key, _)| *key.connection == *plan.name);
    let mut tasks: Vec<WorkSummary> = own.map(|(key, row)| work_summary(key, row)).collect();
    tasks.sort_by(|one, other| one.name.cmp(&other.name));
    ScenarioSummary {
        name: plan.name.clone(),
        planned: plan.planned,
        started: counts.started,
        ready: counts.were_ready,
        failed: counts.failed,
        stopped: counts.stopped,
        restarts: counts.restarts,
        tasks,
    }
}

fn storm(number: u32, plan: &StormPlan, totals: &Totals) -> StormSummary {
    let row = totals.storms().find("", &number.to_string());
    let counts = row.map(|row| row.counts.clone()).unwrap_or_default();
    StormSummary {
        at_s: plan.at.as_secs_f64(),
        drop: plan.drop,
        loss: plan.loss.clone(),
        there: counts.there,
        hit: counts.hit,
        connections: counts.connections,
        back: counts.back,
        gone: counts.gone,
        recovery_us: row.and_then(recovery),
        back_us: row.and_then(|row| row.recovery().spread()),
    }
}

/// When enough of those who came back were back. Who ended before has nothing to wait for.
fn recovery(row: &StormRow) -> Option<u64> {
    let counts = &row.counts;
    if counts.hit == 0 || counts.goes_on() {
        return None;
    }
    let enough = counts.enough().saturating_sub(counts.gone);
    row.recovery().quantile_us(enough as f64 / counts.back.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recorder;

    fn summary(back: u64, gone: u64) -> StormSummary {
        let (mut recorder, mut totals) = (Recorder::default(), Totals::default());
        let storm = recorder.storm("1");
        recorder.storm_hit(storm, 500, 200, 200);
        (1..=back).for_each(|robot| recorder.storm_back(storm, robot * 1_000));
        (0..gone).for_each(|_| recorder.storm_gone(storm));
        totals.merge(&recorder.take());
        let plan = StormPlan { at: Duration::from_secs(5), drop: 0.4, loss: "cable".to_owned() };
        let record = RunRecord { storms: vec![plan], ..RunRecord::default() };
        LoadSummary::of(&totals, &record).storms.remove(0)
    }

    #[test]
    fn a_storm_has_passed_when_99_percent_are_back() {
        let about = |wanted: u64, found: Option<u64>| found.is_some_and(|found| found.abs_diff(wanted) < 200);
        assert!(about(198_000, summary(200, 0).recovery_us), "{:?}", summary(200, 0));
        assert!(about(148_000, summary(150, 50).recovery_us), "{:?}", summary(150, 50));
        assert_eq!(summary(197, 0).recovery_us, None);
        assert_eq!(summary(0, 200).recovery_us, None, "nobody came back");
    }
}
