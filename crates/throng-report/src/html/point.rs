//! What is kept of a stretch of the whole run.

use std::collections::BTreeMap;

use throng_metrics::{Kind, Robots, Stretch};

use super::shape::Shape;
use super::timeline::Joined;

/// A stretch of the whole run; robots and open connections are those at its end.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) robots: Robots,
    pub(super) open: u64,
    pub(super) counts: Counts,
    /// By the names of their kinds.
    pub(super) errors: BTreeMap<&'static str, u64>,
    pub(super) latency: Shape,
    pub(super) intended: Shape,
    pub(super) lag: Shape,
    pub(super) stall_us: u64,
    /// The share of a core that a shard's thread used, weighted with how long the stretch took.
    busy_s: f64,
    took_s: f64,
}

/// What is counted in a stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    pub(super) replies: u64,
    pub(super) pushes: u64,
    pub(super) opened: u64,
    pub(super) ended: u64,
}

impl Point {
    pub(super) fn of(stretch: &Stretch<'_>) -> Self {
        let (totals, run) = (stretch.totals, stretch.run);
        let (mut latency, mut intended, mut lag) = (Shape::default(), Shape::default(), Shape::default());
        for (_, row) in totals.requests().iter() {
            latency.add(row.latency());
            intended.add(row.intended());
        }
        lag.add(totals.generator().all_lag());
        // To the millisecond, as the run store has it: a page made of it later is the same.
        let took_s = stretch.took.as_millis() as f64 / 1e3;
        Self {
            robots: run.robots(),
            open: sum(run.connections().iter().map(|(_, row)| row.counts.open())),
            counts: Counts::of(stretch),
            errors: totals.errors().iter().map(|(kind, count)| (kind.name(), count)).collect(),
            latency,
            intended,
            lag,
            stall_us: totals.generator().longest_stall_us(),
            busy_s: totals.generator().cpu_share().unwrap_or(0.0) * took_s,
            took_s,
        }
    }

    /// The share of a core that a shard's thread used on average.
    pub(super) fn cpu_share(&self) -> f64 {
        if self.took_s > 0.0 { self.busy_s / self.took_s } else { 0.0 }
    }
}

impl Counts {
    fn of(stretch: &Stretch<'_>) -> Self {
        let totals = stretch.totals;
        let traffic = totals.traffic();
        let connections = || totals.connections().iter().map(|(_, row)| &row.counts);
        Self {
            sent: traffic.messages_sent,
            received: traffic.messages_received,
            bytes_sent: traffic.bytes_sent,
            bytes_received: traffic.bytes_received,
            replies: sum(totals.requests().iter().map(|(_, row)| row.counts.ok)),
            pushes: sum(totals.pushes().iter().map(|(_, row)| row.counts.count)),
            opened: sum(connections().map(|counts| counts.opened)),
            ended: sum(connections().map(|counts| counts.ended.total())),
        }
    }

    fn add(&mut self, later: &Self) {
        let pairs = [
            (&mut self.sent, later.sent),
            (&mut self.received, later.received),
            (&mut self.bytes_sent, later.bytes_sent),
            (&mut self.bytes_received, later.bytes_received),
            (&mut self.replies, later.replies),
            (&mut self.pushes, later.pushes),
            (&mut self.opened, later.opened),
            (&mut self.ended, later.ended),
        ];
        pairs.into_iter().for_each(|(mine, theirs)| *mine = mine.saturating_add(theirs));
    }
}

impl Joined for Point {
    fn join(&mut self, later: Self) {
        self.robots = later.robots;
        self.open = later.open;
        self.counts.add(&later.counts);
        for (kind, count) in later.errors {
            let mine = self.errors.entry(kind).or_default();
            *mine = mine.saturating_add(count);
        }
        self.latency.merge(&later.latency);
        self.intended.merge(&later.intended);
        self.lag.merge(&later.lag);
        self.stall_us = self.stall_us.max(later.stall_us);
        self.busy_s += later.busy_s;
        self.took_s += later.took_s;
    }
}

/// A sum that stops at the greatest: figures may be those of a file.
fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}
