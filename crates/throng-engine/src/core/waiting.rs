//! Sleeping, repeating, parking and waking: operations that no server has a part in.

use super::operation::{Operation, OperationKind};
use super::timers::Due;
use super::{Core, Event, Ready};
use crate::clock::nanos;
use crate::host::Failure;
use crate::id::{ConnectionKey, OperationKey, RobotKey};
use crate::wheel::TimerId;
use slotmap::Key;
use std::cmp::Reverse;
use std::time::Duration;
use throng_metrics::FailureKind;
use throng_wire::Nanos;

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
            Some(slot) => self.operations.insert(&mut slot.operations, robot, connection, now, kind),
            None => OperationKey::null(),
        }
    }

    /// Sets an operation's timer on the wheel, `after` from `now`.
    pub(crate) fn time_operation(&mut self, operation: OperationKey, now: Nanos, after: Duration) {
        let deadline = now.saturating_add(nanos(after));
        let timer = self.wheel.insert(deadline, Due::Operation(operation));
        match self.operations.get_mut(operation) {
            Some(slot) => slot.timer = timer,
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
        self.arm_every(operation, due, exact);
        operation
    }

    fn arm_every(&mut self, operation: OperationKey, due: u64, exact: bool) {
        if exact {
            self.exact.push(Reverse((due, operation)));
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
        if let Some(timeout) = timeout {
            self.time_operation(operation, now, timeout);
        }
        operation
    }

    pub(crate) fn wake(&mut self, operation: OperationKey) {
        if matches!(self.operations.get(operation), Some(Operation { kind: OperationKind::Park, .. })) {
            self.events.push_back(Event::Resume(operation, Ready::Woken));
        }
    }

    /// The time of a sleeping, repeating, parked or reading operation is up.
    pub(crate) fn waited(&mut self, operation: OperationKey) {
        let now = self.now();
        let Some(slot) = self.operations.get_mut(operation) else { return };
        slot.timer = TimerId::NONE;
        match &mut slot.kind {
            OperationKind::Sleep => self.events.push_back(Event::Resume(operation, Ready::Elapsed)),
            OperationKind::Every { interval, due, exact } => {
                // Beats that were missed are skipped: a late timer must not turn into a burst.
                let missed = now.saturating_sub(*due) / *interval;
                *due += (missed + 1) * *interval;
                let (due, exact) = (*due, *exact);
                self.arm_every(operation, due, exact);
                self.events.push_back(Event::Resume(operation, Ready::Elapsed));
            }
            OperationKind::Park => {
                let elapsed = Duration::from_nanos(now - slot.begun);
                let failure = Failure::silent(FailureKind::Timeout, "wait", elapsed);
                self.events.push_back(Event::Resume(operation, Ready::Failed(Box::new(failure))));
            }
            OperationKind::Connect(_) => self.attempt_overdue(operation),
            OperationKind::Request(_) => self.request_overdue(operation),
            OperationKind::Read { .. } => self.read_overdue(operation),
        }
    }

    /// Takes an operation out because its outcome is told now; a repeating one stays.
    pub(crate) fn conclude(&mut self, operation: OperationKey, outcome: &Ready) -> bool {
        let Some(slot) = self.operations.get(operation) else { return false };
        let goes_on = matches!(slot.kind, OperationKind::Every { .. }) && matches!(outcome, Ready::Elapsed);
        if !goes_on {
            self.remove_operation(operation);
        }
        true
    }

    /// Takes an operation out of everything it is in.
    pub(crate) fn remove_operation(&mut self, operation: OperationKey) -> Option<Operation> {
        let robot = self.operations.robot(operation)?;
        let mut nowhere = Some(operation);
        let head = self.robots.get_mut(robot).map_or(&mut nowhere, |slot| &mut slot.operations);
        let removed = self.operations.remove(head, operation)?;
        self.wheel.cancel(removed.timer);
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
            OperationKind::Connect(dial) => self.abandon_dial(&dial),
            OperationKind::Read { .. } => {
                if let Some(connection) = self.connections.get_mut(removed.connection) {
                    connection.reader = None;
                }
            }
            OperationKind::Sleep | OperationKind::Every { .. } | OperationKind::Park => {}
        }
    }

    pub(crate) fn cancel_operations(&mut self, robot: RobotKey) {
        let head = self.robots.get(robot).and_then(|slot| slot.operations);
        for operation in self.operations.chain(head) {
            self.cancel(operation);
        }
    }
}
