//! Thresholds against what was recorded.

use std::time::Duration;

use super::{Comparison, Family, Metric, Threshold, Thresholds, Unit};
use crate::histogram::Histogram;
use crate::ledger::Ledger;
use crate::loads::{ArrivalCounts, ScenarioCounts, StormRow};
use crate::phases::Phase;
use crate::rows::{
    CheckCounts, CheckRow, ConnectionRow, DelayRow, OrderCounts, RequestRow, WorkRow, split_label,
};
use crate::table::{Key, Row, Table};
use crate::tally::Counts;
use crate::threshold::family::Figure;
use crate::totals::Totals;
use crate::{nearest, units};

/// Whether a threshold holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It holds.
    Pass {
        /// The figure in the metric's unit: microseconds, bytes, a share of one, or plain.
        actual: f64,
    },
    /// It does not hold.
    Fail {
        /// The figure in the metric's unit; with a pattern, that of the worst name.
        actual: f64,
    },
    /// Nothing was measured that it could be compared with, which counts as a failure.
    NoSamples {
        /// A name that was measured and is near the one asked for.
        nearest: Option<String>,
    },
}

/// A threshold and how it went.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdResult {
    /// The threshold.
    pub threshold: Threshold,
    /// How it went.
    pub outcome: Outcome,
    /// Where several names fit, the one that decided.
    pub decided_by: Option<String>,
    /// Whether it ended the run.
    pub ended_run: bool,
    /// Whether there is a row of its name, with samples or without.
    pub(super) has_row: bool,
}

impl ThresholdResult {
    /// Whether it holds.
    pub fn passed(&self) -> bool {
        matches!(self.outcome, Outcome::Pass { .. })
    }

    /// The figure for a person: `61.2 ms`, `1.4%`, `no samples`.
    pub fn actual(&self) -> String {
        let (Outcome::Pass { actual } | Outcome::Fail { actual }) = self.outcome else {
            return "no samples".into();
        };
        match self.threshold.metric.unit(self.threshold.family) {
            Unit::Time => units::time(actual.round() as u64),
            Unit::Share => units::percent(actual),
            Unit::PerSecond => format!("{}/s", units::rate(actual)),
            Unit::Bytes => units::bytes(actual as u64),
            // A count that decides is shown in full: 1,001 is not "1k".
            Unit::Number => format!("{actual:.0}"),
        }
    }

    /// The figure as a number in the metric's unit; nothing without samples.
    pub fn value(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Pass { actual } | Outcome::Fail { actual } => Some(actual),
            Outcome::NoSamples { .. } => None,
        }
    }

    /// What [`ThresholdResult::value`] is measured in: `us`, `share`, `number`, `per_second` or `bytes`.
    pub fn unit(&self) -> &'static str {
        match self.threshold.metric.unit(self.threshold.family) {
            Unit::Time => "us",
            Unit::Share => "share",
            Unit::Number => "number",
            Unit::PerSecond => "per_second",
            Unit::Bytes => "bytes",
        }
    }
}

impl Thresholds {
    /// How each went over a run that took so long.
    pub fn evaluate(&self, ledger: &Ledger, took: Duration) -> Vec<ThresholdResult> {
        self.0.iter().map(|threshold| threshold.evaluate(ledger, took)).collect()
    }
}

/// A figure under the name it belongs to.
type Figures = Vec<(String, f64)>;

impl Threshold {
    /// How it went over a run that took so long, or over its phase of that run.
    pub fn evaluate(&self, ledger: &Ledger, took: Duration) -> ThresholdResult {
        let Some(name) = self.phase() else { return self.over(ledger.totals(), took) };
        match ledger.phases().find(name) {
            Some(phase) => phase.read(|totals| self.over(totals, phase.took())),
            None => {
                let near = nearest(name, ledger.phases().iter().map(Phase::name)).map(str::to_owned);
                self.result(Outcome::NoSamples { nearest: near }, None, false)
            }
        }
    }

    /// How it went over what was recorded in so long.
    pub(super) fn over(&self, totals: &Totals, took: Duration) -> ThresholdResult {
        let seconds = took.as_secs_f64();
        let mut seen = Vec::new();
        let figures = match self.family {
            Family::Request => {
                let figure = |row: &RequestRow| self.of_request(row, seconds);
                let mut figures = self.rows(totals.requests(), &mut seen, figure);
                figures.extend(self.rows_of_groups(
                    totals.grouped(),
                    &mut seen,
                    |label| split_label(label).1,
                    figure,
                ));
                figures
            }
            Family::Send => self.rows(totals.sends(), &mut seen, |row| {
                self.of_messages(row.counts.count, row.counts.bytes, 0, seconds)
            }),
            Family::Push => self.rows(totals.pushes(), &mut seen, |row| {
                self.of_messages(row.counts.count, row.counts.bytes, row.counts.handled, seconds)
            }),
            Family::Connect => {
                self.rows(totals.connections(), &mut seen, |row| self.of_connection(row, seconds))
            }
            Family::Check => {
                let figure = |row: &CheckRow| self.of_check(&row.counts);
                let mut figures = self.rows(totals.checks(), &mut seen, figure);
                figures.extend(self.rows_of_groups(totals.grouped_checks(), &mut seen, |name| name, figure));
                figures
            }
            Family::Work(kind) => self.rows(totals.work(kind), &mut seen, |row| self.of_work(row, seconds)),
            Family::Schedule => self.rows(totals.schedules(), &mut seen, |row| match self.metric {
                Metric::Due => Some(row.counts.due as f64),
                Metric::Begun => Some(row.counts.begun() as f64),
                Metric::Missed => Some(row.counts.missed as f64),
                _ => None,
            }),
            Family::Measure => self.rows(totals.measures(), &mut seen, |row| {
                self.of_times(row.values(), row.values().count(), seconds)
            }),
            Family::Count => self.rows(totals.counters(), &mut seen, |row| {
                self.of_times(&Histogram::default(), row.counts.value, seconds)
            }),
            Family::Order => self.rows(totals.orders(), &mut seen, |row| self.of_order(&row.counts, seconds)),
            Family::Delay => self.rows(totals.delays(), &mut seen, |row| self.of_delay(row, seconds)),
            Family::Gap => self
                .rows(totals.gaps(), &mut seen, |row| self.of_times(row.gap(), row.gap().count(), seconds)),
            Family::Scenario => self.rows(totals.scenarios(), &mut seen, |row| self.of_scenario(&row.counts)),
            Family::Storm => self.rows(totals.storms(), &mut seen, |row| self.of_storm(row)),
            Family::Arrivals => {
                self.of_arrivals(totals).map(|figure| (String::new(), figure)).into_iter().collect()
            }
            Family::Errors | Family::Robots | Family::Generator | Family::Bytes | Family::Messages => {
                self.of_run(totals).map(|figure| (String::new(), figure)).into_iter().collect()
            }
        };
        self.judge(figures, &seen)
    }

    fn judge(&self, figures: Figures, seen: &[String]) -> ThresholdResult {
        let several = figures.len() > 1 || self.pattern.contains('*');
        match self.decisive(figures) {
            None => {
                let near = nearest(&self.pattern, seen.iter().map(String::as_str));
                let nearest = near.filter(|name| *name != self.pattern).map(str::to_owned);
                let has_row = seen.iter().any(|name| matches(&self.pattern, name));
                self.result(Outcome::NoSamples { nearest }, None, has_row)
            }
            Some((name, actual)) => {
                let named = several && !name.is_empty();
                self.result(self.outcome(actual), named.then_some(name), true)
            }
        }
    }

    /// How it goes with that figure.
    pub(super) fn judged(&self, actual: f64) -> ThresholdResult {
        self.result(self.outcome(actual), None, true)
    }

    fn outcome(&self, actual: f64) -> Outcome {
        if self.comparison.holds(actual, self.limit) {
            Outcome::Pass { actual }
        } else {
            Outcome::Fail { actual }
        }
    }

    fn result(&self, outcome: Outcome, decided_by: Option<String>, has_row: bool) -> ThresholdResult {
        ThresholdResult { threshold: self.clone(), outcome, decided_by, ended_run: false, has_row }
    }

    /// Counts and rates of all matching names are one sum; of durations and shares the worst name decides.
    fn decisive(&self, figures: Figures) -> Option<(String, f64)> {
        if self.metric.adds_up(self.family) {
            let several = figures.len() != 1;
            let first = figures.first()?.0.clone();
            let sum = figures.iter().map(|(_, figure)| figure).sum();
            return Some((if several { String::new() } else { first }, sum));
        }
        // How bad a figure is; the greatest is the worst.
        let badness = |figure: f64| match self.comparison {
            Comparison::Less | Comparison::AtMost => figure,
            Comparison::Greater | Comparison::AtLeast => -figure,
            Comparison::Equal => (figure - self.limit).abs(),
            Comparison::Unequal => -(figure - self.limit).abs(),
        };
        figures.into_iter().max_by(|a, b| badness(a.1).total_cmp(&badness(b.1)))
    }

    fn rows<C: Counts, const N: usize>(
        &self,
        table: &Table<C, N>,
        seen: &mut Vec<String>,
        figure: impl Fn(&Row<C, N>) -> Option<f64>,
    ) -> Figures {
        let mut figures = Vec::new();
        for (key, row) in table.iter() {
            seen.extend([key.to_string(), key.name.to_string()]);
            if self.matches(key) {
                figures.extend(figure(row).map(|figure| (key.to_string(), figure)));
            }
        }
        figures
    }

    /// What is of groups: `GROUP::NAME`, or of requests `GROUP::CONNECTION/NAME`; `short` makes a name of a row's.
    fn rows_of_groups<C: Counts, const N: usize>(
        &self,
        table: &Table<C, N>,
        seen: &mut Vec<String>,
        short: fn(&str) -> &str,
        figure: impl Fn(&Row<C, N>) -> Option<f64>,
    ) -> Figures {
        let Some((group, name)) = self.pattern.rsplit_once("::") else { return Figures::new() };
        let mut figures = Figures::new();
        // Without a group is only what says that some were left out.
        for (key, row) in table.iter().filter(|(key, _)| !key.connection.is_empty()) {
            let message = short(&key.name);
            seen.extend([
                format!("{}::{message}", key.connection),
                format!("{}::{}", key.connection, key.name),
            ]);
            if matches(group, &key.connection) && (matches(name, message) || matches(name, &key.name)) {
                let named = format!("{}::{}", key.connection, key.name);
                figures.extend(figure(row).map(|figure| (named, figure)));
            }
        }
        figures
    }

    /// A pattern is for a name, or for `CONNECTION/NAME`.
    fn matches(&self, key: &Key) -> bool {
        let with_connection = format!("{}/{}", key.connection, key.name);
        matches(&self.pattern, &key.name) || matches(&self.pattern, &with_connection)
    }

    fn of_request(&self, row: &RequestRow, seconds: f64) -> Option<f64> {
        let counts = &row.counts;
        let failures = counts.failures.total();
        match self.metric {
            Metric::Count => Some(counts.issued as f64),
            Metric::Ok => Some(counts.ok as f64),
            Metric::Failures => Some(failures as f64),
            Metric::FailureRate => ratio(failures, failures.saturating_add(counts.ok)),
            Metric::PerSecond => per_second(counts.ok, seconds),
            Metric::Cancelled => Some(counts.cancelled as f64),
            Metric::Late => Some(counts.late as f64),
            Metric::Duplicate => Some(counts.duplicate as f64),
            Metric::Ambiguous => Some(counts.ambiguous as f64),
            Metric::FailuresOf(kind) => Some(counts.failures.of(kind) as f64),
            Metric::InFlight => Some(counts.in_flight() as f64),
            Metric::Intended(figure) => figure.of(row.intended()),
            Metric::Time(figure) => figure.of(row.latency()),
            _ => None,
        }
    }

    fn of_messages(&self, count: u64, bytes: u64, handled: u64, seconds: f64) -> Option<f64> {
        match self.metric {
            Metric::Count => Some(count as f64),
            Metric::Bytes => Some(bytes as f64),
            Metric::Handled => Some(handled as f64),
            Metric::PerSecond => per_second(count, seconds),
            _ => None,
        }
    }

    fn of_connection(&self, row: &ConnectionRow, seconds: f64) -> Option<f64> {
        let (counts, failures) = (&row.counts, row.counts.failures.total());
        match self.metric {
            Metric::Count => Some(counts.attempts as f64),
            Metric::Opened => Some(counts.opened as f64),
            Metric::Failures => Some(failures as f64),
            Metric::FailureRate => ratio(failures, failures.saturating_add(counts.opened)),
            Metric::Orphans => Some(counts.orphans as f64),
            Metric::Open => Some(counts.open() as f64),
            Metric::Reconnects => Some(counts.reconnects as f64),
            Metric::Lifetime(figure) => figure.of(row.lifetime()),
            Metric::Ended => Some(counts.ended.total() as f64),
            Metric::EndedBy(cause) => Some(counts.ended.of(cause) as f64),
            Metric::FailuresOf(kind) => Some(counts.failures.of(kind) as f64),
            Metric::PerSecond => per_second(counts.opened, seconds),
            Metric::Time(figure) => figure.of(row.connect_time()),
            _ => None,
        }
    }

    fn of_check(&self, counts: &CheckCounts) -> Option<f64> {
        let all = counts.passed.saturating_add(counts.failed);
        match self.metric {
            Metric::Count => Some(all as f64),
            Metric::Passed => Some(counts.passed as f64),
            Metric::Failures => Some(counts.failed as f64),
            Metric::PassRate => ratio(counts.passed, all),
            Metric::FailureRate => ratio(counts.failed, all),
            _ => None,
        }
    }

    fn of_work(&self, row: &WorkRow, seconds: f64) -> Option<f64> {
        match self.metric {
            Metric::Failures => Some(row.counts.failed as f64),
            Metric::FailureRate => ratio(row.counts.failed, row.counts.count),
            Metric::Intended(figure) => figure.of(row.intended()),
            _ => self.of_times(row.duration(), row.counts.count, seconds),
        }
    }

    fn of_scenario(&self, counts: &ScenarioCounts) -> Option<f64> {
        let count = match self.metric {
            Metric::Started => counts.started,
            Metric::Ready => counts.were_ready,
            Metric::Failures => counts.failed,
            Metric::Stopped => counts.stopped,
            Metric::Restarts => counts.restarts,
            _ => return None,
        };
        Some(count as f64)
    }

    fn of_storm(&self, row: &StormRow) -> Option<f64> {
        let count = match self.metric {
            Metric::There => row.counts.there,
            Metric::Hit => row.counts.hit,
            Metric::Connections => row.counts.connections,
            Metric::Back => row.counts.back,
            Metric::GoneBefore => row.counts.gone,
            Metric::Time(figure) => return figure.of(row.recovery()),
            _ => return None,
        };
        Some(count as f64)
    }

    /// Of all scenarios together; nothing in a run whose plan has no arrivals.
    fn of_arrivals(&self, totals: &Totals) -> Option<f64> {
        let rows = || totals.arrivals().iter().map(|(_, row)| row);
        let sum = |count: fn(&ArrivalCounts) -> u64| {
            let any = rows().next().is_some();
            any.then(|| rows().map(|row| count(&row.counts)).fold(0, u64::saturating_add) as f64)
        };
        match self.metric {
            Metric::Due => sum(|counts| counts.due),
            Metric::Started => sum(|counts| counts.due.saturating_sub(counts.dropped)),
            Metric::Dropped => sum(|counts| counts.dropped),
            Metric::Time(figure) => {
                let mut late = Histogram::default();
                rows().for_each(|row| late.absorb(row.lateness()));
                figure.of(&late)
            }
            _ => None,
        }
    }

    fn of_order(&self, counts: &OrderCounts, seconds: f64) -> Option<f64> {
        let count = match self.metric {
            Metric::Count => counts.count,
            Metric::Missing => counts.missing(),
            Metric::Gaps => counts.gaps,
            Metric::Late => counts.late,
            Metric::Doubled => counts.doubled,
            Metric::Restarts => counts.restarts,
            Metric::PerSecond => return per_second(counts.count, seconds),
            _ => return None,
        };
        Some(count as f64)
    }

    fn of_delay(&self, row: &DelayRow, seconds: f64) -> Option<f64> {
        match self.metric {
            Metric::ClockSet => Some(row.counts.set as f64),
            Metric::Jitter(figure) => figure.of(row.jitter()),
            Metric::Floor(figure) => figure.of(row.floor()),
            _ => self.of_times(row.delay(), row.delay().count(), seconds),
        }
    }

    fn of_times(&self, times: &Histogram, count: u64, seconds: f64) -> Option<f64> {
        match self.metric {
            Metric::Count => Some(count as f64),
            Metric::PerSecond => per_second(count, seconds),
            Metric::Time(figure) => figure.of(times),
            _ => None,
        }
    }

    fn of_run(&self, totals: &Totals) -> Option<f64> {
        let (robots, traffic, generator) = (totals.robots(), totals.traffic(), totals.generator());
        let count = match (self.family, self.metric) {
            (Family::Errors, Metric::FailureRate) => return totals.error_rate(),
            (Family::Errors, metric) => {
                totals.error_rate()?;
                match metric {
                    Metric::FailuresOf(kind) => totals.errors().of(kind),
                    _ => totals.errors().total(),
                }
            }
            (Family::Robots, Metric::Planned) => robots.planned,
            (Family::Robots, Metric::Started) => robots.started,
            (Family::Robots, Metric::Ready) => robots.were_ready,
            (Family::Robots, Metric::Failures) => robots.failed,
            (Family::Robots, Metric::Stopped) => robots.stopped,
            (Family::Robots, Metric::Peak) => robots.peak,
            (Family::Robots, Metric::Restarts) => robots.restarts,
            (Family::Robots, Metric::Alive) => robots.alive,
            (Family::Robots, Metric::RobotRate(figure)) => {
                return figure.of(totals.robot_rates()).map(|thousandths| thousandths / 1e3);
            }
            (Family::Bytes, Metric::Sent) => traffic.bytes_sent,
            (Family::Bytes, Metric::Received) => traffic.bytes_received,
            (Family::Messages, Metric::Sent) => traffic.messages_sent,
            (Family::Messages, Metric::Received) => traffic.messages_received,
            (Family::Generator, Metric::LongestStall) => generator.longest_stall_us(),
            (Family::Generator, Metric::Share) => return generator.share_of_latency(),
            (Family::Generator, Metric::Cpu) => return generator.cpu_share(),
            (Family::Generator, Metric::Lag(figure)) => return figure.of(generator.all_lag()),
            (Family::Generator, Metric::LagOf(source, figure)) => return figure.of(generator.lag_of(source)),
            _ => return None,
        };
        Some(count as f64)
    }
}

impl Figure {
    fn of(self, times: &Histogram) -> Option<f64> {
        match self {
            Self::Mean => times.mean_us(),
            Self::Min => times.min_us().map(|us| us as f64),
            Self::Max => times.max_us().map(|us| us as f64),
            Self::Quantile(share) => times.quantile_us(f64::from(share) / 1e5).map(|us| us as f64),
        }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn per_second(count: u64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| count as f64 / seconds)
}

/// Whether `text` is the pattern, in which each `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests;
