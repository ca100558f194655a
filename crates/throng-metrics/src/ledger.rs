//! The books of a run: the totals, and the second that was closed last.

use std::time::Duration;

use crate::phases::Phases;
use crate::recorder::Limits;
use crate::sample::Sample;
use crate::snapshot::{Interval, Plan, Snapshot, error_lines, push_lines, request_lines};
use crate::totals::{Delta, Totals};

/// The sum of all shards' deltas, of those of each phase, and of those of the last second.
#[derive(Debug, Default)]
pub struct Ledger {
    limits: Limits,
    totals: Totals,
    phases: Phases,
    current: Totals,
    closed: Totals,
    closed_took: Duration,
}

impl Ledger {
    /// Empty books that tell at most so many things apart.
    pub fn new(limits: Limits) -> Self {
        let totals = || Totals::new(limits);
        Self {
            limits,
            totals: totals(),
            phases: Phases::new(limits),
            current: totals(),
            closed: totals(),
            closed_took: Duration::ZERO,
        }
    }

    /// Sets how many robots the plan wants at its highest.
    pub fn plan_robots(&mut self, planned: u64) {
        self.totals.plan_robots(planned);
    }

    /// Sets how many robots the plan wants now, where it names a number.
    pub fn want_robots(&mut self, wanted: Option<u64>) {
        self.totals.want_robots(wanted);
    }

    /// Adds one shard's delta.
    pub fn merge(&mut self, delta: &Delta) {
        self.totals.merge(delta);
        self.current.merge(delta);
    }

    /// Closes the second in which every shard's delta came once; it took so long, and was of that phase.
    pub fn close_second(&mut self, took: Duration, phase: &str) {
        self.totals.end_round();
        self.closed = std::mem::replace(&mut self.current, Totals::new(self.limits));
        self.closed_took = took;
        self.phases.add(phase, took, &self.closed, &self.totals);
    }

    /// Adds what was written down of a stretch of the run; the stretches come in the order of time.
    pub fn absorb(&mut self, sample: &Sample, took: Duration, phase: &str) {
        let mut stretch = Totals::new(self.limits);
        stretch.absorb(sample);
        self.totals.absorb(sample);
        self.phases.add(phase, took, &stretch, &self.totals);
        (self.closed, self.closed_took) = (stretch, took);
    }

    /// What came in the second that was closed last, or in the stretch that was added last.
    pub fn last_second(&self) -> &Totals {
        &self.closed
    }

    /// What came in each phase so far.
    pub fn phases(&self) -> &Phases {
        &self.phases
    }

    /// Whether a storm has come since the last second was closed.
    pub fn storm_came(&self) -> bool {
        self.current.storms().iter().any(|(_, row)| row.counts.there > 0)
    }

    /// Whether robots are on their way back from a storm.
    pub fn storm_goes_on(&self) -> bool {
        self.totals.storms().iter().any(|(_, row)| row.counts.goes_on())
    }

    /// Everything so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What there is to see so long after the run's start.
    pub fn snapshot(&self, elapsed: Duration, plan: Plan) -> Snapshot {
        let seconds = self.closed_took.as_secs_f64();
        let connections = self.totals.connections().iter();
        Snapshot {
            elapsed,
            plan,
            robots: self.totals.robots(),
            open_connections: connections.map(|(_, row)| row.counts.open()).sum(),
            interval: Interval::of(&self.closed, seconds),
            requests: request_lines(&self.totals, &self.closed, seconds),
            pushes: push_lines(&self.totals, &self.closed, seconds),
            errors: self.totals.errors().total(),
            error_rate: self.totals.error_rate(),
            top_errors: error_lines(&self.totals),
            anything_succeeded: self.totals.anything_succeeded(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, FailureKind, Recorder, no_sample};

    fn echo(recorder: &mut Recorder, us: u64, times: u64) {
        let id = recorder.request("Echo", "game");
        for _ in 0..times {
            recorder.issued(id);
            recorder
                .answered(id, Answer { latency_us: us, intended_us: None, observed_us: us, generator_us: 0 });
        }
    }

    #[test]
    fn a_snapshot_shows_the_last_second_beside_the_whole() {
        let (mut recorder, mut ledger) = (Recorder::default(), Ledger::default());
        echo(&mut recorder, 1_000, 90);
        ledger.merge(&recorder.take());
        ledger.close_second(Duration::from_secs(1), "hold");
        echo(&mut recorder, 5_000, 10);
        let id = recorder.request("Echo", "game");
        recorder.issued(id);
        recorder.request_failed(id, FailureKind::Timeout, "no reply", no_sample);
        ledger.merge(&recorder.take());
        ledger.close_second(Duration::from_millis(500), "hold");
        let snapshot = ledger.snapshot(Duration::from_millis(1_500), Plan::default());
        let line = &snapshot.requests[0];
        assert_eq!((line.count, line.ok, line.failures, line.in_flight), (101, 100, 1, 0));
        assert_eq!((line.rate, line.p50_us), (20.0, Some(5_000)));
        assert_eq!((snapshot.interval.replies, snapshot.interval.errors), (20.0, 2.0));
        assert_eq!((snapshot.errors, snapshot.top_errors[0].count), (1, 1));
    }

    #[test]
    fn a_second_without_replies_shows_the_latency_of_the_whole() {
        let (mut recorder, mut ledger) = (Recorder::default(), Ledger::default());
        echo(&mut recorder, 1_000, 5);
        ledger.merge(&recorder.take());
        ledger.close_second(Duration::from_secs(1), "hold");
        ledger.close_second(Duration::from_secs(1), "hold");
        let snapshot = ledger.snapshot(Duration::from_secs(2), Plan::default());
        assert_eq!((snapshot.requests[0].rate, snapshot.requests[0].p50_us), (0.0, Some(1_000)));
    }

    #[test]
    fn before_the_first_second_there_is_nothing_and_no_division_by_it() {
        let snapshot = Ledger::default().snapshot(Duration::ZERO, Plan::default());
        assert_eq!(snapshot.interval.messages_sent, 0.0);
        assert!(snapshot.error_rate.is_none() && snapshot.requests.is_empty());
    }
}
