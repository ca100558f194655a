//! What is counted for each kind of thing, and the tables that hold it.

use crate::histogram::Histogram;
use crate::kinds::{EndCause, FailureKind, WorkKind};
use crate::table::{Change, Id, Row, Table};
use crate::tally::{Kind, Tally, counts};

counts! {
    /// One request name on one connection name.
    pub struct RequestCounts {
        /// Requests issued.
        issued: u64,
        /// Requests answered.
        ok: u64,
        /// Requests that failed, by kind.
        failures: Tally<FailureKind>,
        /// Requests given up by the robot itself: restart, stop, a cancelled task, the end of the run.
        cancelled: u64,
        /// Replies that came after their request had timed out or was cancelled.
        late: u64,
        /// Replies to a request that was already answered.
        duplicate: u64,
        /// Replies of which it cannot be told which request they answer.
        ambiguous: u64,
        /// Microseconds that robots waited for replies, from asking to having them, all replies together.
        observed_us: u64,
        /// The part of `observed_us` that was spent in the generator.
        generator_us: u64,
        /// Bytes of the replies, those that say no included.
        bytes: u64,
    }
}

counts! {
    /// One name that is sent without a reply.
    pub struct SendCounts {
        /// Messages sent.
        count: u64,
        /// Their bytes.
        bytes: u64,
    }
}

counts! {
    /// One name that the server sends by itself.
    pub struct PushCounts {
        /// Messages received.
        count: u64,
        /// Their bytes.
        bytes: u64,
        /// How many of them a handler, a watch or an expect got.
        handled: u64,
    }
}

counts! {
    /// One connection name.
    pub struct ConnectionCounts {
        /// Connects begun.
        attempts: u64,
        /// Connects that succeeded.
        opened: u64,
        /// Connects that failed, by kind.
        failures: Tally<FailureKind>,
        /// Open connections that ended, by cause.
        ended: Tally<EndCause>,
        /// Replies for which no request is known.
        orphans: u64,
        /// Connects that succeeded of robots that had had such a connection before.
        reconnects: u64,
    }
}

counts! {
    /// One check.
    pub struct CheckCounts {
        /// How often it held.
        passed: u64,
        /// How often it did not.
        failed: u64,
    }
}

counts! {
    /// One task, sequence, step or start.
    pub struct WorkCounts {
        /// Runs that ended, failed ones included.
        count: u64,
        /// Runs that failed.
        failed: u64,
    }
}

counts! {
    /// One schedule: what has times at which it should begin.
    pub struct ScheduleCounts {
        /// How often its time has come.
        due: u64,
        /// How often nothing began for it.
        missed: u64,
    }
}

counts! {
    /// One custom measure, which is only a histogram.
    pub struct MeasureCounts {}
}

counts! {
    /// One custom counter.
    pub struct CounterCounts {
        /// What was added up.
        value: u64,
    }
}

counts! {
    /// One stream of numbers that a server counts up, of all robots together.
    pub struct OrderCounts {
        /// Numbers that came.
        count: u64,
        /// How often a number came too early.
        gaps: u64,
        /// Numbers that were skipped by that.
        skipped: u64,
        /// Numbers that came after a higher one.
        late: u64,
        /// Those of them that had been skipped.
        missed: u64,
        /// Numbers that came once more.
        doubled: u64,
        /// How often a stream began anew.
        restarts: u64,
    }
}

counts! {
    /// One kind of message that says when it was sent; its delays are in histograms.
    pub struct DelayCounts {
        /// How often the server's clock was set.
        set: u64,
        /// Messages by clocks beyond those that are told apart, of which no delay is known.
        beyond: u64,
    }
}

counts! {
    /// One kind of thing that comes again and again; the time between two is in a histogram.
    pub struct GapCounts {}
}

counts! {
    /// What went over the wire.
    pub struct TrafficCounts {
        /// Bytes written to sockets.
        bytes_sent: u64,
        /// Bytes read from sockets.
        bytes_received: u64,
        /// Messages sent: requests and sends.
        messages_sent: u64,
        /// Messages received and cut, or pieces a stream's reader got.
        messages_received: u64,
    }
}

/// A request's row.
pub type RequestRow = Row<RequestCounts, 2>;
/// A send's row.
pub type SendRow = Row<SendCounts, 0>;
/// A push's row.
pub type PushRow = Row<PushCounts, 0>;
/// A connection's row.
pub type ConnectionRow = Row<ConnectionCounts, 2>;
/// A check's row.
pub type CheckRow = Row<CheckCounts, 0>;
/// A task's, sequence's, step's or start's row.
pub type WorkRow = Row<WorkCounts, 2>;
/// A schedule's row.
pub type ScheduleRow = Row<ScheduleCounts, 0>;
/// A custom measure's row.
pub type MeasureRow = Row<MeasureCounts, 1>;
/// A custom counter's row.
pub type CounterRow = Row<CounterCounts, 0>;

/// A row of numbers that a server counts up.
pub type OrderRow = Row<OrderCounts, 0>;
/// A row of messages that say when they were sent.
pub type DelayRow = Row<DelayCounts, 3>;
/// A row of what comes again and again.
pub type GapRow = Row<GapCounts, 1>;

pub(crate) const LATENCY: usize = 0;
pub(crate) const INTENDED: usize = 1;
pub(crate) const LIFETIME: usize = 1;
pub(crate) const JITTER: usize = 1;
pub(crate) const FLOOR: usize = 2;

impl RequestCounts {
    /// Requests neither answered nor failed nor cancelled: the books balance by this.
    pub fn in_flight(&self) -> u64 {
        let settled = self.ok.saturating_add(self.failures.total()).saturating_add(self.cancelled);
        self.issued.saturating_sub(settled)
    }

    /// The share of the time robots waited for replies that was spent in the generator.
    pub fn generator_share(&self) -> Option<f64> {
        (self.observed_us > 0).then(|| (self.generator_us as f64 / self.observed_us as f64).min(1.0))
    }
}

impl ScheduleCounts {
    /// How often something began for it.
    pub fn begun(&self) -> u64 {
        self.due.saturating_sub(self.missed)
    }
}

impl ConnectionCounts {
    /// Connections that are open.
    pub fn open(&self) -> u64 {
        self.opened.saturating_sub(self.ended.total())
    }
}

impl RequestRow {
    /// From just before the send to the receipt of the reply.
    pub fn latency(&self) -> &Histogram {
        self.time(LATENCY)
    }

    /// From the intended start to the receipt of the reply; empty where nothing was paced.
    pub fn intended(&self) -> &Histogram {
        self.time(INTENDED)
    }
}

impl ConnectionRow {
    /// From the begin of a connect to the open connection.
    pub fn connect_time(&self) -> &Histogram {
        self.time(LATENCY)
    }

    /// From the open connection to its end, of those that ended before their robot or the run did.
    pub fn lifetime(&self) -> &Histogram {
        self.time(LIFETIME)
    }
}

impl OrderCounts {
    /// Numbers that have not come.
    pub fn missing(&self) -> u64 {
        self.skipped.saturating_sub(self.missed)
    }
}

impl DelayRow {
    /// How much longer messages took than the fastest.
    pub fn delay(&self) -> &Histogram {
        self.time(LATENCY)
    }

    /// By how much the delay of a robot's message differs from that of the one before.
    pub fn jitter(&self) -> &Histogram {
        self.time(JITTER)
    }

    /// How much longer the fastest message of a second took than the fastest of all.
    pub fn floor(&self) -> &Histogram {
        self.time(FLOOR)
    }
}

impl GapRow {
    /// The time between two.
    pub fn gap(&self) -> &Histogram {
        self.time(LATENCY)
    }
}

impl WorkRow {
    /// From the first instruction to the end, failed runs included.
    pub fn duration(&self) -> &Histogram {
        self.time(LATENCY)
    }

    /// From the intended start to the end; empty where no schedule said when.
    pub fn intended(&self) -> &Histogram {
        self.time(INTENDED)
    }
}

impl MeasureRow {
    /// What the script recorded.
    pub fn values(&self) -> &Histogram {
        self.time(LATENCY)
    }
}

/// All tables of a shard, or of a run.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) requests: Table<RequestCounts, 2>,
    /// Requests of groups: the group stands in place of the connection, and the name is `CONNECTION/NAME`.
    pub(crate) grouped: Table<RequestCounts, 2>,
    pub(crate) sends: Table<SendCounts, 0>,
    pub(crate) pushes: Table<PushCounts, 0>,
    pub(crate) connections: Table<ConnectionCounts, 2>,
    pub(crate) checks: Table<CheckCounts, 0>,
    /// Checks of groups: the group stands in place of the connection.
    pub(crate) grouped_checks: Table<CheckCounts, 0>,
    pub(crate) work: [Table<WorkCounts, 2>; WorkKind::ALL.len()],
    pub(crate) schedules: Table<ScheduleCounts, 0>,
    pub(crate) measures: Table<MeasureCounts, 1>,
    pub(crate) counters: Table<CounterCounts, 0>,
    pub(crate) orders: Table<OrderCounts, 0>,
    pub(crate) delays: Table<DelayCounts, 3>,
    pub(crate) gaps: Table<GapCounts, 1>,
}

/// What changed in the tables since the last take.
pub(crate) struct TableChanges {
    requests: Vec<Change<RequestCounts, 2>>,
    grouped: Vec<Change<RequestCounts, 2>>,
    sends: Vec<Change<SendCounts, 0>>,
    pushes: Vec<Change<PushCounts, 0>>,
    connections: Vec<Change<ConnectionCounts, 2>>,
    checks: Vec<Change<CheckCounts, 0>>,
    grouped_checks: Vec<Change<CheckCounts, 0>>,
    work: [Vec<Change<WorkCounts, 2>>; WorkKind::ALL.len()],
    schedules: Vec<Change<ScheduleCounts, 0>>,
    measures: Vec<Change<MeasureCounts, 1>>,
    counters: Vec<Change<CounterCounts, 0>>,
    orders: Vec<Change<OrderCounts, 0>>,
    delays: Vec<Change<DelayCounts, 3>>,
    gaps: Vec<Change<GapCounts, 1>>,
}

impl Tables {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            requests: Table::new(cap),
            grouped: Table::new(cap),
            sends: Table::new(cap),
            pushes: Table::new(cap),
            connections: Table::new(cap),
            checks: Table::new(cap),
            grouped_checks: Table::new(cap),
            work: std::array::from_fn(|_| Table::new(cap)),
            schedules: Table::new(cap),
            measures: Table::new(cap),
            counters: Table::new(cap),
            orders: Table::new(cap),
            delays: Table::new(cap),
            gaps: Table::new(cap),
        }
    }

    /// The place of a request in a group; among all requests of its name, where the group's rows are full.
    pub(crate) fn request_in(&mut self, group: &str, connection: &str, name: &str) -> Id<RequestCounts> {
        let whole = (!connection.contains('/')).then(|| format!("{connection}/{name}"));
        match whole.and_then(|label| self.grouped.intern_whole(group, &label)) {
            Some(id) => id.grouped(),
            None => {
                // An empty row, by which it is known that something was left out.
                self.grouped.mark_crowded();
                self.requests.intern(connection, name)
            }
        }
    }

    /// The row of a request, in its group or not, which from now on counts as changed.
    #[inline]
    pub(crate) fn request(&mut self, id: Id<RequestCounts>) -> &mut RequestRow {
        match id.in_groups() {
            None => self.requests.row(id),
            Some(id) => self.grouped.row(id),
        }
    }

    /// The place of a check in a group; among all checks of its name, where the group's rows are full.
    pub(crate) fn check_in(&mut self, group: &str, name: &str) -> Id<CheckCounts> {
        match self.grouped_checks.intern_whole(group, name) {
            Some(id) => id.grouped(),
            None => {
                self.grouped_checks.mark_crowded();
                self.checks.intern("", name)
            }
        }
    }

    /// The row of a check, in its group or not, which from now on counts as changed.
    pub(crate) fn check(&mut self, id: Id<CheckCounts>) -> &mut CheckRow {
        match id.in_groups() {
            None => self.checks.row(id),
            Some(id) => self.grouped_checks.row(id),
        }
    }

    pub(crate) fn check_name(&self, id: Id<CheckCounts>) -> &str {
        match id.in_groups() {
            None => &self.checks.key(id).name,
            Some(id) => &self.grouped_checks.key(id).name,
        }
    }

    pub(crate) fn request_name(&self, id: Id<RequestCounts>) -> &str {
        match id.in_groups() {
            None => &self.requests.key(id).name,
            Some(id) => split_label(&self.grouped.key(id).name).1,
        }
    }

    pub(crate) fn take(&mut self) -> TableChanges {
        TableChanges {
            requests: self.requests.take(),
            grouped: self.grouped.take(),
            sends: self.sends.take(),
            pushes: self.pushes.take(),
            connections: self.connections.take(),
            checks: self.checks.take(),
            grouped_checks: self.grouped_checks.take(),
            work: self.work.each_mut().map(Table::take),
            schedules: self.schedules.take(),
            measures: self.measures.take(),
            counters: self.counters.take(),
            orders: self.orders.take(),
            delays: self.delays.take(),
            gaps: self.gaps.take(),
        }
    }

    pub(crate) fn absorb(&mut self, changes: &TableChanges) {
        self.requests.absorb(&changes.requests);
        self.grouped.absorb(&changes.grouped);
        // A request of a group is recorded there alone, and counts among all requests of its name from here on.
        self.requests.absorb_as(&changes.grouped, split_label);
        self.sends.absorb(&changes.sends);
        self.pushes.absorb(&changes.pushes);
        self.connections.absorb(&changes.connections);
        self.checks.absorb(&changes.checks);
        self.grouped_checks.absorb(&changes.grouped_checks);
        self.checks.absorb_as(&changes.grouped_checks, |name| ("", name));
        for (table, changes) in self.work.iter_mut().zip(&changes.work) {
            table.absorb(changes);
        }
        self.schedules.absorb(&changes.schedules);
        self.measures.absorb(&changes.measures);
        self.counters.absorb(&changes.counters);
        self.orders.absorb(&changes.orders);
        self.delays.absorb(&changes.delays);
        self.gaps.absorb(&changes.gaps);
    }

    pub(crate) fn coarsen(&mut self, bits: u32) {
        self.requests.coarsen(bits);
        self.grouped.coarsen(bits);
        self.connections.coarsen(bits);
        self.work.iter_mut().for_each(|table| table.coarsen(bits));
        self.measures.coarsen(bits);
        self.delays.coarsen(bits);
        self.gaps.coarsen(bits);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.requests.add(&other.requests);
        self.grouped.add(&other.grouped);
        self.sends.add(&other.sends);
        self.pushes.add(&other.pushes);
        self.connections.add(&other.connections);
        self.checks.add(&other.checks);
        self.grouped_checks.add(&other.grouped_checks);
        for (table, other) in self.work.iter_mut().zip(&other.work) {
            table.add(other);
        }
        self.measures.add(&other.measures);
        self.counters.add(&other.counters);
        self.schedules.add(&other.schedules);
        self.orders.add(&other.orders);
        self.delays.add(&other.delays);
        self.gaps.add(&other.gaps);
    }
}

/// The connection and the name of a request of a group.
pub(crate) fn split_label(label: &str) -> (&str, &str) {
    label.split_once('/').unwrap_or(("", label))
}
