//! What became of a load plan: robots and tasks by scenario, arrivals, storms.

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::kinds::RobotState;
use crate::recorder::Recorder;
use crate::rows::WorkCounts;
use crate::table::{Change, Id, Row, Table, WrittenRow};
use crate::tally::counts;
use crate::totals::Totals;

counts! {
    /// The robots of one scenario.
    pub struct ScenarioCounts {
        /// Robots started.
        started: u64,
        /// Robots that were ready at least once.
        were_ready: u64,
        /// Robots that ended by a failure.
        failed: u64,
        /// Robots that ended in good order.
        stopped: u64,
        /// Restarts.
        restarts: u64,
        /// Robots that are ready now; it travels as a difference.
        ready: i64,
    }
}

counts! {
    /// The arrivals of one scenario.
    pub struct ArrivalCounts {
        /// Arrivals that were due.
        due: u64,
        /// Those of them that were turned away because there was no room.
        dropped: u64,
    }
}

counts! {
    /// One storm.
    pub struct StormCounts {
        /// Robots that were there.
        there: u64,
        /// Robots that it hit.
        hit: u64,
        /// Connections that they lost.
        connections: u64,
        /// Robots that were back: ready, with as many connections as before.
        back: u64,
        /// Robots that ended before they were back.
        gone: u64,
    }
}

/// A scenario's name.
pub type ScenarioId = Id<ScenarioCounts>;
/// A storm's name.
pub type StormId = Id<StormCounts>;
/// The row of a scenario's arrivals.
pub type ArrivalRow = Row<ArrivalCounts, 1>;
/// A storm's row.
pub type StormRow = Row<StormCounts, 1>;

impl ArrivalRow {
    /// How much later than intended robots began.
    pub fn lateness(&self) -> &Histogram {
        self.time(0)
    }
}

impl StormRow {
    /// How long robots took to be back.
    pub fn recovery(&self) -> &Histogram {
        self.time(0)
    }
}

/// The share of the robots a storm hit that must be back, or have ended, for it to be over. Less than all, because the
/// last of many may be in the longest of pauses; of fewer than 100 it is all of them.
const RECOVERED: f64 = 0.99;

impl StormCounts {
    /// How many of those it hit must be back, or have ended, for it to be over.
    pub fn enough(&self) -> u64 {
        (self.hit as f64 * RECOVERED).ceil() as u64
    }

    /// Whether robots are still on their way back.
    pub fn goes_on(&self) -> bool {
        self.back.saturating_add(self.gone) < self.enough()
    }
}

/// All of a shard, or of a run.
#[derive(Debug)]
pub(crate) struct LoadTables {
    pub(crate) scenarios: Table<ScenarioCounts, 0>,
    pub(crate) tasks: Table<WorkCounts, 2>,
    pub(crate) arrivals: Table<ArrivalCounts, 1>,
    pub(crate) storms: Table<StormCounts, 1>,
}

/// What changed since the last take.
pub(crate) struct LoadChanges {
    scenarios: Vec<Change<ScenarioCounts, 0>>,
    tasks: Vec<Change<WorkCounts, 2>>,
    arrivals: Vec<Change<ArrivalCounts, 1>>,
    storms: Vec<Change<StormCounts, 1>>,
}

/// What is written down of it.
#[derive(Serialize)]
pub(crate) struct LoadsToWrite<'a> {
    scenarios: &'a Table<ScenarioCounts, 0>,
    tasks: &'a Table<WorkCounts, 2>,
    arrivals: &'a Table<ArrivalCounts, 1>,
    storms: &'a Table<StormCounts, 1>,
}

/// What was written down of it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoadsSample {
    scenarios: Vec<WrittenRow<ScenarioCounts>>,
    tasks: Vec<WrittenRow<WorkCounts>>,
    arrivals: Vec<WrittenRow<ArrivalCounts>>,
    storms: Vec<WrittenRow<StormCounts>>,
}

impl LoadTables {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            scenarios: Table::new(cap),
            tasks: Table::new(cap),
            arrivals: Table::new(cap),
            storms: Table::new(cap),
        }
    }

    pub(crate) fn coarsen(&mut self, bits: u32) {
        self.tasks.coarsen(bits);
        self.arrivals.coarsen(bits);
        self.storms.coarsen(bits);
    }

    pub(crate) fn take(&mut self) -> LoadChanges {
        LoadChanges {
            scenarios: self.scenarios.take(),
            tasks: self.tasks.take(),
            arrivals: self.arrivals.take(),
            storms: self.storms.take(),
        }
    }

    pub(crate) fn absorb(&mut self, changes: &LoadChanges) {
        self.scenarios.absorb(&changes.scenarios);
        self.tasks.absorb(&changes.tasks);
        self.arrivals.absorb(&changes.arrivals);
        self.storms.absorb(&changes.storms);
    }

    /// Adds what other tables hold.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { scenarios, tasks, arrivals, storms } = other;
        self.scenarios.add(scenarios);
        self.tasks.add(tasks);
        self.arrivals.add(arrivals);
        self.storms.add(storms);
    }

    /// To be written down, if there is anything.
    pub(crate) fn written(&self) -> Option<LoadsToWrite<'_>> {
        let Self { scenarios, tasks, arrivals, storms } = self;
        let empty = scenarios.is_empty() && tasks.is_empty() && arrivals.is_empty() && storms.is_empty();
        (!empty).then_some(LoadsToWrite { scenarios, tasks, arrivals, storms })
    }

    pub(crate) fn absorb_written(&mut self, sample: &LoadsSample) {
        self.scenarios.absorb_written(&sample.scenarios);
        self.tasks.absorb_written(&sample.tasks);
        self.arrivals.absorb_written(&sample.arrivals);
        self.storms.absorb_written(&sample.storms);
    }
}

/// The load plan, as it went.
impl Recorder {
    /// The id of a scenario.
    pub fn scenario(&mut self, name: &str) -> ScenarioId {
        self.loads.scenarios.intern("", name)
    }

    /// The id of a storm.
    pub fn storm(&mut self, name: &str) -> StormId {
        self.loads.storms.intern("", name)
    }

    /// A robot of the scenario was started.
    pub fn scenario_started(&mut self, id: ScenarioId) {
        self.loads.scenarios.row(id).counts.started += 1;
    }

    /// A robot of the scenario was ready for the first time.
    pub fn scenario_first_ready(&mut self, id: ScenarioId) {
        self.loads.scenarios.row(id).counts.were_ready += 1;
    }

    /// A robot of the scenario was restarted.
    pub fn scenario_restarted(&mut self, id: ScenarioId) {
        self.loads.scenarios.row(id).counts.restarts += 1;
    }

    /// A robot of the scenario went from one state to another.
    pub fn scenario_changed(&mut self, id: ScenarioId, from: RobotState, to: RobotState) {
        let counts = &mut self.loads.scenarios.row(id).counts;
        counts.ready += i64::from(to == RobotState::Ready) - i64::from(from == RobotState::Ready);
        counts.failed += u64::from(to == RobotState::Failed);
        counts.stopped += u64::from(to == RobotState::Stopped);
    }

    /// A task or sequence of a robot of the scenario was done; it is counted among all tasks apart.
    pub fn scenario_worked(&mut self, scenario: &str, task: &str, took_us: u64, failed: bool) {
        let id = self.loads.tasks.intern(scenario, task);
        let row = self.loads.tasks.row(id);
        row.counts.count += 1;
        row.counts.failed += u64::from(failed);
        row.time_mut(0).record(took_us);
    }

    /// An arrival was due, and its robot began so much later.
    pub fn arrived(&mut self, scenario: &str, late_us: u64) {
        let id = self.loads.arrivals.intern("", scenario);
        let row = self.loads.arrivals.row(id);
        row.counts.due += 1;
        row.time_mut(0).record(late_us);
    }

    /// An arrival was due, and there was no room for its robot.
    pub fn turned_away(&mut self, scenario: &str) {
        let id = self.loads.arrivals.intern("", scenario);
        let counts = &mut self.loads.arrivals.row(id).counts;
        counts.due += 1;
        counts.dropped += 1;
    }

    /// A storm came upon `there` robots of the shard and hit some of them, which lost so many connections.
    pub fn storm_hit(&mut self, id: StormId, there: u64, hit: u64, connections: u64) {
        let counts = &mut self.loads.storms.row(id).counts;
        counts.there += there;
        counts.hit += hit;
        counts.connections += connections;
    }

    /// A robot that a storm had hit was back so much later.
    pub fn storm_back(&mut self, id: StormId, after_us: u64) {
        let row = self.loads.storms.row(id);
        row.counts.back += 1;
        row.time_mut(0).record(after_us);
    }

    /// A robot that a storm had hit ended before it was back.
    pub fn storm_gone(&mut self, id: StormId) {
        self.loads.storms.row(id).counts.gone += 1;
    }
}

/// The load plan, as it went.
impl Totals {
    /// Robots by scenario; empty in a run without scenarios.
    pub fn scenarios(&self) -> &Table<ScenarioCounts, 0> {
        &self.loads.scenarios
    }

    /// Tasks and sequences by scenario (in the place of the connection) and name; empty in a run without scenarios.
    pub fn scenario_tasks(&self) -> &Table<WorkCounts, 2> {
        &self.loads.tasks
    }

    /// Arrivals by scenario, whose name is empty in a run without scenarios.
    pub fn arrivals(&self) -> &Table<ArrivalCounts, 1> {
        &self.loads.arrivals
    }

    /// Storms by name.
    pub fn storms(&self) -> &Table<StormCounts, 1> {
        &self.loads.storms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_over_when_nearly_all_are_back_or_gone() {
        let storm = |hit, back, gone| StormCounts { hit, back, gone, ..StormCounts::default() }.goes_on();
        assert!(storm(1_000, 989, 0) && !storm(1_000, 990, 0) && !storm(1_000, 900, 90));
        assert!(storm(50, 49, 0) && !storm(50, 49, 1) && !storm(0, 0, 0));
    }

    #[test]
    fn what_was_written_down_adds_up_to_the_same() {
        let (mut recorder, mut totals) = (Recorder::default(), Totals::default());
        let casual = recorder.scenario("casual");
        recorder.scenario_started(casual);
        recorder.scenario_changed(casual, RobotState::Connecting, RobotState::Ready);
        recorder.scenario_first_ready(casual);
        recorder.scenario_worked("casual", "role.chat", 7_000, true);
        recorder.arrived("casual", 40);
        recorder.turned_away("casual");
        let storm = recorder.storm("1");
        recorder.storm_hit(storm, 2, 1, 1);
        recorder.storm_back(storm, 2_000);
        totals.merge(&recorder.take());
        let text = serde_json::to_string(&totals.sample(&totals)).unwrap();
        let mut again = Totals::default();
        again.absorb(&serde_json::from_str(&text).unwrap());
        again.absorb(&serde_json::from_str(&text).unwrap());
        let row = again.scenarios().find("", "casual").unwrap();
        assert_eq!((row.counts.started, row.counts.ready, row.counts.were_ready), (2, 2, 2));
        let task = again.scenario_tasks().find("casual", "role.chat").unwrap();
        assert_eq!((task.counts.count, task.counts.failed, task.duration().max_us()), (2, 2, Some(7_000)));
        let arrivals = again.arrivals().find("", "casual").unwrap();
        assert_eq!((arrivals.counts.due, arrivals.counts.dropped, arrivals.lateness().count()), (4, 2, 2));
        let storm = again.storms().find("", "1").unwrap();
        assert_eq!((storm.counts.hit, storm.counts.back, storm.recovery().max_us()), (2, 2, Some(2_000)));
    }
}
