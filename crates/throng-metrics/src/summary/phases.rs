//! What there is to say about each phase of a run.

use serde::Serialize;

use super::build::{error_summary, per_second, rounded, rows};
use super::{Directions, ErrorSummary};
use crate::histogram::{Histogram, Spread};
use crate::phases::Phase;
use crate::totals::Totals;

/// The figures of a phase's seconds.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseSummary {
    /// The phase's name.
    pub name: String,
    /// When it first began, in seconds since the run's start.
    pub began_s: f64,
    /// How long it took, all its seconds together.
    pub duration_s: f64,
    /// Robots.
    pub robots: PhaseRobots,
    /// Bytes at the sockets.
    pub bytes: Directions,
    /// Messages of all kinds.
    pub messages: Directions,
    /// Errors of all kinds.
    pub errors: ErrorSummary,
    /// From just before the send to the receipt of the reply, requests of all names together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Spread>,
    /// Requests by connection and name.
    pub requests: Vec<PhaseRequestSummary>,
    /// Messages the server sent by itself, by connection and name.
    pub pushes: Vec<PhasePushSummary>,
    /// How late the generator was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_us: Option<Spread>,
}

/// What became of robots in a phase.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PhaseRobots {
    /// How many were started.
    pub started: u64,
    /// How many were ready for the first time.
    pub ready: u64,
    /// How many ended by a failure.
    pub failed: u64,
    /// How many ended in good order.
    pub stopped: u64,
    /// The most that were alive at the end of a second.
    pub peak: u64,
}

/// A request's name on a connection.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseRequestSummary {
    /// The message's name.
    pub name: String,
    /// The connection's name.
    pub connection: String,
    /// Requests issued in the phase.
    pub count: u64,
    /// Requests answered in it.
    pub ok: u64,
    /// Requests that failed in it.
    pub failures: u64,
    /// Replies per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// From just before the send to the receipt of the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Spread>,
    /// From the intended start to the receipt of the reply, where the work was paced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intended_us: Option<Spread>,
}

/// A message's name that the server sent by itself.
#[derive(Clone, Debug, Serialize)]
pub struct PhasePushSummary {
    /// The message's name.
    pub name: String,
    /// The connection's name.
    pub connection: String,
    /// Messages.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Messages per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
}

impl PhaseSummary {
    pub(super) fn of(phase: &Phase) -> Self {
        phase.read(|totals| Self::of_totals(phase, totals))
    }

    fn of_totals(phase: &Phase, totals: &Totals) -> Self {
        let seconds = phase.took().as_secs_f64();
        let (robots, traffic) = (totals.robots(), totals.traffic());
        let mut latency = Histogram::default();
        totals.requests().iter().for_each(|(_, row)| latency.absorb(row.latency()));
        Self {
            name: phase.name().to_owned(),
            began_s: rounded(phase.began().as_secs_f64()),
            duration_s: rounded(seconds),
            robots: PhaseRobots {
                started: robots.started,
                ready: robots.were_ready,
                failed: robots.failed,
                stopped: robots.stopped,
                peak: robots.peak,
            },
            bytes: Directions { sent: traffic.bytes_sent, received: traffic.bytes_received },
            messages: Directions { sent: traffic.messages_sent, received: traffic.messages_received },
            errors: error_summary(totals),
            latency_us: latency.spread(),
            requests: rows(totals.requests(), |key, row| PhaseRequestSummary {
                name: key.name.to_string(),
                connection: key.connection.to_string(),
                count: row.counts.issued,
                ok: row.counts.ok,
                failures: row.counts.failures.total(),
                rate_per_s: per_second(row.counts.ok, seconds),
                latency_us: row.latency().spread(),
                intended_us: row.intended().spread(),
            }),
            pushes: rows(totals.pushes(), |key, row| PhasePushSummary {
                name: key.name.to_string(),
                connection: key.connection.to_string(),
                count: row.counts.count,
                bytes: row.counts.bytes,
                rate_per_s: per_second(row.counts.count, seconds),
            }),
            lag_us: totals.generator().all_lag().spread(),
        }
    }
}
