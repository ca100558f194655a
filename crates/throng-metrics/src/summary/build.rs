//! A summary is made from totals and the record of how the run went.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::loads::{ScenarioPlan, StormPlan};
use super::{
    Baseline, CheckSummary, ConnectionSummary, CounterSummary, DelaySummary, Directions, Environment,
    ErrorSummary, FailureSummary, GapSummary, GeneratorSummary, GroupSummary, LoadSummary, MeasureSummary,
    OrderSummary, PhaseSummary, PushSummary, RequestSummary, RobotRates, RobotSummary, SCHEMA_VERSION,
    ScheduleSummary, ScriptErrorSummary, SendSummary, Summary, ThresholdSummary, WorkSummary,
};
use crate::generator::{Generator, GeneratorBounds, lag_by_source};
use crate::histogram::Histogram;
use crate::kinds::WorkKind;
use crate::ledger::Ledger;
use crate::rows::{ConnectionRow, DelayRow, OrderRow, PushRow, RequestRow, WorkRow, split_label};
use crate::table::{Key, Row, Table};
use crate::tally::{Counts, Kind};
use crate::threshold::{Outcome, ThresholdResult, Thresholds};
use crate::totals::Totals;
use crate::verdict::{Judgement, RunEnd};

/// In how many bins a distribution is shown.
const BINS: usize = 24;

/// What the totals do not know about a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// The project's name.
    pub project: String,
    /// Where the robots played.
    pub target: String,
    /// What a reader must know to trust the figures, such as certificates that were not checked.
    pub warnings: Vec<String>,
    /// How the run came to its end.
    pub end: RunEnd,
    /// How long it took.
    pub took: Duration,
    /// When it began, in seconds since 1970.
    pub started_at_unix_s: Option<u64>,
    /// The seed of its random streams.
    pub seed: Option<u64>,
    /// Its scenarios, in the order in which they were given.
    pub scenarios: Vec<ScenarioPlan>,
    /// Its storms, in the order of their numbers, which are from 1.
    pub storms: Vec<StormPlan>,
    /// On what and how it was run.
    pub environment: Environment,
    /// What must hold.
    pub thresholds: Thresholds,
    /// Above which bounds it is limited by the generator.
    pub bounds: GeneratorBounds,
    /// What a comparison with an earlier run found, if one was wanted.
    pub baseline: Option<Baseline>,
    /// Why it was limited by the generator, once it is over and was.
    pub limited_by: Vec<String>,
}

impl Default for RunRecord {
    fn default() -> Self {
        Self {
            project: String::new(),
            target: String::new(),
            warnings: Vec::new(),
            end: RunEnd::Complete,
            took: Duration::ZERO,
            started_at_unix_s: None,
            seed: None,
            scenarios: Vec::new(),
            storms: Vec::new(),
            environment: Environment::default(),
            thresholds: Thresholds::new(Vec::new()),
            bounds: GeneratorBounds::default(),
            baseline: None,
            limited_by: Vec::new(),
        }
    }
}

impl Summary {
    /// Judges a run and gathers everything there is to say about it.
    pub fn of(ledger: &Ledger, run: &RunRecord) -> Self {
        let totals = ledger.totals();
        let mut results = run.thresholds.evaluate(ledger, run.took);
        if let RunEnd::Aborted(abort) = &run.end {
            abort.mark(&mut results);
        }
        let mut results: Vec<ThresholdSummary> = results.iter().map(threshold_summary).collect();
        results.extend(run.baseline.iter().flat_map(Baseline::thresholds));
        let judgement = Judgement::of(&run.end, totals, &results, run.took);
        let seconds = run.took.as_secs_f64();
        let traffic = totals.traffic();
        let work = |kind| rows(totals.work(kind), work_summary);
        Self {
            schema_version: SCHEMA_VERSION,
            verdict: judgement.verdict,
            reason: judgement.reason,
            exit_code: judgement.verdict.exit_code(),
            project: run.project.clone(),
            target: run.target.clone(),
            warnings: run.warnings.iter().cloned().chain(crowded(totals)).collect(),
            started_at_unix_s: run.started_at_unix_s,
            duration_s: rounded(seconds),
            seed: run.seed,
            environment: run.environment.clone(),
            robots: robot_summary(totals),
            load: LoadSummary::of(totals, run),
            bytes: Directions { sent: traffic.bytes_sent, received: traffic.bytes_received },
            messages: Directions { sent: traffic.messages_sent, received: traffic.messages_received },
            errors: error_summary(totals),
            requests: rows(totals.requests(), |key, row| request_summary(key, row, seconds)),
            sends: rows(totals.sends(), |key, row| SendSummary {
                name: key.name.to_string(),
                connection: key.connection.to_string(),
                count: row.counts.count,
                bytes: row.counts.bytes,
            }),
            pushes: rows(totals.pushes(), |key, row| push_summary(key, row, seconds)),
            connections: rows(totals.connections(), connection_summary),
            checks: rows(totals.checks(), |key, row| CheckSummary {
                name: key.name.to_string(),
                passed: row.counts.passed,
                failed: row.counts.failed,
            }),
            tasks: work(WorkKind::Task),
            sequences: work(WorkKind::Sequence),
            steps: work(WorkKind::Step),
            starts: work(WorkKind::Start),
            groups: group_summaries(totals, seconds),
            schedules: rows(totals.schedules(), |key, row| ScheduleSummary {
                name: key.name.to_string(),
                due: row.counts.due,
                begun: row.counts.begun(),
                missed: row.counts.missed,
            }),
            measures: rows(totals.measures(), |key, row| MeasureSummary {
                name: key.name.to_string(),
                count: row.values().count(),
                value_us: row.values().spread(),
                histogram: row.values().bins(BINS),
            }),
            counters: rows(totals.counters(), |key, row| CounterSummary {
                name: key.name.to_string(),
                value: row.counts.value,
            }),
            orders: rows(totals.orders(), order_summary),
            delays: rows(totals.delays(), |key, row| delay_summary(key, row, totals)),
            gaps: rows(totals.gaps(), |key, row| GapSummary {
                name: key.name.to_string(),
                count: row.gap().count(),
                gap_us: row.gap().spread(),
                histogram: row.gap().bins(BINS),
            }),
            failures: failure_summaries(totals),
            script_errors: script_error_summaries(totals),
            thresholds: results,
            baseline: run.baseline.clone(),
            phases: ledger.phases().iter().map(PhaseSummary::of).collect(),
            generator: generator_summary(totals.generator(), &run.bounds),
        }
    }
}

/// Rows in the order of their names, so that two documents can be compared line by line.
pub(super) fn rows<C: Counts, const N: usize, S>(
    table: &Table<C, N>,
    summary: impl Fn(&Key, &Row<C, N>) -> S,
) -> Vec<S> {
    let mut rows: Vec<_> = table.iter().collect();
    rows.sort_by(|a, b| a.0.cmp(b.0));
    rows.into_iter().map(|(key, row)| summary(key, row)).collect()
}

pub(super) fn error_summary(totals: &Totals) -> ErrorSummary {
    ErrorSummary {
        count: totals.errors().total(),
        rate: totals.error_rate().map(rounded_share),
        by_kind: totals.errors().clone(),
    }
}

fn robot_summary(totals: &Totals) -> RobotSummary {
    let robots = totals.robots();
    RobotSummary {
        planned: robots.planned,
        started: robots.started,
        ready: robots.were_ready,
        failed: robots.failed,
        stopped: robots.stopped,
        restarts: robots.restarts,
        peak: robots.peak,
        rate_per_s: rate_summary(totals.robot_rates()),
    }
}

fn request_summary(key: &Key, row: &RequestRow, seconds: f64) -> RequestSummary {
    let counts = &row.counts;
    RequestSummary {
        name: key.name.to_string(),
        connection: key.connection.to_string(),
        count: counts.issued,
        ok: counts.ok,
        failures: counts.failures.total(),
        cancelled: counts.cancelled,
        in_flight: counts.in_flight(),
        late: counts.late,
        duplicate: counts.duplicate,
        ambiguous: counts.ambiguous,
        failures_by_kind: counts.failures.clone(),
        rate_per_s: per_second(counts.ok, seconds),
        latency_us: row.latency().spread(),
        intended_us: row.intended().spread(),
        generator_share: counts.generator_share().map(rounded_share),
        histogram: row.latency().bins(BINS),
    }
}

fn push_summary(key: &Key, row: &PushRow, seconds: f64) -> PushSummary {
    PushSummary {
        name: key.name.to_string(),
        connection: key.connection.to_string(),
        count: row.counts.count,
        bytes: row.counts.bytes,
        handled: row.counts.handled,
        rate_per_s: per_second(row.counts.count, seconds),
    }
}

fn connection_summary(key: &Key, row: &ConnectionRow) -> ConnectionSummary {
    let counts = &row.counts;
    ConnectionSummary {
        name: key.name.to_string(),
        attempts: counts.attempts,
        opened: counts.opened,
        failed: counts.failures.total(),
        failures_by_kind: counts.failures.clone(),
        ended: counts.ended.clone(),
        open: counts.open(),
        orphans: counts.orphans,
        reconnects: counts.reconnects,
        connect_us: row.connect_time().spread(),
        lifetime_us: row.lifetime().spread(),
    }
}

fn rate_summary(rates: &Histogram) -> Option<RobotRates> {
    let per_second = |thousandths: u64| thousandths as f64 / 1e3;
    Some(RobotRates {
        robots: rates.count(),
        min: per_second(rates.min_us()?),
        p5: per_second(rates.quantile_us(0.05)?),
        p50: per_second(rates.quantile_us(0.5)?),
        mean: rounded(rates.mean_us()? / 1e3),
        p95: per_second(rates.quantile_us(0.95)?),
        max: per_second(rates.max_us()?),
    })
}

fn order_summary(key: &Key, row: &OrderRow) -> OrderSummary {
    let counts = &row.counts;
    OrderSummary {
        name: key.name.to_string(),
        count: counts.count,
        missing: counts.missing(),
        gaps: counts.gaps,
        late: counts.late,
        doubled: counts.doubled,
        restarts: counts.restarts,
    }
}

fn delay_summary(key: &Key, row: &DelayRow, totals: &Totals) -> DelaySummary {
    let trips = totals.requests().iter().filter(|(trip, _)| trip.connection == key.connection);
    let shortest = trips.filter_map(|(_, row)| row.latency().min_us()).min();
    DelaySummary {
        name: key.name.to_string(),
        connection: key.connection.to_string(),
        count: row.delay().count(),
        delay_us: row.delay().spread(),
        fastest_at_most_us: shortest.filter(|_| !key.connection.is_empty()),
        floor_us: row.floor().spread(),
        jitter_us: row.jitter().spread(),
        clock_set: row.counts.set,
        histogram: row.delay().bins(BINS),
    }
}

pub(super) fn work_summary(key: &Key, row: &WorkRow) -> WorkSummary {
    WorkSummary {
        name: key.name.to_string(),
        count: row.counts.count,
        failed: row.counts.failed,
        duration_us: row.duration().spread(),
        intended_us: row.intended().spread(),
        histogram: row.duration().bins(BINS),
    }
}

/// Groups that ran, and those that only requests name.
fn group_summaries(totals: &Totals, seconds: f64) -> Vec<GroupSummary> {
    let runs = totals.work(WorkKind::Group);
    let mut names: BTreeSet<&str> = runs.iter().map(|(key, _)| &*key.name).collect();
    names.extend(totals.grouped().iter().map(|(key, _)| &*key.connection));
    let group = |name: &str| {
        let run = runs.find("", name);
        let of_group = totals.grouped().iter().filter(|(key, _)| &*key.connection == name);
        let mut requests: Vec<RequestSummary> = of_group
            .map(|(key, row)| {
                let (connection, message) = split_label(&key.name);
                let key = Key { connection: connection.into(), name: message.into() };
                request_summary(&key, row, seconds)
            })
            .collect();
        requests.sort_by(|a, b| (&a.connection, &a.name).cmp(&(&b.connection, &b.name)));
        GroupSummary {
            name: name.to_owned(),
            count: run.map_or(0, |row| row.counts.count),
            failed: run.map_or(0, |row| row.counts.failed),
            duration_us: run.and_then(|row| row.duration().spread()),
            histogram: run.map_or_else(Vec::new, |row| row.duration().bins(BINS)),
            requests,
        }
    };
    names.into_iter().map(group).collect()
}

/// What is said of names that do not fit.
fn crowded(totals: &Totals) -> impl Iterator<Item = String> {
    totals.crowded().into_iter().map(|(what, cap)| {
        format!(
            "more than {cap} names of {what}: the rest is together under `_other`; keep ids and numbers out of names"
        )
    })
}

fn failure_summaries(totals: &Totals) -> Vec<FailureSummary> {
    let groups = totals.failures().into_iter().map(|group| FailureSummary {
        kind: group.kind,
        name: group.name.to_string(),
        message: group.message.to_string(),
        count: group.count,
        sample: group.sample.map(|sample| sample.to_string()),
    });
    groups.collect()
}

fn script_error_summaries(totals: &Totals) -> Vec<ScriptErrorSummary> {
    let groups = totals.script_errors().into_iter().map(|group| ScriptErrorSummary {
        message: group.message.to_string(),
        traceback: group.traceback.to_string(),
        count: group.count,
    });
    groups.collect()
}

fn threshold_summary(result: &ThresholdResult) -> ThresholdSummary {
    ThresholdSummary {
        key: result.threshold.key().to_owned(),
        condition: result.threshold.condition().to_owned(),
        passed: result.passed(),
        actual: result.actual(),
        value: result.value(),
        unit: result.unit(),
        phase: result.threshold.phase().map(str::to_owned),
        abort_after_s: result.threshold.abort_after().map(|after| after.as_secs_f64()),
        ended_run: result.ended_run,
        decided_by: result.decided_by.clone(),
        nearest: match &result.outcome {
            Outcome::NoSamples { nearest } => nearest.clone(),
            Outcome::Pass { .. } | Outcome::Fail { .. } => None,
        },
    }
}

fn generator_summary(generator: &Generator, bounds: &GeneratorBounds) -> GeneratorSummary {
    let reasons = bounds.judge(generator);
    GeneratorSummary {
        lag_us: generator.all_lag().spread(),
        lag_by_source: lag_by_source(generator)
            .into_iter()
            .map(|(source, lag)| (source.name(), lag))
            .collect(),
        longest_stall_us: generator.longest_stall_us(),
        limited: !reasons.is_empty(),
        limited_by: reasons.iter().map(ToString::to_string).collect(),
        share_of_latency: generator.share_of_latency().map(rounded_share),
        cpu_share: generator.cpu_share().map(rounded_share),
        busiest_cpu_share: generator.busiest_share().map(rounded_share),
        cpu_share_p90: generator.cpu_p90().map(rounded_share),
        bounds: *bounds,
    }
}

pub(super) fn per_second(count: u64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| rounded(count as f64 / seconds))
}

pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn rounded_share(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Answer, EndCause, Failure, FailureKind, LagSource, Recorder, RobotState, Standing, Threshold,
    };

    fn played() -> Ledger {
        let mut r = Recorder::default();
        r.robot_started();
        r.robot_changed(RobotState::Connecting, RobotState::Ready);
        r.robot_first_ready();
        let game = r.connection("game");
        r.connecting(game);
        r.opened(game, 420);
        r.orphan(game);
        r.ended(game, EndCause::Own, 7_000);
        r.reconnected(game);
        r.robot_gone(1_500);
        let echo = r.request("EchoRequest", "game");
        for us in [900, 1_000, 1_100, 60_000] {
            r.issued(echo);
            let intended_us = Some(us + 5);
            r.answered(
                echo,
                Answer { latency_us: us, intended_us, observed_us: us + 100, generator_us: 100 },
            );
        }
        (0..3).for_each(|_| r.issued(echo));
        r.request_failed(echo, FailureKind::Timeout, "no reply in 10 s", || Some("{ Text = \"hi\" }".into()));
        r.cancelled(echo);
        r.late(echo);
        let (fight, hit) = (r.work(WorkKind::Group, "fight"), r.request_in("fight", "Hit", "battle"));
        r.issued(hit);
        r.answered(hit, Answer { latency_us: 700, intended_us: None, observed_us: 800, generator_us: 100 });
        r.worked(fight, 9_000);
        let ping = r.send("Ping", "game");
        r.sent(ping, 7);
        let push = r.push("KickNotify", "game");
        r.pushed(push, 12);
        r.push_handled(push);
        let check = r.check("echo is right");
        r.check_passed(check);
        let chat = r.work(WorkKind::Task, "role.chat");
        r.work_failed(chat, 61_000);
        r.work_intended(chat, 62_000);
        let pacing = r.schedule("pacing");
        r.due(pacing, 9);
        r.missed(pacing, 2);
        let failure = Failure { kind: FailureKind::Script, name: "role.chat", message: "role.lua:7: nil" };
        r.script_failed(failure, "role.lua:7: in chat");
        let gold = r.counter("gold");
        r.counted(gold, 3);
        let fight = r.measure("fight");
        r.measured(fight, 2_000);
        let (order, moved, beat) = (r.order("moves"), r.delay("moved", "game"), r.gap("beat"));
        for standing in [Standing::First, Standing::Skipped(2), Standing::Late { missed: true }] {
            r.ordered(order, standing);
        }
        [1_000_500, 1_000_000, 1_002_000].iter().for_each(|us| r.delayed(moved, 0, *us));
        r.jitter(moved, 500);
        r.gapped(beat, 100_000);
        r.message_sent();
        r.message_received();
        r.bytes_sent(100);
        r.bytes_received(90);
        r.lag(LagSource::Ready, 40);
        r.stall(70);
        r.cpu(250, 1_000);
        let mut ledger = Ledger::default();
        ledger.plan_robots(2);
        ledger.merge(&r.take());
        ledger.close_second(Duration::from_secs(2), "hold");
        ledger
    }

    fn record() -> RunRecord {
        let asked = [("request.EchoRequest.p99", "< 50ms"), ("request.Login.count", "> 0")];
        let asked = asked.map(|(key, condition)| Threshold::parse(key, condition).unwrap());
        RunRecord {
            project: "my_game".into(),
            target: "ws://127.0.0.1:8765".into(),
            took: Duration::from_millis(2_000),
            started_at_unix_s: Some(1_700_000_000),
            seed: Some(7),
            thresholds: Thresholds::new(asked.into()),
            ..RunRecord::default()
        }
    }

    #[test]
    fn a_run_becomes_one_document() {
        insta::assert_json_snapshot!(Summary::of(&played(), &record()), { ".requests[].histogram" => "[bins]" });
    }

    #[test]
    fn an_empty_run_has_a_document_without_invented_figures() {
        insta::assert_json_snapshot!(Summary::of(&Ledger::default(), &RunRecord::default()));
    }

    #[test]
    fn names_beyond_the_bound_are_together_and_said() {
        let mut recorder = Recorder::default();
        for id in 0..1_500 {
            let counter = recorder.counter(&format!("player {id}"));
            recorder.counted(counter, 1);
            let request = recorder.request_in(&format!("room {id}"), "Echo", "game");
            recorder.issued(request);
        }
        let mut ledger = Ledger::default();
        ledger.merge(&recorder.take());
        let summary = Summary::of(&ledger, &RunRecord::default());
        let said = "more than 1000 names of counters: the rest is together under `_other`; keep ids and numbers out of names";
        assert_eq!(summary.warnings, [said]);
        let other = summary.counters.iter().find(|counter| counter.name == "_other").unwrap();
        assert_eq!((summary.counters.len(), other.value), (1_001, 500));
        assert_eq!((summary.groups.len(), summary.requests[0].count), (1_000, 1_500), "no request is lost");
    }

    #[test]
    fn the_books_of_each_request_balance() {
        let requests = Summary::of(&played(), &record()).requests;
        for request in requests.iter().filter(|request| request.name == "EchoRequest") {
            assert_eq!(request.count, request.ok + request.failures + request.cancelled + request.in_flight);
            assert_eq!(request.in_flight, 1);
        }
    }
}
