//! The recorder of one shard: names become ids once ([`names`]), then a record is an index and an add.

mod names;

use crate::clocks::{Clocks, Found};
use crate::generator::Generator;
use crate::groups::{Failure, FailureBook};
use crate::kinds::{EndCause, FailureKind, LagSource, RobotState, WorkKind};
use crate::loads::LoadTables;
use crate::robots::RobotBook;
use crate::rows::{
    CheckCounts, ConnectionCounts, CounterCounts, DelayCounts, FLOOR, GapCounts, INTENDED, JITTER, LATENCY,
    LIFETIME, MeasureCounts, OrderCounts, PushCounts, RequestCounts, ScheduleCounts, SendCounts, Tables,
    TrafficCounts, WorkCounts,
};
use crate::sequence::Standing;
use crate::table::{Id, Table};
use crate::tally::{Kind, Tally};
use crate::totals::Delta;

/// A request's name on a connection.
pub type RequestId = Id<RequestCounts>;
/// A send's name on a connection.
pub type SendId = Id<SendCounts>;
/// A push's name on a connection.
pub type PushId = Id<PushCounts>;
/// A connection's name.
pub type ConnectionId = Id<ConnectionCounts>;
/// A schedule's name.
pub type ScheduleId = Id<ScheduleCounts>;
/// A check's name.
pub type CheckId = Id<CheckCounts>;
/// A measure's name.
pub type MeasureId = Id<MeasureCounts>;
/// A counter's name.
pub type CounterId = Id<CounterCounts>;
/// The name of numbers that a server counts up.
pub type OrderId = Id<OrderCounts>;
/// The name of messages that say when they were sent, on a connection.
pub type DelayId = Id<DelayCounts>;
/// The name of what comes again and again.
pub type GapId = Id<GapCounts>;

/// A task's, sequence's, step's or start's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkId {
    kind: WorkKind,
    id: Id<WorkCounts>,
}

/// How many different things a recorder tells apart.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Names of each kind; more share the row `_other`.
    pub names: usize,
    /// Groups of failures, and of script errors; more share one group.
    pub failure_groups: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { names: 1_000, failure_groups: 200 }
    }
}

/// The times of one answered request, all in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// From just before the write that took the request's last byte to the receipt of the reply's last segment.
    pub latency_us: u64,
    /// From the intended start to the receipt of the reply, where the work is paced.
    pub intended_us: Option<u64>,
    /// From the robot's asking to the robot's having the reply.
    pub observed_us: u64,
    /// The part of `observed_us` that is the generator's: from asking to the write, and from the reply's receipt by the
    /// kernel to the robot's having it.
    pub generator_us: u64,
}

/// For failures that have no sample to show.
pub fn no_sample() -> Option<String> {
    None
}

/// What one shard counts. It belongs to the shard's thread; what changed leaves by [`Recorder::take`].
///
/// An id means its name only to the recorder that gave it out; another recorder's id panics or counts elsewhere.
#[derive(Debug)]
pub struct Recorder {
    tables: Tables,
    failures: FailureBook,
    errors: Tally<FailureKind>,
    robots: RobotBook,
    pub(crate) loads: LoadTables,
    traffic: TrafficCounts,
    generator: Generator,
    clocks: Clocks,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Recorder {
    /// An empty recorder that tells at most so many things apart.
    pub fn new(limits: Limits) -> Self {
        Self {
            tables: Tables::new(limits.names),
            failures: FailureBook::new(limits.failure_groups),
            errors: Tally::default(),
            robots: RobotBook::default(),
            loads: LoadTables::new(limits.names),
            traffic: TrafficCounts::default(),
            generator: Generator::default(),
            clocks: Clocks::default(),
        }
    }

    /// Everything recorded since the last take; costs in proportion to the number of names that changed.
    pub fn take(&mut self) -> Delta {
        let delays = &mut self.tables.delays;
        self.clocks.end_second(|found| book_delay(delays, found));
        Delta {
            tables: self.tables.take(),
            failures: self.failures.take(),
            errors: std::mem::take(&mut self.errors),
            robots: self.robots.take(),
            loads: self.loads.take(),
            traffic: std::mem::take(&mut self.traffic),
            generator: self.generator.take(),
        }
    }
}

fn book_delay(delays: &mut Table<DelayCounts, 3>, found: Found) {
    match found {
        Found::Delay { row, us } => delays.row(Id::at(row)).time_mut(LATENCY).record(us),
        Found::Floor { row, us } => delays.row(Id::at(row)).time_mut(FLOOR).record(us),
        Found::Set { row } => delays.row(Id::at(row)).counts.set += 1,
        Found::Beyond { row } => delays.row(Id::at(row)).counts.beyond += 1,
    }
}

/// Requests: each one issued is later answered, failed or cancelled exactly once.
impl Recorder {
    /// A request was issued.
    pub fn issued(&mut self, id: RequestId) {
        self.tables.request(id).counts.issued += 1;
    }

    /// A request was answered.
    pub fn answered(&mut self, id: RequestId, answer: Answer) {
        let row = self.tables.request(id);
        row.counts.ok += 1;
        row.counts.observed_us += answer.observed_us;
        row.counts.generator_us += answer.generator_us.min(answer.observed_us);
        row.time_mut(LATENCY).record(answer.latency_us);
        if let Some(intended) = answer.intended_us {
            row.time_mut(INTENDED).record(intended);
        }
        self.generator.wait(answer.observed_us, answer.generator_us);
    }

    /// The reply of a request has so many bytes.
    pub fn replied(&mut self, id: RequestId, bytes: usize) {
        let counts = &mut self.tables.request(id).counts;
        counts.bytes = counts.bytes.saturating_add(bytes as u64);
    }

    /// The answer recorded last cannot be understood, and the request fails after all: its latency counts. To be said
    /// before the next [`Recorder::take`], with the failure behind it.
    pub fn answer_refused(&mut self, id: RequestId) {
        let counts = &mut self.tables.request(id).counts;
        counts.ok = counts.ok.saturating_sub(1);
    }

    /// A request failed; the sample is made only for the first failure of its group.
    pub fn request_failed(
        &mut self,
        id: RequestId,
        kind: FailureKind,
        message: &str,
        sample: impl FnOnce() -> Option<String>,
    ) {
        self.tables.request(id).counts.failures.add_one(kind);
        self.errors.add_one(kind);
        let name = self.tables.request_name(id);
        self.failures.failure(Failure { kind, name, message }, sample);
    }

    /// A request was answered by a no: its latency counts, and it failed as `rejected`.
    pub fn rejected(
        &mut self,
        id: RequestId,
        latency_us: u64,
        message: &str,
        sample: impl FnOnce() -> Option<String>,
    ) {
        self.tables.request(id).time_mut(LATENCY).record(latency_us);
        self.request_failed(id, FailureKind::Rejected, message, sample);
    }

    /// A request failed as its script expected: its books balance, but it is no error of the run.
    pub fn request_failed_quietly(&mut self, id: RequestId, kind: FailureKind) {
        self.tables.request(id).counts.failures.add_one(kind);
    }

    /// A request was given up by the robot or the run.
    pub fn cancelled(&mut self, id: RequestId) {
        self.tables.request(id).counts.cancelled += 1;
    }

    /// A reply came after its request had timed out or was cancelled.
    pub fn late(&mut self, id: RequestId) {
        self.tables.request(id).counts.late += 1;
    }

    /// A reply came to a request that was already answered.
    pub fn duplicate(&mut self, id: RequestId) {
        self.tables.request(id).counts.duplicate += 1;
    }

    /// A reply came of which it cannot be told which request it answers.
    pub fn ambiguous(&mut self, id: RequestId) {
        self.tables.request(id).counts.ambiguous += 1;
    }
}

/// Sends, pushes, and the wire itself.
impl Recorder {
    /// A message of `bytes` was sent that expects no reply.
    pub fn sent(&mut self, id: SendId, bytes: usize) {
        let counts = &mut self.tables.sends.row(id).counts;
        counts.count += 1;
        counts.bytes += bytes as u64;
    }

    /// A message of `bytes` came that is no reply.
    pub fn pushed(&mut self, id: PushId, bytes: usize) {
        let counts = &mut self.tables.pushes.row(id).counts;
        counts.count += 1;
        counts.bytes += bytes as u64;
    }

    /// A push was given to a handler, a watch or an expect; once for each push, however many listen.
    pub fn push_handled(&mut self, id: PushId) {
        self.tables.pushes.row(id).counts.handled += 1;
    }

    /// A message of any kind was handed to the socket's outbox.
    pub fn message_sent(&mut self) {
        self.traffic.messages_sent += 1;
    }

    /// A message of any kind was cut from the stream, or a stream's reader got a piece.
    pub fn message_received(&mut self) {
        self.traffic.messages_received += 1;
    }

    /// The socket took `bytes`.
    pub fn bytes_sent(&mut self, bytes: usize) {
        self.traffic.bytes_sent += bytes as u64;
    }

    /// The socket gave `bytes`.
    pub fn bytes_received(&mut self, bytes: usize) {
        self.traffic.bytes_received += bytes as u64;
    }
}

/// Connections.
impl Recorder {
    /// A connect begins.
    pub fn connecting(&mut self, id: ConnectionId) {
        self.tables.connections.row(id).counts.attempts += 1;
    }

    /// A connect succeeded, handshakes of its layers included.
    pub fn opened(&mut self, id: ConnectionId, took_us: u64) {
        let row = self.tables.connections.row(id);
        row.counts.opened += 1;
        row.time_mut(LATENCY).record(took_us);
    }

    /// A connect failed; the sample is made only for the first failure of its group.
    pub fn connect_failed(
        &mut self,
        id: ConnectionId,
        kind: FailureKind,
        message: &str,
        sample: impl FnOnce() -> Option<String>,
    ) {
        self.tables.connections.row(id).counts.failures.add_one(kind);
        self.errors.add_one(kind);
        let name = &self.tables.connections.key(id).name;
        self.failures.failure(Failure { kind, name, message }, sample);
    }

    /// The robot had a connection of that name before.
    pub fn reconnected(&mut self, id: ConnectionId) {
        self.tables.connections.row(id).counts.reconnects += 1;
    }

    /// An open connection ended that had been open for so many microseconds.
    pub fn ended(&mut self, id: ConnectionId, cause: EndCause, lived_us: u64) {
        let row = self.tables.connections.row(id);
        row.counts.ended.add_one(cause);
        if cause != EndCause::RunEnd {
            row.time_mut(LIFETIME).record(lived_us);
        }
    }

    /// A reply came for which no request is known.
    pub fn orphan(&mut self, id: ConnectionId) {
        self.tables.connections.row(id).counts.orphans += 1;
    }
}

/// What scripts do and say.
impl Recorder {
    /// A check held.
    pub fn check_passed(&mut self, id: CheckId) {
        self.tables.check(id).counts.passed += 1;
    }

    /// A check did not hold, which is a failure of the kind `check`.
    pub fn check_failed(&mut self, id: CheckId, sample: impl FnOnce() -> Option<String>) {
        self.tables.check(id).counts.failed += 1;
        self.errors.add_one(FailureKind::Check);
        let name = self.tables.check_name(id);
        self.failures
            .failure(Failure { kind: FailureKind::Check, name, message: "the check did not hold" }, sample);
    }

    /// A piece of work was done.
    pub fn worked(&mut self, id: WorkId, took_us: u64) {
        let row = self.tables.work[id.kind.index()].row(id.id);
        row.counts.count += 1;
        row.time_mut(LATENCY).record(took_us);
    }

    /// A piece of work failed. What made it fail is recorded apart, once, where it happened.
    pub fn work_failed(&mut self, id: WorkId, took_us: u64) {
        self.worked(id, took_us);
        self.tables.work[id.kind.index()].row(id.id).counts.failed += 1;
    }

    /// How long the piece of work that was recorded last took from when it should have begun.
    pub fn work_intended(&mut self, id: WorkId, took_us: u64) {
        self.tables.work[id.kind.index()].row(id.id).time_mut(INTENDED).record(took_us);
    }

    /// The time of a schedule has come so many times more.
    pub fn due(&mut self, id: ScheduleId, count: u64) {
        let due = &mut self.tables.schedules.row(id).counts.due;
        *due = due.saturating_add(count);
    }

    /// So many times of a schedule that came due, nothing began.
    pub fn missed(&mut self, id: ScheduleId, count: u64) {
        let missed = &mut self.tables.schedules.row(id).counts.missed;
        *missed = missed.saturating_add(count);
    }

    /// A custom measure.
    pub fn measured(&mut self, id: MeasureId, us: u64) {
        self.tables.measures.row(id).time_mut(LATENCY).record(us);
    }

    /// A custom counter.
    pub fn counted(&mut self, id: CounterId, by: u64) {
        let counts = &mut self.tables.counters.row(id).counts;
        counts.value = counts.value.saturating_add(by);
    }

    /// A number of a stream came.
    pub fn ordered(&mut self, id: OrderId, standing: Standing) {
        let counts = &mut self.tables.orders.row(id).counts;
        counts.count += 1;
        match standing {
            Standing::First | Standing::Next => {}
            Standing::Skipped(skipped) => {
                counts.gaps += 1;
                counts.skipped = counts.skipped.saturating_add(skipped);
            }
            Standing::Late { missed } => {
                counts.late += 1;
                counts.missed += u64::from(missed);
            }
            Standing::Doubled => counts.doubled += 1,
            Standing::Restarted => counts.restarts += 1,
        }
    }

    /// A message came; `difference_us` is when, less when the server sent it by the clock of that number.
    pub fn delayed(&mut self, id: DelayId, clock: u64, difference_us: i64) {
        let delays = &mut self.tables.delays;
        self.clocks.see(id.place(), clock, difference_us, |found| book_delay(delays, found));
    }

    /// The delay of a robot's message differs by so much from that of the one before.
    pub fn jitter(&mut self, id: DelayId, us: u64) {
        self.tables.delays.row(id).time_mut(JITTER).record(us);
    }

    /// The time between two things of a kind.
    pub fn gapped(&mut self, id: GapId, us: u64) {
        self.tables.gaps.row(id).time_mut(LATENCY).record(us);
    }

    /// A failure that is none of a request, a connect or a check; the sample is made only for the first of its group.
    pub fn failed(&mut self, failure: Failure<'_>, sample: impl FnOnce() -> Option<String>) {
        self.errors.add_one(failure.kind);
        self.failures.failure(failure, sample);
    }

    /// An uncaught error that is not yet counted as a failure, with its traceback.
    pub fn script_failed(&mut self, failure: Failure<'_>, traceback: &str) {
        self.failed(failure, no_sample);
        self.failures.script_error(failure.message, traceback);
    }

    /// An uncaught error whose failure was counted where it happened: only its traceback is new.
    pub fn traceback(&mut self, message: &str, traceback: &str) {
        self.failures.script_error(message, traceback);
    }
}

/// Robots and the generator itself.
impl Recorder {
    /// A robot was started; it is `connecting`.
    pub fn robot_started(&mut self) {
        self.robots.start();
    }

    /// A robot went from one state to another.
    pub fn robot_changed(&mut self, from: RobotState, to: RobotState) {
        self.robots.change(from, to);
    }

    /// A robot was ready for the first time in its life, restarts included; its state is changed apart.
    pub fn robot_first_ready(&mut self) {
        self.robots.first_ready();
    }

    /// A robot was restarted; its state is changed apart.
    pub fn robot_restarted(&mut self) {
        self.robots.restart();
    }

    /// A robot is gone; over its life it sent and got so many thousandths of a message a second.
    pub fn robot_gone(&mut self, rate: u64) {
        self.robots.gone(rate);
    }

    /// The generator was late by so many microseconds, also when by none.
    pub fn lag(&mut self, source: LagSource, us: u64) {
        self.generator.lag(source, us);
    }

    /// The shard did not look at its sockets for so many microseconds.
    pub fn stall(&mut self, us: u64) {
        self.generator.stall(us);
    }

    /// The shard's thread used so much of a core in so much time, both in microseconds.
    pub fn cpu(&mut self, busy_us: u64, wall_us: u64) {
        self.generator.cpu(busy_us, wall_us);
    }
}
