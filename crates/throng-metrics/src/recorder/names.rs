//! Names become ids.

use super::{
    CheckId, ConnectionId, CounterId, DelayId, GapId, MeasureId, OrderId, PushId, Recorder, RequestId,
    ScheduleId, SendId, WorkId,
};
use crate::kinds::WorkKind;
use crate::tally::Kind;

/// Names become ids.
impl Recorder {
    /// The id of a request's name on a connection's name.
    pub fn request(&mut self, name: &str, connection: &str) -> RequestId {
        self.tables.requests.intern(connection, name)
    }

    /// The id of a request's name on a connection's name, in a group: it counts there and among all of its name.
    pub fn request_in(&mut self, group: &str, name: &str, connection: &str) -> RequestId {
        self.tables.request_in(group, connection, name)
    }

    /// The id of a send's name on a connection's name.
    pub fn send(&mut self, name: &str, connection: &str) -> SendId {
        self.tables.sends.intern(connection, name)
    }

    /// The id of a push's name on a connection's name.
    pub fn push(&mut self, name: &str, connection: &str) -> PushId {
        self.tables.pushes.intern(connection, name)
    }

    /// The id of a connection's name.
    pub fn connection(&mut self, name: &str) -> ConnectionId {
        self.tables.connections.intern("", name)
    }

    /// The id of a check's name.
    pub fn check(&mut self, name: &str) -> CheckId {
        self.tables.checks.intern("", name)
    }

    /// The id of a check's name in a group: it counts there and among all of its name.
    pub fn check_in(&mut self, group: &str, name: &str) -> CheckId {
        self.tables.check_in(group, name)
    }

    /// The id of a task, sequence, step or start.
    pub fn work(&mut self, kind: WorkKind, name: &str) -> WorkId {
        WorkId { kind, id: self.tables.work[kind.index()].intern("", name) }
    }

    /// The id of a schedule.
    pub fn schedule(&mut self, name: &str) -> ScheduleId {
        self.tables.schedules.intern("", name)
    }

    /// The id of a custom measure.
    pub fn measure(&mut self, name: &str) -> MeasureId {
        self.tables.measures.intern("", name)
    }

    /// The id of a custom counter.
    pub fn counter(&mut self, name: &str) -> CounterId {
        self.tables.counters.intern("", name)
    }

    /// The id of numbers that a server counts up.
    pub fn order(&mut self, name: &str) -> OrderId {
        self.tables.orders.intern("", name)
    }

    /// The id of messages that say when they were sent; `connection` is empty where it is not known.
    pub fn delay(&mut self, name: &str, connection: &str) -> DelayId {
        self.tables.delays.intern(connection, name)
    }

    /// The id of what comes again and again.
    pub fn gap(&mut self, name: &str) -> GapId {
        self.tables.gaps.intern("", name)
    }
}

/// Whether an id is that of names beyond the limit, which share a row though they have nothing to do with each other.
impl Recorder {
    /// Of numbers that a server counts up.
    pub fn is_other_order(&self, id: OrderId) -> bool {
        self.tables.orders.is_other(id)
    }

    /// Of messages that say when they were sent.
    pub fn is_other_delay(&self, id: DelayId) -> bool {
        self.tables.delays.is_other(id)
    }

    /// Of what comes again and again.
    pub fn is_other_gap(&self, id: GapId) -> bool {
        self.tables.gaps.is_other(id)
    }
}
