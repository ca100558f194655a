//! Sleeping, repeating, parking and waking: operations that no server has a part in.

use super::operation::{Operation, OperationKind};
use super::timers::Due;
use super::{Core, Event, Ready};
use crate::clock::{self, nanos};
use crate::host::Failure;
use crate::id::{ConnectionKey, OperationKey, RobotKey};
use crate::wheel::{TimerId, tick_at};
use slotmap::Key;
use std::time::Duration;
use throng_metrics::FailureKind;
use throng_wire::Nanos;

/// Outcomes that a robot's own calls may give it in one turn; further ones come with the next tick, so that a script which
/// waits in an endless loop for what is there at once does not hold the shard.
const AT_ONCE: u32 = 256;

impl Core {
    /// A new operation of `robot`, begun `now`; null for a robot that is gone, for which nothing will ever come.
    pub(crate) fn operate(
        &mut self,
        robot: RobotKey,
        connection: Option<ConnectionKey>,
        kind: OperationKind,
        now: Nanos,
    ) -> OperationKey {
        let connection = connection.unwrap_or_default();
        match self.robots.get_mut(robot) {
            Some(slot) => {
                let untimed = |_| TimerId::NONE;
                self.operations.insert(&mut slot.operations, untimed, (robot, connection), now, kind)
            }
            None => OperationKey::null(),
        }
    }

    /// A new operation on a connection, begun now, whose time is up after `limit`.
    pub(crate) fn operate_within(
        &mut self,
        robot: RobotKey,
        connection: ConnectionKey,
        kind: OperationKind,
        limit: Duration,
    ) -> OperationKey {
        let now = self.now();
        let Some(slot) = self.robots.get_mut(robot) else { return OperationKey::null() };
        let timed = |key| self.wheel.insert(clock::after(now, limit), Due::Operation(key));
        self.operations.insert(&mut slot.operations, timed, (robot, connection), now, kind)
    }

    /// Sets an operation's timer on the wheel, `after` from `now`, in place of the one it had.
    pub(crate) fn time_operation(&mut self, operation: OperationKey, now: Nanos, after: Duration) {
        let timer = self.wheel.insert(clock::after(now, after), Due::Operation(operation));
        match self.operations.get_mut(operation) {
            Some(slot) => {
                let before = std::mem::replace(&mut slot.timer, timer);
                self.wheel.cancel(before);
            }
            None => drop(self.wheel.cancel(timer)),
        }
    }

    pub(crate) fn sleep(&mut self, robot: RobotKey, time: Duration) -> OperationKey {
        let now = self.now();
        let operation = self.operate(robot, None, OperationKind::Sleep, now);
        self.time_operation(operation, now, time);
        operation
    }

    pub(crate) fn every(
        &mut self,
        robot: RobotKey,
        connection: Option<ConnectionKey>,
        interval: Duration,
        exact: bool,
    ) -> OperationKey {
        let interval = nanos(interval).max(1_000);
        let now = self.now();
        let due = now.saturating_add(interval);
        let operation = self.operate(robot, connection, OperationKind::Every { interval, due, exact }, now);
        if !self.fail_if_ended(operation, connection) {
            self.arm_every(operation, due, exact);
        }
        operation
    }

    fn arm_every(&mut self, operation: OperationKey, due: Nanos, exact: bool) {
        if exact {
            self.exact.insert((due, operation));
            return;
        }
        let timer = self.wheel.insert(due, Due::Operation(operation));
        if let Some(slot) = self.operations.get_mut(operation) {
            slot.timer = timer;
        }
    }

    pub(crate) fn park(
        &mut self,
        robot: RobotKey,
        connection: Option<ConnectionKey>,
        timeout: Option<Duration>,
    ) -> OperationKey {
        let now = self.now();
        let operation = self.operate(robot, connection, OperationKind::Park, now);
        if !self.fail_if_ended(operation, connection)
            && let Some(timeout) = timeout
        {
            self.time_operation(operation, now, timeout);
        }
        operation
    }

    /// What waits on a connection that has ended already would never hear of its end.
    fn fail_if_ended(&mut self, operation: OperationKey, connection: Option<ConnectionKey>) -> bool {
        let ended = connection.is_some_and(|key| !self.connections.contains_key(key));
        if ended {
            let failure = Failure::silent(FailureKind::Closed, "wait", Duration::ZERO);
            self.settle_own(operation, Ready::Failed(Box::new(failure)));
        }
        ended
    }

    pub(crate) fn wake(&mut self, operation: OperationKey) {
        if matches!(self.operations.get(operation), Some(Operation { kind: OperationKind::Park, .. })) {
            self.settle_own(operation, Ready::Woken);
        }
    }

    /// Sends an operation's outcome to the host. From now on no time-out, cancelling or lost connection books it again.
    pub(crate) fn settle(&mut self, operation: OperationKey, outcome: Ready) {
        if self.stop_waiting(operation, OperationKind::Settled) {
            self.events.push_back(Event::Resume(operation, outcome));
        }
    }

    /// Settles an operation whose outcome its robot's own calls brought about, and not a server or the time.
    pub(crate) fn settle_own(&mut self, operation: OperationKey, outcome: Ready) {
        let (now, turn) = (self.now(), self.turn);
        let robot = self.operations.robot(operation).and_then(|robot| self.robots.get_mut(robot));
        if robot.is_none_or(|robot| robot.one_more_at_once(turn) <= AT_ONCE) {
            return self.settle(operation, outcome);
        }
        if self.stop_waiting(operation, OperationKind::Deferred(Some(outcome))) {
            self.time_operation(operation, now, Duration::ZERO);
        }
    }

    /// Takes an operation's timers away; whether there is such an operation.
    fn stop_waiting(&mut self, operation: OperationKey, kind: OperationKind) -> bool {
        let Some(slot) = self.operations.get_mut(operation) else { return false };
        let timer = std::mem::replace(&mut slot.timer, TimerId::NONE);
        let before = std::mem::replace(&mut slot.kind, kind);
        self.disarm(operation, timer, &before);
        true
    }

    fn disarm(&mut self, operation: OperationKey, timer: TimerId, kind: &OperationKind) {
        self.wheel.cancel(timer);
        if let OperationKind::Every { due, exact: true, .. } = kind {
            self.exact.remove(&(*due, operation));
        }
    }

    /// The time of a sleeping, repeating, parked or reading operation is up.
    pub(crate) fn waited(&mut self, operation: OperationKey) {
        let now = self.now();
        let Some(slot) = self.operations.get_mut(operation) else { return };
        slot.timer = TimerId::NONE;
        match &mut slot.kind {
            OperationKind::Sleep => self.settle(operation, Ready::Elapsed),
            OperationKind::Every { interval, due, exact } => {
                // Beats that were missed are skipped: a late timer must not turn into a burst.
                let missed = now.saturating_sub(*due) / *interval;
                let beat = *due;
                *due += (missed + 1) * *interval;
                let (due, exact) = (*due, *exact);
                self.arm_every(operation, due, exact);
                self.schedules.beat_due(&mut self.recorder, missed);
                let intended = if exact { beat } else { tick_at(beat).min(now) };
                self.events.push_back(Event::Resume(operation, Ready::Beat { intended }));
            }
            OperationKind::Park => {
                let elapsed = Duration::from_nanos(now - slot.begun);
                let failure = Failure::silent(FailureKind::Timeout, "wait", elapsed);
                self.settle(operation, Ready::Failed(Box::new(failure)));
            }
            OperationKind::Connect(_) => self.attempt_overdue(operation),
            OperationKind::Request(_) => self.request_overdue(operation),
            OperationKind::Http(_) => self.http_overdue(operation),
            OperationKind::Read { .. } => self.read_overdue(operation),
            OperationKind::Deferred(outcome) => {
                if let Some(outcome) = outcome.take() {
                    self.settle(operation, outcome);
                }
            }
            OperationKind::Settled => {}
        }
    }

    /// Takes an operation out because its outcome is told now; a repeating one stays.
    pub(crate) fn conclude(&mut self, operation: OperationKey, outcome: &Ready) -> bool {
        match outcome {
            Ready::Beat { .. } => self.operations.get(operation).is_some(),
            _ => self.remove_operation(operation).is_some(),
        }
    }

    /// Takes an operation out of everything it is in.
    pub(crate) fn remove_operation(&mut self, operation: OperationKey) -> Option<Operation> {
        let robot = self.operations.robot(operation)?;
        let mut nowhere = Some(operation);
        let head = self.robots.get_mut(robot).map_or(&mut nowhere, |slot| &mut slot.operations);
        let removed = self.operations.remove(head, operation)?;
        self.disarm(operation, removed.timer, &removed.kind);
        Some(removed)
    }

    /// Nobody waits for it any more: no outcome will come. A request that was waiting counts as cancelled.
    pub(crate) fn cancel(&mut self, operation: OperationKey) {
        let now = self.now();
        let Some(removed) = self.remove_operation(operation) else { return };
        match removed.kind {
            OperationKind::Request(call) => {
                if let Some(books) = call.books {
                    self.recorder.cancelled(books);
                }
                if let Some(connection) = self.connections.get_mut(removed.connection) {
                    connection.pending.cancel(operation.as_u64(), now);
                }
            }
            OperationKind::Http(call) => self.recorder.cancelled(call.books()),
            OperationKind::Connect(dial) => self.abandon_dial(&dial),
            OperationKind::Read { .. } => {
                if let Some(connection) = self.connections.get_mut(removed.connection) {
                    connection.reader = None;
                }
            }
            OperationKind::Sleep
            | OperationKind::Every { .. }
            | OperationKind::Park
            | OperationKind::Deferred(_)
            | OperationKind::Settled => {}
        }
    }

    pub(crate) fn cancel_operations(&mut self, robot: RobotKey) {
        let head = self.robots.get(robot).and_then(|slot| slot.operations);
        for operation in self.operations.chain(head) {
            self.cancel(operation);
        }
    }
}
