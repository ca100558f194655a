//! What shards hand over, and the sum of it.

use crate::generator::Generator;
use crate::groups::{FailureBook, FailureChanges, FailureGroup, ScriptErrorGroup};
use crate::histogram::Histogram;
use crate::kinds::{FailureKind, WorkKind};
use crate::loads::{LoadChanges, LoadTables};
use crate::recorder::Limits;
use crate::robots::{RobotChanges, RobotTotals, Robots};
use crate::rows::{
    CheckCounts, ConnectionCounts, CounterCounts, DelayCounts, GapCounts, MeasureCounts, OrderCounts,
    PushCounts, RequestCounts, ScheduleCounts, SendCounts, TableChanges, Tables, TrafficCounts, WorkCounts,
};
use crate::table::Table;
use crate::tally::{Counts, Kind, Tally};

/// What one shard recorded between two takes.
pub struct Delta {
    pub(crate) tables: TableChanges,
    pub(crate) failures: FailureChanges,
    pub(crate) errors: Tally<FailureKind>,
    pub(crate) robots: RobotChanges,
    pub(crate) loads: LoadChanges,
    pub(crate) traffic: TrafficCounts,
    pub(crate) generator: Generator,
}

impl std::fmt::Debug for Delta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delta")
            .field("traffic", &self.traffic)
            .field("errors", &self.errors)
            .finish_non_exhaustive()
    }
}

/// The sum of deltas, over shards and time.
#[derive(Debug)]
pub struct Totals {
    pub(crate) tables: Tables,
    pub(crate) failures: FailureBook,
    pub(crate) errors: Tally<FailureKind>,
    pub(crate) robots: RobotTotals,
    pub(crate) loads: LoadTables,
    pub(crate) traffic: TrafficCounts,
    pub(crate) generator: Generator,
}

impl Default for Totals {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Totals {
    /// The sum of nothing, which tells at most so many things apart.
    pub fn new(limits: Limits) -> Self {
        Self {
            tables: Tables::new(limits.names),
            failures: FailureBook::new(limits.failure_groups),
            errors: Tally::default(),
            robots: RobotTotals::default(),
            loads: LoadTables::new(limits.names),
            traffic: TrafficCounts::default(),
            generator: Generator::default(),
        }
    }

    /// Adds one shard's delta; rows are matched by name.
    pub fn merge(&mut self, delta: &Delta) {
        self.tables.absorb(&delta.tables);
        self.failures.absorb(&delta.failures);
        self.errors.add(&delta.errors);
        self.robots.absorb(&delta.robots);
        self.loads.absorb(&delta.loads);
        self.traffic.add(&delta.traffic);
        self.generator.absorb(&delta.generator);
    }

    /// Adds the totals of a stretch; `run` are those of the whole run at the stretch's end.
    pub(crate) fn add(&mut self, stretch: &Self, run: &Self) {
        let Self { tables, failures, errors, robots, loads, traffic, generator } = stretch;
        self.tables.add(tables);
        self.failures.add(failures);
        self.errors.add(errors);
        self.robots.add(robots, &run.robots);
        self.loads.add(loads);
        self.traffic.add(traffic);
        self.generator.absorb(generator);
    }

    /// Keeps only so many significant bits of each duration, of which there are eleven; counts, sums, the shortest and the longest
    /// stay exact. With 5 bits a percentile is at most 1 / 32 off.
    pub fn coarsen(&mut self, bits: u32) {
        self.tables.coarsen(bits);
        self.loads.coarsen(bits);
        self.generator.coarsen(bits);
    }

    /// Says that one delta of every shard is merged, so that peaks are of one moment.
    pub fn end_round(&mut self) {
        self.robots.end_round();
    }

    /// Sets how many robots the plan wants at its highest.
    pub fn plan_robots(&mut self, planned: u64) {
        self.robots.planned = planned;
    }

    /// Sets how many robots the plan wants now, where it names a number.
    pub fn want_robots(&mut self, wanted: Option<u64>) {
        self.robots.wanted = wanted;
    }

    /// Requests by connection and name.
    pub fn requests(&self) -> &Table<RequestCounts, 2> {
        &self.tables.requests
    }

    /// Requests of groups: the group stands in place of the connection, and the name is `CONNECTION/NAME`.
    pub fn grouped(&self) -> &Table<RequestCounts, 2> {
        &self.tables.grouped
    }

    /// What has so many names that they share `_other`, and how many are kept apart.
    pub fn crowded(&self) -> Vec<(&'static str, usize)> {
        let t = &self.tables;
        let tables = [
            ("requests", t.requests.is_crowded()),
            ("sends", t.sends.is_crowded()),
            ("pushes", t.pushes.is_crowded()),
            ("connections", t.connections.is_crowded()),
            ("checks", t.checks.is_crowded()),
            ("groups", self.work(WorkKind::Group).is_crowded()),
            ("measures", t.measures.is_crowded()),
            ("counters", t.counters.is_crowded()),
            ("in_order", t.orders.is_crowded()),
            ("delays", t.delays.is_crowded()),
            ("gaps", t.gaps.is_crowded()),
        ];
        let cap = t.requests.cap();
        tables.into_iter().filter(|(_, crowded)| *crowded).map(|(what, _)| (what, cap)).collect()
    }

    /// Whether there were more messages or checks in groups than are kept apart: what is left out is among all requests only.
    pub fn groups_are_crowded(&self) -> bool {
        self.tables.grouped.is_crowded() || self.tables.grouped_checks.is_crowded()
    }

    /// Messages of which no delay is known, because they are by clocks beyond those that are told apart.
    pub fn clocks_beyond(&self) -> u64 {
        sum(self.tables.delays.iter().map(|(_, row)| row.counts.beyond))
    }

    /// Sends by connection and name.
    pub fn sends(&self) -> &Table<SendCounts, 0> {
        &self.tables.sends
    }

    /// Pushes by connection and name.
    pub fn pushes(&self) -> &Table<PushCounts, 0> {
        &self.tables.pushes
    }

    /// Connections by name.
    pub fn connections(&self) -> &Table<ConnectionCounts, 2> {
        &self.tables.connections
    }

    /// Checks by name.
    pub fn checks(&self) -> &Table<CheckCounts, 0> {
        &self.tables.checks
    }

    /// Checks of groups: the group stands in place of the connection.
    pub fn grouped_checks(&self) -> &Table<CheckCounts, 0> {
        &self.tables.grouped_checks
    }

    /// Tasks, sequences, steps or starts by name.
    pub fn work(&self, kind: WorkKind) -> &Table<WorkCounts, 2> {
        &self.tables.work[kind.index()]
    }

    /// Schedules by name.
    pub fn schedules(&self) -> &Table<ScheduleCounts, 0> {
        &self.tables.schedules
    }

    /// Custom measures by name.
    pub fn measures(&self) -> &Table<MeasureCounts, 1> {
        &self.tables.measures
    }

    /// Custom counters by name.
    pub fn counters(&self) -> &Table<CounterCounts, 0> {
        &self.tables.counters
    }

    /// Numbers that servers count up, by name.
    pub fn orders(&self) -> &Table<OrderCounts, 0> {
        &self.tables.orders
    }

    /// Messages that say when they were sent, by connection and name.
    pub fn delays(&self) -> &Table<DelayCounts, 3> {
        &self.tables.delays
    }

    /// What comes again and again, by name.
    pub fn gaps(&self) -> &Table<GapCounts, 1> {
        &self.tables.gaps
    }

    /// Messages per second of each robot that is gone, in thousandths, over its whole life.
    pub fn robot_rates(&self) -> &Histogram {
        &self.robots.rates
    }

    /// Groups of failures, the most frequent first.
    pub fn failures(&self) -> Vec<FailureGroup> {
        self.failures.failures()
    }

    /// Groups of script errors, the most frequent first.
    pub fn script_errors(&self) -> Vec<ScriptErrorGroup> {
        self.failures.script_errors()
    }

    /// All failures that count as errors, by kind: each one once, wherever it happened.
    pub fn errors(&self) -> &Tally<FailureKind> {
        &self.errors
    }

    /// Robots by state.
    pub fn robots(&self) -> Robots {
        self.robots.view()
    }

    /// What went over the wire.
    pub fn traffic(&self) -> &TrafficCounts {
        &self.traffic
    }

    /// The generator's own part.
    pub fn generator(&self) -> &Generator {
        &self.generator
    }

    /// The share of what was attempted that failed; nothing when nothing was attempted.
    ///
    /// Where there are requests, it is a rate of requests: errors against replies and errors together, so that neither
    /// checks nor connects thin out failing requests. Where no request was answered or failed (robots that only listen,
    /// or speak line by line), what succeeded is the opened connections, passed checks and tasks, sequences and starts.
    pub fn error_rate(&self) -> Option<f64> {
        let errors = self.errors.total();
        let requests = || self.tables.requests.iter().map(|(_, row)| &row.counts);
        let ok = sum(requests().map(|counts| counts.ok));
        let any_ended = requests().any(|counts| counts.ok > 0 || counts.failures.total() > 0);
        let succeeded = if any_ended { ok } else { self.succeeded_without_requests() };
        let attempts = succeeded.saturating_add(errors);
        (attempts > 0).then(|| errors as f64 / attempts as f64)
    }

    /// Whether anything came back: a reply, a push, a passed check, a message.
    pub fn anything_succeeded(&self) -> bool {
        self.traffic.messages_received > 0
            || self.tables.requests.iter().any(|(_, row)| row.counts.ok > 0)
            || self.tables.pushes.iter().any(|(_, row)| row.counts.count > 0)
            || self.tables.checks.iter().any(|(_, row)| row.counts.passed > 0)
    }

    fn succeeded_without_requests(&self) -> u64 {
        let opened = self.tables.connections.iter().map(|(_, row)| row.counts.opened);
        let passed = self.tables.checks.iter().map(|(_, row)| row.counts.passed);
        let whole = [WorkKind::Task, WorkKind::Sequence, WorkKind::Start];
        let rows = whole.iter().flat_map(|&kind| self.work(kind).iter());
        let done = rows.map(|(_, row)| row.counts.count.saturating_sub(row.counts.failed));
        sum(opened.chain(passed).chain(done))
    }
}

/// A sum that stops at the greatest: figures may be those of a file.
fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::OTHER;
    use crate::{Answer, Failure, Recorder, no_sample};

    fn answer(us: u64) -> Answer {
        Answer { latency_us: us, intended_us: None, observed_us: us, generator_us: 0 }
    }

    fn totals(record: impl FnOnce(&mut Recorder)) -> Totals {
        let mut recorder = Recorder::default();
        record(&mut recorder);
        let mut totals = Totals::default();
        totals.merge(&recorder.take());
        totals
    }

    #[test]
    fn shards_are_merged_by_name_whatever_their_ids() {
        let (mut one, mut two, mut totals) = (Recorder::default(), Recorder::default(), Totals::default());
        let echo = one.request("Echo", "game");
        one.issued(echo);
        one.answered(echo, answer(10));
        two.request("Login", "game");
        let echo = two.request("Echo", "game");
        two.issued(echo);
        two.issued(echo);
        two.answered(echo, answer(30));
        two.request_failed(echo, FailureKind::Timeout, "no reply", no_sample);
        totals.merge(&one.take());
        totals.merge(&two.take());
        let row = totals.requests().find("game", "Echo").unwrap();
        assert_eq!((row.counts.issued, row.counts.ok, row.counts.failures.total()), (3, 2, 1));
        assert_eq!(row.counts.in_flight(), 0);
        assert_eq!((row.latency().min_us(), row.latency().max_us()), (Some(10), Some(30)));
        assert!(totals.requests().find("game", "Login").is_none(), "a name never recorded has no row");
    }

    #[test]
    fn a_second_take_holds_only_what_came_since() {
        let mut recorder = Recorder::default();
        let id = recorder.counter("kills");
        recorder.counted(id, 5);
        let mut totals = Totals::default();
        totals.merge(&recorder.take());
        recorder.counted(id, 2);
        totals.merge(&recorder.take());
        totals.merge(&recorder.take());
        assert_eq!(totals.counters().find("", "kills").unwrap().counts.value, 7);
    }

    #[test]
    fn names_that_were_left_out_are_said_wherever_that_was() {
        let raw = totals(|r| {
            // As the engine calls names of raw messages beyond its own limit.
            let other = r.push(OTHER, "game");
            r.pushed(other, 1);
        });
        assert_eq!((raw.crowded(), raw.groups_are_crowded()), (vec![("pushes", 1_000)], false));
        let grouped = totals(|r| {
            for (group, name) in (0..40).flat_map(|group| (0..30).map(move |name| (group, name))) {
                let id = r.request_in(&format!("group {group}"), &format!("m{name}"), "game");
                r.issued(id);
            }
        });
        assert_eq!((grouped.crowded(), grouped.groups_are_crowded()), (vec![], true));
        let issued: Vec<u64> = grouped.requests().iter().map(|(_, row)| row.counts.issued).collect();
        assert_eq!(issued, [40; 30], "what is in no group's row is among all requests");
    }

    #[test]
    fn a_delta_can_cross_threads() {
        fn sendable<T: Send>() {}
        sendable::<Delta>();
        sendable::<Totals>();
    }

    #[test]
    fn checks_and_connects_do_not_thin_out_failing_requests() {
        let totals = totals(|r| {
            let id = r.request("Echo", "game");
            (0..3).for_each(|_| r.answered(id, answer(1)));
            r.request_failed(id, FailureKind::Timeout, "no reply", no_sample);
            let connection = r.connection("game");
            (0..100).for_each(|_| r.opened(connection, 1));
            let check = r.check("fine");
            (0..100).for_each(|_| r.check_passed(check));
        });
        assert_eq!(totals.error_rate(), Some(0.25));
    }

    #[test]
    fn without_requests_connections_checks_and_tasks_are_the_successes() {
        let totals = totals(|r| {
            let connection = r.connection("redis");
            r.opened(connection, 1);
            let task = r.work(WorkKind::Task, "redis.get");
            (0..98).for_each(|_| r.worked(task, 1));
            r.work_failed(task, 1);
            r.failed(Failure { kind: FailureKind::Script, name: "redis.get", message: "nil" }, no_sample);
        });
        assert_eq!(totals.error_rate(), Some(0.01));
    }

    #[test]
    fn nothing_attempted_has_no_error_rate_and_nothing_succeeded() {
        let totals = totals(|_| {});
        assert_eq!(totals.error_rate(), None);
        assert!(!totals.anything_succeeded());
    }

    #[test]
    fn an_answer_that_is_refused_is_a_failure_whose_latency_counts() {
        let totals = totals(|r| {
            let id = r.request("Echo", "game");
            for _ in 0..2 {
                r.issued(id);
                r.answered(id, answer(5));
            }
            r.answer_refused(id);
            r.request_failed(id, FailureKind::Decode, "no", no_sample);
        });
        let row = totals.requests().find("game", "Echo").unwrap();
        assert_eq!((row.counts.ok, row.counts.failures.total(), row.counts.in_flight()), (1, 1, 0));
        assert_eq!(row.latency().count(), 2);
    }

    #[test]
    fn a_failure_a_script_expected_is_no_error() {
        let totals = totals(|r| {
            let id = r.request("Echo", "game");
            r.issued(id);
            r.request_failed_quietly(id, FailureKind::Timeout);
        });
        assert_eq!(totals.errors().total(), 0);
        assert_eq!(totals.requests().find("game", "Echo").unwrap().counts.in_flight(), 0);
    }
}
