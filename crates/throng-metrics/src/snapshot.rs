//! What there is to see while a run goes on: the last second beside the whole.

use std::sync::Arc;
use std::time::Duration;

use crate::generator::GeneratorBounds;
use crate::histogram::Spread;
use crate::kinds::FailureKind;
use crate::robots::Robots;
use crate::table::Key;
use crate::threshold::Failing;
use crate::totals::Totals;

/// More lines than this are not worked out for a screen; the busiest come first.
const MOST_LINES: usize = 60;

/// What the run is meant to do, for whoever watches.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The project's name.
    pub project: String,
    /// Where the robots play.
    pub target: String,
    /// What the plan does at the moment, such as "ramping up to 500 robots".
    pub phase: String,
    /// The phase that this moment is of, as thresholds and reports name it.
    pub phase_name: String,
    /// Thresholds that will end the run if it goes on like that.
    pub failing: Vec<Failing>,
    /// How long the whole takes, where that is known.
    pub takes: Option<Duration>,
    /// Above which bounds throng itself is the limit.
    pub bounds: GeneratorBounds,
}

/// One moment of a run.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Since the run's start.
    pub elapsed: Duration,
    /// What the run is meant to do.
    pub plan: Plan,
    /// Robots by state.
    pub robots: Robots,
    /// Connections that are open.
    pub open_connections: u64,
    /// The last second.
    pub interval: Interval,
    /// Requests, the most frequent first.
    pub requests: Vec<MessageLine>,
    /// Pushes, the most frequent first.
    pub pushes: Vec<PushLine>,
    /// Errors of the whole run.
    pub errors: u64,
    /// The share of errors in what was attempted, of the whole run.
    pub error_rate: Option<f64>,
    /// The most frequent errors of the whole run.
    pub top_errors: Vec<ErrorLine>,
    /// Whether anything came back yet.
    pub anything_succeeded: bool,
}

/// The figures of the last second; rates are per second.
#[derive(Clone, Debug, Default)]
pub struct Interval {
    /// Messages sent.
    pub messages_sent: f64,
    /// Messages received.
    pub messages_received: f64,
    /// Bytes sent.
    pub bytes_sent: f64,
    /// Bytes received.
    pub bytes_received: f64,
    /// Requests answered.
    pub replies: f64,
    /// Pushes received.
    pub pushes: f64,
    /// Errors.
    pub errors: f64,
    /// The generator's lag.
    pub lag: Option<Spread>,
    /// The longest time a shard did not look at its sockets, in microseconds.
    pub longest_stall_us: u64,
    /// The share of a core the busiest shard's thread used.
    pub busiest_share: Option<f64>,
    /// The generator's share of the time robots waited for replies.
    pub share_of_latency: Option<f64>,
}

/// A request's name while the run goes on.
#[derive(Clone, Debug)]
pub struct MessageLine {
    /// The name and its connection.
    pub key: Key,
    /// Issued so far.
    pub count: u64,
    /// Answered so far.
    pub ok: u64,
    /// Failed so far.
    pub failures: u64,
    /// Waiting now.
    pub in_flight: u64,
    /// Answered per second in the last second.
    pub rate: f64,
    /// Median latency in microseconds: of the last second, or of the whole run where nothing was answered in it.
    pub p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub p99_us: Option<u64>,
}

/// A push's name while the run goes on.
#[derive(Clone, Debug)]
pub struct PushLine {
    /// The name and its connection.
    pub key: Key,
    /// Received so far.
    pub count: u64,
    /// Received per second in the last second.
    pub rate: f64,
    /// Bytes per second in the last second.
    pub bytes_rate: f64,
}

/// A group of errors while the run goes on.
#[derive(Clone, Debug)]
pub struct ErrorLine {
    /// Why.
    pub kind: FailureKind,
    /// What failed.
    pub name: Arc<str>,
    /// What was said.
    pub message: Arc<str>,
    /// How often so far.
    pub count: u64,
}

impl Interval {
    /// The figures of totals that were gathered in so many seconds.
    pub(crate) fn of(second: &Totals, seconds: f64) -> Self {
        let rate = |count: u64| per_second(count, seconds);
        let (traffic, generator) = (second.traffic(), second.generator());
        Self {
            messages_sent: rate(traffic.messages_sent),
            messages_received: rate(traffic.messages_received),
            bytes_sent: rate(traffic.bytes_sent),
            bytes_received: rate(traffic.bytes_received),
            replies: rate(second.requests().iter().map(|(_, row)| row.counts.ok).sum()),
            pushes: rate(second.pushes().iter().map(|(_, row)| row.counts.count).sum()),
            errors: rate(second.errors().total()),
            lag: generator.all_lag().spread(),
            longest_stall_us: generator.longest_stall_us(),
            busiest_share: generator.busiest_share(),
            share_of_latency: generator.share_of_latency(),
        }
    }
}

pub(crate) fn request_lines(totals: &Totals, second: &Totals, seconds: f64) -> Vec<MessageLine> {
    let mut rows: Vec<_> = totals.requests().iter().filter(|(_, row)| row.counts.issued > 0).collect();
    rows.sort_by(|a, b| b.1.counts.issued.cmp(&a.1.counts.issued).then_with(|| a.0.cmp(b.0)));
    let lines = rows.into_iter().take(MOST_LINES).map(|(key, row)| {
        let recent = second.requests().find(&key.connection, &key.name);
        let shown = recent.filter(|row| row.latency().count() > 0).unwrap_or(row).latency();
        MessageLine {
            key: key.clone(),
            count: row.counts.issued,
            ok: row.counts.ok,
            failures: row.counts.failures.total(),
            in_flight: row.counts.in_flight(),
            rate: per_second(recent.map_or(0, |row| row.counts.ok), seconds),
            p50_us: shown.quantile_us(0.5),
            p99_us: shown.quantile_us(0.99),
        }
    });
    lines.collect()
}

pub(crate) fn push_lines(totals: &Totals, second: &Totals, seconds: f64) -> Vec<PushLine> {
    let mut rows: Vec<_> = totals.pushes().iter().collect();
    rows.sort_by(|a, b| b.1.counts.count.cmp(&a.1.counts.count).then_with(|| a.0.cmp(b.0)));
    let lines = rows.into_iter().take(MOST_LINES).map(|(key, row)| {
        let recent = second.pushes().find(&key.connection, &key.name);
        PushLine {
            key: key.clone(),
            count: row.counts.count,
            rate: per_second(recent.map_or(0, |row| row.counts.count), seconds),
            bytes_rate: per_second(recent.map_or(0, |row| row.counts.bytes), seconds),
        }
    });
    lines.collect()
}

pub(crate) fn error_lines(totals: &Totals) -> Vec<ErrorLine> {
    let groups = totals.failures().into_iter().take(MOST_LINES);
    let lines = groups.map(|group| ErrorLine {
        kind: group.kind,
        name: group.name,
        message: group.message,
        count: group.count,
    });
    lines.collect()
}

fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}
