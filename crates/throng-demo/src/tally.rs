//! The counters of one server, and the report made of them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hdrhistogram::Histogram;

use crate::{
    kind::ServerKind,
    report::{Connections, Delays, FaultCounts, ServerReport, Stall},
};

/// A counter that any thread adds to.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client closed it.
    Client,
    /// The server closed it behind its last answer: the client asked for it by `quit`, or was turned away.
    Quit,
    /// The server closed it because of another one: the user has logged in anew.
    Dismissed,
    /// The transport failed: the client reset it, or was gone.
    Broken,
    /// The client broke the protocol: no handshake, a message above the limit.
    Protocol,
    /// The fault `reset`.
    Reset,
    /// The fault `vanish`; the socket stays open until the demo ends.
    Vanished,
    /// The demo ended.
    Shutdown,
}

impl End {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Client, "client"),
        (Self::Quit, "quit"),
        (Self::Dismissed, "dismissed"),
        (Self::Broken, "broken"),
        (Self::Protocol, "protocol"),
        (Self::Reset, "reset"),
        (Self::Vanished, "vanished"),
        (Self::Shutdown, "shutdown"),
    ];
}

/// Everything one server counts.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) accepted: Count,
    pub(crate) accept_errors: Count,
    ended: [Count; End::ALL.len()],
    pub(crate) requests: Box<[Count]>,
    pub(crate) replies: Box<[Count]>,
    pub(crate) pushes: Box<[Count]>,
    pub(crate) outcomes: Box<[Count]>,
    pub(crate) pushes_lost: Count,
    pub(crate) unanswered: Count,
    pub(crate) undecodable: Count,
    pub(crate) dropped: Count,
    pub(crate) doubled: Count,
    pub(crate) reordered: Count,
    pub(crate) single_bytes: Count,
    pub(crate) half_closed: Count,
    pub(crate) garbage: Count,
    pub(crate) orphans: Count,
    pub(crate) unknown_pushes: Count,
    pub(crate) received: Count,
    pub(crate) sent: Count,
    delays: Mutex<Option<DelayLog>>,
}

impl Tally {
    pub(crate) fn new(kind: ServerKind) -> Self {
        let words = kind.words();
        let counts = |n: usize| (0..n).map(|_| Count::default()).collect();
        Self {
            requests: counts(words.requests.len()),
            replies: counts(words.requests.len()),
            pushes: counts(words.pushes.len()),
            outcomes: counts(kind.outcomes().len()),
            ..Self::default()
        }
    }

    pub(crate) fn ended(&self, end: End) {
        self.ended[end as usize].one();
    }

    pub(crate) fn delay_given(&self, given: Duration) {
        let mut delays = self.delays.lock().unwrap_or_else(PoisonError::into_inner);
        delays.get_or_insert_with(DelayLog::new).record(given);
    }

    pub(crate) fn report(&self, kind: ServerKind, address: SocketAddr, stalls: Vec<Stall>) -> ServerReport {
        let words = kind.words();
        let named = |names: &mut dyn Iterator<Item = &'static str>, counts: &[Count]| -> BTreeMap<_, _> {
            names.map(str::to_owned).zip(counts.iter().map(Count::value)).collect()
        };
        ServerReport {
            address,
            connections: self.connections(),
            requests: named(&mut words.requests.iter().map(|(request, _)| *request), &self.requests),
            replies: named(&mut words.requests.iter().map(|(_, reply)| *reply), &self.replies),
            pushes: named(&mut words.pushes.iter().copied(), &self.pushes),
            outcomes: named(&mut kind.outcomes().iter().copied(), &self.outcomes),
            pushes_lost: self.pushes_lost.value(),
            unanswered: self.unanswered.value(),
            undecodable: self.undecodable.value(),
            faults: self.faults(),
            bytes_received: self.received.value(),
            bytes_sent: self.sent.value(),
            delays: self.delays.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(DelayLog::report),
            stalls,
        }
    }

    fn connections(&self) -> Connections {
        let ended =
            End::ALL.into_iter().map(|(end, name)| (name.to_owned(), self.ended[end as usize].value()));
        let ended: BTreeMap<_, _> = ended.collect();
        let accepted = self.accepted.value();
        let open = accepted.saturating_sub(ended.values().sum());
        Connections { accepted, open, ended, accept_errors: self.accept_errors.value() }
    }

    fn faults(&self) -> FaultCounts {
        FaultCounts {
            dropped: self.dropped.value(),
            doubled: self.doubled.value(),
            reordered: self.reordered.value(),
            single_bytes: self.single_bytes.value(),
            resets: self.ended[End::Reset as usize].value(),
            half_closed: self.half_closed.value(),
            vanished: self.ended[End::Vanished as usize].value(),
            garbage: self.garbage.value(),
            orphans: self.orphans.value(),
            unknown_pushes: self.unknown_pushes.value(),
        }
    }
}

/// An hour in nanoseconds; longer delays count as this much in the median.
const LONGEST_DELAY: u64 = 3_600_000_000_000;

/// The delays really given, in nanoseconds.
struct DelayLog {
    histogram: Histogram<u64>,
    /// Kept beside the histogram, which rounds to three digits.
    min: u64,
    max: u64,
    sum: u128,
}

impl DelayLog {
    fn new() -> Self {
        let histogram = Histogram::new_with_max(LONGEST_DELAY, 3).expect("the bounds are valid");
        Self { histogram, min: u64::MAX, max: 0, sum: 0 }
    }

    fn record(&mut self, given: Duration) {
        let nanos = u64::try_from(given.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(nanos);
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
        self.sum += u128::from(nanos);
    }

    fn report(&self) -> Delays {
        let micros = |nanos: u64| nanos as f64 / 1e3;
        Delays {
            count: self.histogram.len(),
            min_us: micros(self.min),
            mean_us: self.sum as f64 / self.histogram.len() as f64 / 1e3,
            p50_us: micros(self.histogram.value_at_quantile(0.5)).clamp(micros(self.min), micros(self.max)),
            max_us: micros(self.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_summed_up_exactly_but_for_the_medians_fourth_digit() {
        let mut log = DelayLog::new();
        for ms in 1..=9 {
            log.record(Duration::from_millis(ms));
        }
        let delays = log.report();
        assert_eq!((delays.count, delays.min_us, delays.mean_us, delays.max_us), (9, 1e3, 5e3, 9e3));
        assert!((delays.p50_us - 5e3).abs() <= 5.0, "{delays:?}");
    }

    #[test]
    fn open_connections_are_those_that_have_not_ended() {
        let tally = Tally::new(ServerKind::Echo);
        tally.accepted.add(3);
        tally.ended(End::Client);
        let connections = tally.connections();
        assert_eq!((connections.accepted, connections.open, connections.ended["client"]), (3, 2, 1));
    }
}
