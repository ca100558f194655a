//! How a connection ends: who is told, what is booked, what the protocol's `on_close` does.

use super::connection::{Connection, Phase};
use super::operation::OperationKind;
use super::robot::Life;
use super::routines::ActivityKind;
use super::timers::Due;
use super::{Begun, Core, Event, Ready};
use crate::clock::after;
use crate::host::{CloseReason, Failure};
use crate::id::{ActivityKey, ConnectionKey, OperationKey, RobotKey};
use crate::net::{Link, Parting};
use crate::trace::Trace;
use std::time::Duration;
use throng_metrics::{EndCause, FailureKind, no_sample};
use throng_wire::OnClose;

/// Ended connections without measures that are remembered.
const UNMEASURED: usize = 1024;

/// Why a connection ends, before its name is known.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) cause: EndCause,
    pub(crate) text: Box<str>,
    pub(crate) code: Option<u16>,
    /// What the peer said, where that is why.
    pub(crate) sample: Option<Box<str>>,
}

impl End {
    pub(crate) fn new(cause: EndCause, text: impl Into<Box<str>>) -> End {
        End { cause, text: text.into(), code: None, sample: None }
    }
}

impl Failure {
    /// A failure that is told to the script but counted nowhere yet.
    pub(crate) fn silent(kind: FailureKind, name: &str, elapsed: Duration) -> Failure {
        Failure { kind, name: name.into(), connection: None, elapsed, text: kind.phrase().into(), code: None }
    }
}

impl Core {
    /// Ends an open connection: its waiters fail, then `closed` routines run, then `on_close` applies.
    pub(crate) fn end_connection(&mut self, key: ConnectionKey, end: End) {
        let Some(connection) = self.connections.get(key) else { return };
        if let Phase::Opening(operation) = connection.phase {
            return self.opening_failed(operation, key, &end);
        }
        let on_close =
            // A stream has no protocol to say so: its script decides.
            self.labels.get(connection.label).protocol.as_ref().map_or(OnClose::Call, |p| p.on_close);
        let Some(connection) = self.take_connection(key, end.cause) else { return };
        let robot = connection.robot;
        let why = CloseReason {
            connection: connection.name.clone(),
            cause: end.cause,
            text: end.text,
            code: end.code,
        };
        self.trace(robot, |_| Trace::Closed(&why));
        self.fail_waiters(key, connection, &why);
        self.say_farewell(robot, key, &why, on_close);
    }

    /// Ends a connection of a robot whose code has been dropped: nobody is told.
    pub(crate) fn end_connection_silently(&mut self, key: ConnectionKey, cause: EndCause) {
        if let Some(connection) = self.take_connection(key, cause) {
            self.put_away(connection);
        }
    }

    /// Takes a connection out of everything, says goodbye to the peer, and books its end.
    fn take_connection(&mut self, key: ConnectionKey, cause: EndCause) -> Option<Connection> {
        let mut connection = self.connections.remove(key)?;
        if let Some(slot) = self.robots.get_mut(connection.robot) {
            slot.connections.retain(|open| *open != key);
            slot.messages += connection.messages();
        }
        self.wheel.cancel(connection.heartbeat);
        if self.labels.get(connection.label).protocol.as_ref().is_some_and(|protocol| protocol.own().is_any())
        {
            self.events.push_back(Event::Ended(key));
        }
        self.forget_layer(&mut connection);
        if connection.phase == Phase::Open
            && let Some(books) = self.labels.get(connection.label).books
        {
            let lived = self.now().saturating_sub(connection.opened);
            self.recorder.ended(books, cause, lived / 1_000);
        }
        let unsent = if connection.cut { Vec::new() } else { self.say_goodbye(&mut connection, cause) };
        if self.labels.get(connection.label).books.is_none() {
            self.unmeasured.truncate(UNMEASURED - 1);
            self.unmeasured.push_front(key);
        }
        self.part(key, &mut connection, cause, unsent);
        Some(connection)
    }

    /// Lets go of a connection's socket, in good order after what is still to be sent.
    fn part(&mut self, key: ConnectionKey, connection: &mut Connection, cause: EndCause, unsent: Vec<u8>) {
        let link = std::mem::replace(&mut connection.link, Link::Closed);
        match cause {
            _ if connection.cut => self.net.close(link, Parting::Abrupt),
            EndCause::Dropped | EndCause::Protocol | EndCause::Timeout => {
                self.net.close(link, Parting::Abrupt)
            }
            _ if self.settings.tcp.linger.is_zero() => self.net.close(link, Parting::Abrupt),
            EndCause::Truncated | EndCause::Reset => self.net.close(link, Parting::InOrder),
            EndCause::Server
            | EndCause::HalfClosed
            | EndCause::Own
            | EndCause::Replaced
            | EndCause::Storm
            | EndCause::RunEnd => {
                self.net.linger(link, key, unsent);
                self.drain(key);
                if self.net.lingers(key) {
                    // Then what still comes is answered by a reset.
                    self.wheel.insert(after(self.now(), self.settings.tcp.linger), Due::Parted(key));
                }
            }
        }
    }

    /// Writes what was to be sent and a WebSocket close frame. Returns what the kernel did not take; a peer that has gone is no
    /// news.
    fn say_goodbye(&mut self, connection: &mut Connection, cause: EndCause) -> Vec<u8> {
        let code = match cause {
            EndCause::Own | EndCause::Replaced | EndCause::Storm | EndCause::RunEnd => Some(1000),
            EndCause::Protocol => Some(1002),
            EndCause::Server | EndCause::HalfClosed => None,
            EndCause::Truncated | EndCause::Reset | EndCause::Timeout | EndCause::Dropped => {
                return Vec::new();
            }
        };
        let mut outbox = connection.outbox.take().unwrap_or_else(|| self.pools.outbox());
        if connection.phase == Phase::Open
            && let Some(channel) = &mut connection.channel
        {
            match code {
                Some(code) => channel.close(code, &mut outbox.bytes),
                // The echo of the server's own close frame, if there was one.
                None => channel.drain_control(&mut outbox.bytes),
            }
        }
        let sealed = connection.channel.as_ref().and_then(throng_wire::Channel::first_unsealed);
        outbox.bytes.truncate(sealed.unwrap_or(usize::MAX));
        let mut unsent = Vec::new();
        if !outbox.is_empty()
            && connection.link.is_connected()
            && let Ok(count) = self.net.write(&mut connection.link, &outbox.bytes[outbox.written..])
        {
            unsent = outbox.bytes.split_off(outbox.written + count);
        }
        self.pools.take_outbox(outbox);
        unsent
    }

    /// Everything that waited on the connection fails as `closed` or `reset`.
    fn fail_waiters(&mut self, key: ConnectionKey, mut connection: Connection, why: &CloseReason) {
        let kind = match why.cause {
            EndCause::Reset | EndCause::Storm => FailureKind::Reset,
            _ => FailureKind::Closed,
        };
        let waiting: Vec<OperationKey> = connection.pending.drain().map(OperationKey::from_u64).collect();
        let head = self.robots.get(connection.robot).and_then(|slot| slot.operations);
        let others = self.operations.chain(head).into_iter().filter(|operation| {
            self.operations.get(*operation).is_some_and(|slot| {
                slot.connection == key
                    && matches!(
                        slot.kind,
                        OperationKind::Park | OperationKind::Every { .. } | OperationKind::Read { .. }
                    )
            })
        });
        let all: Vec<OperationKey> = waiting.into_iter().chain(others.collect::<Vec<_>>()).collect();
        for operation in all {
            self.fail_waiter(operation, kind, &connection, why);
        }
        self.put_away(connection);
    }

    fn fail_waiter(
        &mut self,
        operation: OperationKey,
        kind: FailureKind,
        connection: &Connection,
        why: &CloseReason,
    ) {
        let now = self.now();
        let Some(slot) = self.operations.get(operation) else { return };
        let elapsed = Duration::from_nanos(now - slot.begun);
        let mut failure = Failure::silent(kind, "wait", elapsed);
        failure.connection = Some(connection.name.clone());
        failure.code = why.code.map(i64::from);
        failure.text = format!("`{}` {}{}", connection.name, why.cause.phrase(), suffix(&why.text)).into();
        if let OperationKind::Request(call) = &slot.kind {
            let call = *call;
            failure.name = self.message_name(connection.label, call.message).into();
            match (why.cause, call.books) {
                // It is the plan that gave it up, not the server that failed.
                (EndCause::Storm, Some(books)) => self.recorder.cancelled(books),
                _ => self.count_request_failure(&call, kind, &failure.text),
            }
        } else if let OperationKind::Read { .. } = &slot.kind {
            failure.name = "read".into();
            if why.cause != EndCause::Storm && self.labels.get(connection.label).books.is_some() {
                self.count_failure(kind, "read", &failure.text, None);
            }
        }
        self.settle(operation, Ready::Failed(Box::new(failure)));
    }

    fn put_away(&mut self, connection: Connection) {
        self.pools.take_tail(connection.tail);
        if let Some(outbox) = connection.outbox {
            self.pools.take_outbox(outbox);
        }
    }

    /// Runs the mods' `closed`; `on_close` follows when they have returned.
    fn say_farewell(&mut self, robot: RobotKey, key: ConnectionKey, why: &CloseReason, on_close: OnClose) {
        let Some(slot) = self.robots.get(robot) else { return };
        if slot.leaving || !matches!(slot.life, Life::Starting { .. } | Life::Playing { .. }) {
            return;
        }
        let restarts = slot.is_ready() && on_close == OnClose::Restart && is_lost(why.cause);
        let tells = on_close != OnClose::Ignore || !is_lost(why.cause);
        let listeners: Vec<usize> = (0..self.program.mods.len())
            .filter(|module| tells && self.program.mods[*module].closed && self.has_mod(robot, *module))
            .collect();
        if restarts && listeners.is_empty() {
            return self.restart(robot);
        }
        self.robots[robot].restarts_after_closed |= restarts;
        for module in listeners {
            self.begin(robot, Begun::Closed { module, connection: key, why: Box::new(why.clone()) });
        }
    }

    pub(crate) fn farewell_ended(&mut self, robot: RobotKey) {
        let Some(slot) = self.robots.get(robot).filter(|slot| slot.restarts_after_closed) else { return };
        let runs = |activity: &ActivityKey| {
            let activity = self.activities.get(*activity);
            activity.is_some_and(|activity| matches!(activity.kind, ActivityKind::Closed { .. }))
        };
        if !slot.activities.iter().any(runs) {
            self.restart(robot);
        }
    }

    /// `close()`: in good order.
    pub(crate) fn close(&mut self, key: ConnectionKey) {
        if self.connections.get(key).is_some_and(Connection::is_unsealed) {
            // Behind what encrypts its last messages.
            return self.events.push_back(Event::Close(key));
        }
        self.flush_connection(key);
        self.end_connection(key, End::new(EndCause::Own, ""));
    }

    /// `drop()`: like a pulled cable. Nothing more is sent, not even the end of the stream; what comes is ignored.
    pub(crate) fn drop_cable(&mut self, key: ConnectionKey) {
        if self.connections.contains_key(key) {
            self.pull_cable(key);
            self.end_connection(key, End::new(EndCause::Dropped, ""));
        }
    }

    /// Nothing more goes out or comes in.
    pub(crate) fn pull_cable(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.cut = true;
            self.net.abandon(std::mem::replace(&mut connection.link, Link::Closed));
        }
    }

    /// Counts a failure of a connection, unless that has no measures.
    pub(crate) fn count_failure_on(
        &mut self,
        key: ConnectionKey,
        kind: FailureKind,
        name: &str,
        message: &str,
        sample: Option<&str>,
    ) {
        if self.is_measured(key) {
            self.count_failure(kind, name, message, sample);
        }
    }

    /// Counts something wrong that came on a connection, of which nobody else is told, and shows it to whoever looks on.
    pub(crate) fn count_fault(
        &mut self,
        key: ConnectionKey,
        kind: FailureKind,
        name: &str,
        text: &str,
        sample: Option<&str>,
    ) {
        self.count_failure_on(key, kind, name, text, sample);
        if let Some(robot) = self.connections.get(key).map(|connection| connection.robot) {
            self.trace_failure(robot, kind, name, text);
        }
    }

    /// Whether what happens on a connection is counted, also when it has ended (as long as it is remembered).
    fn is_measured(&self, key: ConnectionKey) -> bool {
        match self.connections.get(key) {
            Some(connection) => self.labels.get(connection.label).books.is_some(),
            None => !self.unmeasured.contains(&key),
        }
    }

    /// Counts a failure that belongs to no request, connect or check.
    pub(crate) fn count_failure(
        &mut self,
        kind: FailureKind,
        name: &str,
        message: &str,
        sample: Option<&str>,
    ) {
        let failure = throng_metrics::Failure { kind, name, message };
        self.recorder.failed(failure, || sample.map(str::to_owned).or_else(no_sample));
    }
}

/// Whether the robot had no part in the end.
fn is_lost(cause: EndCause) -> bool {
    matches!(
        cause,
        EndCause::Server
            | EndCause::HalfClosed
            | EndCause::Truncated
            | EndCause::Reset
            | EndCause::Timeout
            | EndCause::Protocol
            | EndCause::Storm
    )
}

fn suffix(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}
