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
use crate::rows::{CheckRow, ConnectionRow, DelayRow, OrderRow, PushRow, RequestRow, WorkRow, split_label};
use crate::table::{Key, Row, Table};
use crate::tally::{Counts, Kind};
use crate::threshold::{Outcome, ThresholdResult, Thresholds};
use crate::totals::Totals;
use crate::units;
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
            checks: rows(totals.checks(), check_summary),
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
        reply_bytes: counts.bytes,
        rate_per_s: per_second(counts.ok, seconds),
        latency_us: row.latency().spread(),
        intended_us: row.intended().spread(),
        generator_share: counts.generator_share().map(rounded_share),
        histogram: row.latency().bins(BINS),
    }
}

fn check_summary(key: &Key, row: &CheckRow) -> CheckSummary {
    CheckSummary { name: key.name.to_string(), passed: row.counts.passed, failed: row.counts.failed }
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
    let checks = rows(totals.grouped_checks(), |key, row| (key.connection.clone(), check_summary(key, row)));
    let grouped = totals.grouped().iter().map(|(key, _)| &*key.connection);
    let grouped = grouped.chain(totals.grouped_checks().iter().map(|(key, _)| &*key.connection));
    // Without a group is only what says that some were left out.
    names.extend(grouped.filter(|group| !group.is_empty()));
    let group = |name: &str| {
        let run = runs.find("", name);
        let requests = totals.grouped().iter().filter(|(key, _)| &*key.connection == name);
        let checks = checks.iter().filter(|(group, _)| **group == *name).map(|(_, check)| check.clone());
        let mut requests: Vec<RequestSummary> = requests
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
            checks: checks.collect(),
        }
    };
    names.into_iter().map(group).collect()
}

/// What is said of names that do not fit.
fn crowded(totals: &Totals) -> impl Iterator<Item = String> {
    let names = totals.crowded().into_iter().map(|(what, cap)| {
        format!(
            "more than {cap} names of {what}: the rest is together under `_other`; keep ids and numbers out of names"
        )
    });
    let groups = totals.groups_are_crowded().then(|| {
        "more messages or checks in groups than are kept apart, or names that are too long: the rest counts outside of groups only"
            .to_owned()
    });
    let beyond = totals.clocks_beyond();
    let clocks = (beyond > 0).then(|| {
        format!(
            "more clocks of delays than are told apart: {} messages were not measured",
            units::count(beyond)
        )
    });
    names.chain(groups).chain(clocks)
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
mod tests;
