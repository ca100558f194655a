//! What came in a turn: readiness, reads, messages cut and handed to the host.

use super::Shard;
use super::ahead::TOGETHER;
use crate::core::Core;
use crate::core::calls::Delivery;
use crate::core::connection::Arrival;
use crate::core::flow::{Input, Step};
use crate::core::own::Cutter;
use crate::core::tracks::Told;
use crate::host::{Host, Incoming, Outcome, OwnError, Speaker};
use crate::id::{ConnectionKey, RobotKey};
use crate::poller::Readiness;
use std::sync::Arc;
use throng_wire::{HeadError, HeadKind, Nanos, RawCodec};

/// How long one connection may be read while others wait: one that never runs dry has its next turn like them.
const READ_TIME: Nanos = 2_000_000;
/// Names of hosts, and HTTP responses, that are dealt with in one turn at most.
const ANSWERS_PER_TURN: usize = 256;
/// What scripts have to write waits for the rest of its batch no longer than this, where they take their time.
const LONGEST_WAIT: Nanos = 200_000;

impl<H: Host> Shard<H> {
    pub(super) fn receive_ready(&mut self) {
        self.more_answers = !(self.take_addresses() & self.take_responses());
        self.run_events();
        for key in std::mem::take(&mut self.again) {
            self.receive(key, true);
        }
        let ready = std::mem::take(&mut self.ready);
        for batch in ready.chunks(TOGETHER) {
            self.warm(batch);
            self.read_ahead(batch);
            let mut flushed = None;
            for (place, readiness) in batch.iter().enumerate() {
                let Some(now) = self.handle_readiness(place, *readiness) else { continue };
                if now - *flushed.get_or_insert(now) > LONGEST_WAIT {
                    self.flush();
                    flushed = Some(now);
                }
            }
            self.flush();
        }
        self.ready = ready;
    }

    /// Hands addresses of names to those who asked; whether there are no more.
    fn take_addresses(&mut self) -> bool {
        for _ in 0..ANSWERS_PER_TURN {
            let answer = self.core.borrow_mut().net.resolver_answer();
            let Some((operation, answer)) = answer else { return true };
            self.core.borrow_mut().resolver_answered(operation, answer);
        }
        false
    }

    /// Hands HTTP responses to those who asked; whether there are no more.
    fn take_responses(&mut self) -> bool {
        for _ in 0..ANSWERS_PER_TURN {
            let answer = self.core.borrow_mut().net.http_answer();
            let Some(answer) = answer else { return true };
            self.core.borrow_mut().http_answered(answer);
        }
        false
    }

    /// Reads a little of everything that the messages of some connections will need. Each of these reads misses the
    /// processor's caches when there are many robots, and the processor waits for all of them at once here, where nothing
    /// depends on the last: one by one they would make a request a tenth dearer.
    fn warm(&self, some: &[Readiness]) {
        let core = self.core.borrow();
        let read: usize = some
            .iter()
            .map(|readiness| {
                let (read, operation) = core.warm(readiness.connection);
                read + operation.map_or(0, |operation| self.host.warm(operation))
            })
            .fold(0, usize::wrapping_add);
        std::hint::black_box(read);
    }

    /// Returns when it was looked at, if it gave something.
    fn handle_readiness(&mut self, place: usize, readiness: Readiness) -> Option<Nanos> {
        if readiness.writable {
            self.core.borrow_mut().writable(readiness.connection);
            // A script is told of its connection before what the server says first is looked at.
            self.run_events();
        }
        if readiness.readable { self.receive_ahead(place, readiness) } else { None }
    }

    /// Writes what connections have to write, with one call to the system for each.
    pub(super) fn flush(&mut self) {
        let mut core = self.core.borrow_mut();
        core.flush_all();
        self.again.append(&mut core.read_out);
        drop(core);
        self.run_events();
    }

    /// Reads what a connection has; `ended` when the peer's end is known to follow.
    pub(super) fn receive(&mut self, key: ConnectionKey, ended: bool) {
        let mut began = None;
        loop {
            let input = self.core.borrow_mut().read(key, &mut self.buffer, self.wall);
            let Input::Bytes { count, more, mut arrival } = input else { return self.run_events() };
            let buffer = std::mem::take(&mut self.buffer);
            self.look_at(key, &buffer[..count], &mut arrival);
            self.buffer = buffer;
            if !more && !ended {
                return;
            }
            if self.clock.now() - *began.get_or_insert(arrival.read) >= READ_TIME {
                return self.again.push(key);
            }
        }
    }

    /// Sees to bytes that were read, and to what follows from them.
    #[inline]
    pub(super) fn look_at(&mut self, key: ConnectionKey, bytes: &[u8], arrival: &mut Arrival) {
        if !bytes.is_empty() {
            // A script is told of its connection before what the server says first is looked at.
            self.run_events();
            self.take_in(key, bytes, arrival);
        }
        self.run_events();
    }

    /// Hands bytes to their connection: a stream keeps them for its script, a channel cuts them into messages.
    fn take_in(&mut self, key: ConnectionKey, bytes: &[u8], arrival: &mut Arrival) {
        let (whole, cutter) = {
            let mut core = self.core.borrow_mut();
            let cutter = core.cutter(key);
            if cutter == Cutter::Script {
                return core.stream_received(key, bytes);
            }
            (core.join_tail(key, bytes), cutter)
        };
        match whole {
            None => self.cut_by(cutter, key, bytes, arrival),
            Some(tail) => {
                if !tail.is_empty() {
                    self.cut_by(cutter, key, &tail, arrival);
                    self.core.borrow_mut().pools.take_tail(tail);
                }
            }
        }
    }

    #[inline]
    fn cut_by(&mut self, cutter: Cutter, key: ConnectionKey, input: &[u8], arrival: &mut Arrival) {
        match cutter {
            Cutter::Channel | Cutter::Script => self.cut_all(key, input, arrival, Self::deliver),
            Cutter::Host => self.cut_by_host(key, input, arrival),
            Cutter::Lent => self.cut_lent(key, input, arrival),
        }
    }

    /// Cuts with a connection's channel and has `take` see to each message.
    #[inline]
    pub(super) fn cut_all(
        &mut self,
        key: ConnectionKey,
        input: &[u8],
        arrival: &mut Arrival,
        take: impl Fn(&mut Self, ConnectionKey, &[u8], &mut Arrival),
    ) {
        let mut at = 0;
        // An input that is used up leaves nothing to be cut.
        while at < input.len() {
            let step = self.core.borrow_mut().cut(key, &input[at..], &mut self.spill);
            match step {
                Step::Inside { payload, used } => {
                    let payload = &input[at + payload.start..at + payload.end];
                    take(self, key, payload, arrival);
                    at += used;
                }
                Step::Spilled { used } => {
                    let spill = std::mem::take(&mut self.spill);
                    take(self, key, &spill, arrival);
                    self.spill = spill;
                    at += used;
                }
                Step::Other { used } => {
                    at += used;
                    self.run_events();
                }
                Step::Incomplete | Step::Gone => return,
            }
        }
    }

    /// Tells the host about one message. What it wakes runs to its next block before the next message is cut.
    pub(super) fn deliver(&mut self, key: ConnectionKey, payload: &[u8], arrival: &mut Arrival) {
        let Some((robot, label, before)) = self.core.borrow().speaker(key) else { return };
        self.learn_protocols(label);
        let Some(whole) = &self.protocols[label] else { return };
        let protocol = whole.after(before);
        let mut scratch = std::mem::take(&mut self.scratch);
        let read = match protocol.own().head {
            false => protocol.read(payload, &mut scratch),
            true => match self.host.head(&Speaker { robot, connection: key, protocol }, payload) {
                Ok(own) => Ok(own.of(payload)),
                Err(OwnError::Malformed(text)) => Err(HeadError::Own(text)),
                Err(OwnError::Broken(error)) => {
                    self.core.borrow_mut().own_function_failed(key, robot, &error);
                    self.scratch = scratch;
                    return self.run_events();
                }
            },
        };
        match read {
            Ok(mut head) => {
                if !Arc::ptr_eq(whole, protocol) {
                    // Ids of what is spoken first mean other messages in the books.
                    (head.message, head.unknown_name) = (None, Some(RawCodec::RECEIVED));
                }
                let delivery = self.core.borrow_mut().arrived(key, &head, payload.len(), *arrival);
                let message =
                    |request| Incoming { protocol, message: head.message, request, body: head.body, payload };
                match delivery {
                    Delivery::Reply { operation, request, elapsed } => {
                        self.host
                            .resume(operation, Outcome::Reply { message: message(Some(request)), elapsed });
                    }
                    Delivery::Rejected { operation, request, elapsed, code } => {
                        let failure = self.core.borrow().rejection(key, request, elapsed, code);
                        self.host.resume(operation, Outcome::Failed(&failure));
                    }
                    Delivery::Push => {
                        let asked = matches!(head.kind, HeadKind::Request { .. });
                        if asked {
                            self.core.borrow_mut().ask(key, &head);
                        }
                        self.core.borrow_mut().told =
                            Some(Told { connection: key, received: arrival.received });
                        let handled = self.host.push(robot, key, message(None));
                        let mut core = self.core.borrow_mut();
                        core.told = None;
                        if handled {
                            core.push_handled(label, head.message);
                        }
                        drop(core);
                        if asked {
                            self.core.borrow_mut().question = None;
                        }
                    }
                    Delivery::Nobody => {}
                }
            }
            Err(error) => self.core.borrow_mut().unreadable(key, &error.to_string(), payload),
        }
        arrival.fresh = false;
        self.core.borrow_mut().close_if_malformed(key, protocol.on_malformed);
        self.scratch = scratch;
        self.run_events();
    }

    /// Keeps the labels' protocols at hand, so that no reference count is touched for a message.
    pub(super) fn learn_protocols(&mut self, label: usize) {
        let core = self.core.borrow();
        while self.protocols.len() <= label {
            self.protocols.push(core.labels.get(self.protocols.len()).protocol.clone());
        }
    }
}

impl Core {
    /// Whose connection it is, its label, and how many messages came before the one that is told.
    pub(super) fn speaker(&self, key: ConnectionKey) -> Option<(RobotKey, usize, u32)> {
        let connection = self.connections.get(key)?;
        Some((connection.robot, connection.label, connection.received_before()))
    }
}
