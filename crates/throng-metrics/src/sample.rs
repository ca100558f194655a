//! Totals of a stretch of a run in a form that can be written down and added up again.
//!
//! Fields have names and may be missing, and rows, kinds and states that are not known are passed over: what one version
//! wrote can be read by another. Nothing is rounded: samples that are added up give the totals of the whole.

use serde::{Deserialize, Serialize};

use crate::generator::Generator;
use crate::groups::WrittenFailures;
use crate::kinds::{FailureKind, WorkKind};
use crate::loads::{LoadsSample, LoadsToWrite};
use crate::robots::RobotSample;
use crate::rows::{
    CheckCounts, ConnectionCounts, CounterCounts, DelayCounts, GapCounts, MeasureCounts, OrderCounts,
    PushCounts, RequestCounts, ScheduleCounts, SendCounts, TrafficCounts, WorkCounts,
};
use crate::table::{Table, WrittenRow};
use crate::tally::{Counts, Kind, Tally};
use crate::totals::Totals;

/// What was recorded in a stretch of a run, to be written down.
#[derive(Serialize)]
pub struct SampleToWrite<'a> {
    requests: &'a Table<RequestCounts, 2>,
    #[serde(skip_serializing_if = "no_rows")]
    grouped: &'a Table<RequestCounts, 2>,
    sends: &'a Table<SendCounts, 0>,
    pushes: &'a Table<PushCounts, 0>,
    connections: &'a Table<ConnectionCounts, 2>,
    checks: &'a Table<CheckCounts, 0>,
    #[serde(skip_serializing_if = "no_rows")]
    grouped_checks: &'a Table<CheckCounts, 0>,
    work: &'a [Table<WorkCounts, 2>],
    schedules: &'a Table<ScheduleCounts, 0>,
    measures: &'a Table<MeasureCounts, 1>,
    counters: &'a Table<CounterCounts, 0>,
    #[serde(skip_serializing_if = "no_rows")]
    orders: &'a Table<OrderCounts, 0>,
    #[serde(skip_serializing_if = "no_rows")]
    delays: &'a Table<DelayCounts, 3>,
    #[serde(skip_serializing_if = "no_rows")]
    gaps: &'a Table<GapCounts, 1>,
    failures: WrittenFailures,
    errors: &'a Tally<FailureKind>,
    robots: RobotSample,
    #[serde(skip_serializing_if = "Option::is_none")]
    loads: Option<LoadsToWrite<'a>>,
    traffic: &'a TrafficCounts,
    generator: &'a Generator,
}

/// Whether there is nothing to write: most runs have no such rows.
fn no_rows<C: Counts, const N: usize>(table: &&Table<C, N>) -> bool {
    table.is_empty()
}

/// What was recorded in a stretch of a run, as it was written down.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Sample {
    requests: Vec<WrittenRow<RequestCounts>>,
    grouped: Vec<WrittenRow<RequestCounts>>,
    sends: Vec<WrittenRow<SendCounts>>,
    pushes: Vec<WrittenRow<PushCounts>>,
    connections: Vec<WrittenRow<ConnectionCounts>>,
    checks: Vec<WrittenRow<CheckCounts>>,
    grouped_checks: Vec<WrittenRow<CheckCounts>>,
    work: Vec<Vec<WrittenRow<WorkCounts>>>,
    schedules: Vec<WrittenRow<ScheduleCounts>>,
    measures: Vec<WrittenRow<MeasureCounts>>,
    counters: Vec<WrittenRow<CounterCounts>>,
    orders: Vec<WrittenRow<OrderCounts>>,
    delays: Vec<WrittenRow<DelayCounts>>,
    gaps: Vec<WrittenRow<GapCounts>>,
    failures: WrittenFailures,
    errors: Tally<FailureKind>,
    robots: RobotSample,
    loads: LoadsSample,
    traffic: TrafficCounts,
    generator: Generator,
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sample").field("traffic", &self.traffic).finish_non_exhaustive()
    }
}

impl Totals {
    /// These totals of a stretch of a run, to be written down; `run` are those of the whole run, at the stretch's end.
    pub fn sample<'a>(&'a self, run: &Totals) -> SampleToWrite<'a> {
        SampleToWrite {
            requests: &self.tables.requests,
            grouped: &self.tables.grouped,
            sends: &self.tables.sends,
            pushes: &self.tables.pushes,
            connections: &self.tables.connections,
            checks: &self.tables.checks,
            grouped_checks: &self.tables.grouped_checks,
            work: &self.tables.work,
            schedules: &self.tables.schedules,
            measures: &self.tables.measures,
            counters: &self.tables.counters,
            orders: &self.tables.orders,
            delays: &self.tables.delays,
            gaps: &self.tables.gaps,
            failures: self.failures.written(),
            errors: &self.errors,
            robots: self.robots.sample(&run.robots),
            loads: self.loads.written(),
            traffic: &self.traffic,
            generator: &self.generator,
        }
    }

    /// Adds what was written down of a stretch of the run; the stretches come in the order of time.
    pub fn absorb(&mut self, sample: &Sample) {
        let tables = &mut self.tables;
        tables.requests.absorb_written(&sample.requests);
        tables.grouped.absorb_written(&sample.grouped);
        tables.sends.absorb_written(&sample.sends);
        tables.pushes.absorb_written(&sample.pushes);
        tables.connections.absorb_written(&sample.connections);
        tables.checks.absorb_written(&sample.checks);
        tables.grouped_checks.absorb_written(&sample.grouped_checks);
        for (&kind, rows) in WorkKind::ALL.iter().zip(&sample.work) {
            tables.work[kind.index()].absorb_written(rows);
        }
        tables.schedules.absorb_written(&sample.schedules);
        tables.measures.absorb_written(&sample.measures);
        tables.counters.absorb_written(&sample.counters);
        tables.orders.absorb_written(&sample.orders);
        tables.delays.absorb_written(&sample.delays);
        tables.gaps.absorb_written(&sample.gaps);
        self.failures.absorb_written(&sample.failures);
        self.errors.add(&sample.errors);
        self.robots.absorb_sample(&sample.robots);
        self.loads.absorb_written(&sample.loads);
        self.traffic.add(&sample.traffic);
        self.generator.absorb(&sample.generator);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Answer, Failure, LagSource, Ledger, Recorder, RobotState, RunRecord, Summary};

    /// One second of a shard whose latencies lie around `us`.
    fn play(recorder: &mut Recorder, us: u64) {
        recorder.robot_started();
        recorder.robot_changed(RobotState::Connecting, RobotState::Ready);
        recorder.robot_first_ready();
        let game = recorder.connection("game");
        recorder.connecting(game);
        recorder.opened(game, us / 3);
        let echo = recorder.request("Echo", "game");
        for step in 0..50 {
            recorder.issued(echo);
            let latency_us = us + step * step * 37;
            let intended_us = (step % 2 == 0).then_some(latency_us + 9);
            let answer = Answer { latency_us, intended_us, observed_us: latency_us + 40, generator_us: 40 };
            recorder.answered(echo, answer);
        }
        let arena = recorder.request_in("arena", "Echo", "game");
        recorder.issued(arena);
        recorder.cancelled(arena);
        recorder.issued(echo);
        recorder.request_failed(echo, FailureKind::Timeout, "no reply", || Some("{ 1 }".to_owned()));
        let push = recorder.push("moved", "game");
        recorder.pushed(push, 12);
        let task = recorder.work(WorkKind::Task, "role.chat");
        recorder.work_failed(task, us * 2);
        recorder.work_intended(task, us * 3);
        let pacing = recorder.schedule("pacing");
        recorder.due(pacing, us);
        recorder.missed(pacing, us / 9);
        let failure = Failure { kind: FailureKind::Script, name: "role.chat", message: "role.lua:7: nil" };
        recorder.script_failed(failure, "role.lua:7: in chat");
        let (measure, counter, check) =
            (recorder.measure("fight"), recorder.counter("gold"), recorder.check("right"));
        recorder.measured(measure, us);
        recorder.counted(counter, 3);
        recorder.check_passed(check);
        let inside = recorder.check_in("arena", "right");
        recorder.check_failed(inside, crate::no_sample);
        let (order, delay, gap) =
            (recorder.order("moves"), recorder.delay("moved", "game"), recorder.gap("moved"));
        recorder.ordered(order, crate::Standing::Skipped(us));
        recorder.delayed(delay, 0, 5_000 + us.cast_signed());
        recorder.jitter(delay, us / 7);
        recorder.gapped(gap, us * 3);
        recorder.reconnected(game);
        recorder.ended(game, crate::EndCause::Server, us * 100);
        recorder.robot_gone(us * 11);
        recorder.lag(LagSource::Timer, us / 50);
        recorder.stall(us / 10);
        recorder.cpu(us, 1_000_000);
    }

    fn written(totals: &Totals, run: &Totals) -> String {
        serde_json::to_string(&totals.sample(run)).unwrap()
    }

    fn summary(totals: &Totals) -> String {
        let record = RunRecord { took: Duration::from_secs(3), ..RunRecord::default() };
        let mut ledger = Ledger::default();
        let took = record.took;
        ledger.absorb(&serde_json::from_str(&written(totals, totals)).unwrap(), took, "hold");
        serde_json::to_string(&Summary::of(&ledger, &record)).unwrap()
    }

    #[test]
    fn samples_that_are_added_up_give_the_whole() {
        let mut shards = [Recorder::default(), Recorder::default()];
        let mut ledger = Ledger::default();
        ledger.plan_robots(7);
        let mut again = Totals::default();
        for second in 1..=3 {
            for recorder in &mut shards {
                play(recorder, second * 1_000);
                ledger.merge(&recorder.take());
            }
            ledger.close_second(Duration::from_secs(1), "hold");
            let text = written(ledger.last_second(), ledger.totals());
            again.absorb(&serde_json::from_str(&text).unwrap());
        }
        assert_eq!(summary(&again), summary(ledger.totals()));
        assert!(summary(&again).contains("\"peak\":6"), "{}", summary(&again));
    }

    #[test]
    fn samples_of_samples_lose_nothing() {
        let (mut recorder, mut whole, mut middle) =
            (Recorder::default(), Totals::default(), Totals::default());
        for second in 1..=4 {
            play(&mut recorder, second * 777);
            let mut one = Totals::default();
            let delta = recorder.take();
            one.merge(&delta);
            whole.merge(&delta);
            middle.absorb(&serde_json::from_str(&written(&one, &whole)).unwrap());
        }
        let mut again = Totals::default();
        again.absorb(&serde_json::from_str(&written(&middle, &middle)).unwrap());
        assert_eq!(summary(&again), summary(&whole));
    }

    #[test]
    fn what_is_missing_or_unknown_is_passed_over() {
        let text = r#"{"later":1,"errors":{"timeout":2,"of_later":3},"robots":{"changes":{"states":[1,2]}},
            "requests":[{"name":"Echo","counts":{"ok":4,"of_later":1},"of_later":[]}]}"#;
        let mut totals = Totals::default();
        totals.absorb(&serde_json::from_str(text).unwrap());
        assert_eq!((totals.errors().total(), totals.robots().alive), (2, 3));
        assert_eq!(totals.requests().find("", "Echo").unwrap().counts.ok, 4);
    }

    #[test]
    fn figures_beyond_all_bounds_are_read_as_the_greatest() {
        let most = u64::MAX;
        let text = format!(
            r#"{{"errors":{{"timeout":{most},"closed":{most}}},"traffic":{{"bytes_sent":{most}}},
            "robots":{{"planned":{most},"changes":{{"started":{most},"states":[{0},{0},{0},{0},{0}]}}}},
            "failures":{{"failures":[{{"kind":"timeout","name":"a","message":"b","count":{most}}}],
                "script_errors":[{{"message":"a","traceback":"b","count":{most}}}]}},
            "requests":[{{"name":"Echo","counts":{{"issued":{most},"ok":{most},"cancelled":{most},"failures":{{"timeout":{most}}}}},
                "times":[{{"n":{most},"sum":{most},"min":1,"max":{most},"cells":[11,255,255,255,255,15]}}]}}],
            "work":[[{{"name":"t","counts":{{"count":{most},"failed":{most}}}}}]],
            "schedules":[{{"name":"pacing","counts":{{"due":{most},"missed":{most}}}}}],
            "checks":[{{"name":"c","counts":{{"passed":{most},"failed":{most}}}}}],
            "connections":[{{"name":"c","counts":{{"attempts":{most},"opened":{most},"ended":{{"server":{most},"reset":{most}}}}}}}],
            "generator":{{"busy_us":{most},"wall_us":{most},"waits":{{"observed_us":{most},"generator_us":{most}}}}}}}"#,
            i64::MAX
        );
        let mut totals = Totals::default();
        for _ in 0..2 {
            totals.absorb(&serde_json::from_str(&text).unwrap());
        }
        assert_eq!(totals.errors().total(), most);
        assert!(summary(&totals).contains(&most.to_string()));
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let asked = crate::Threshold::parse("request.Echo.p99", "< 50ms").unwrap();
        let record = RunRecord {
            project: "my_game".into(),
            end: crate::RunEnd::Broken("a shard ended".into()),
            took: Duration::from_millis(1_234),
            thresholds: crate::Thresholds::new(vec![asked]),
            ..RunRecord::default()
        };
        let read: RunRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{record:?}"));
    }

    #[test]
    fn an_empty_stretch_is_short() {
        assert!(written(&Totals::default(), &Totals::default()).len() < 450);
    }
}
