//! Requests, sends, and what becomes of the messages that come: the books of issue, reply and failure.

use super::connection::{Arrival, Phase};
use super::operation::{Call, OperationKind};
use super::{Core, Event, Ready};
use crate::clock::after;
use crate::host::{CallOptions, Failure, Question, Unsent};
use crate::id::{ConnectionKey, OperationKey, RobotKey};
use crate::trace::{Message, TakenAs, Trace};
use crate::wheel::TimerId;
use std::time::Duration;
use throng_metrics::{Answer, FailureKind, no_sample};
use throng_wire::{
    GivenField, Head, HeadKind, Match, MessageId, Outgoing, Protocol, ReplyKey, ReplyRule, WriteError,
};

/// What a heartbeat of raw bytes is called.
const HEARTBEAT: &str = "heartbeat";

/// What the shard tells the host about a message that came.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Delivery {
    /// The reply of this operation.
    Reply { operation: OperationKey, request: MessageId, elapsed: Duration },
    /// The reply of this operation, which says no.
    Rejected { operation: OperationKey, request: MessageId, elapsed: Duration, code: i64 },
    /// A message for whoever listens.
    Push,
    /// Counted; nobody is told.
    Nobody,
}

impl Core {
    /// The message of that name on a connection.
    pub(crate) fn message(&mut self, key: ConnectionKey, name: &str) -> Option<MessageId> {
        let connection = self.connections.get(key)?;
        self.labels.message(connection.label, name, connection.sent())
    }

    pub(crate) fn message_name(&self, label: usize, message: MessageId) -> String {
        self.labels.message_name(label, message).to_owned()
    }

    /// Issues a request.
    ///
    /// # Errors
    /// It cannot be sent: issued and failed in the books, which an ended connection has no more.
    pub(crate) fn request(
        &mut self,
        key: ConnectionKey,
        message: MessageId,
        body: &[u8],
        options: &CallOptions<'_>,
    ) -> Result<OperationKey, Failure> {
        let Some(connection) = self.connections.get_mut(key) else { return Err(self.gone(key, "request")) };
        let (robot, label) = (connection.robot, connection.label);
        let Some(protocol) = &self.labels.get(label).protocol else { return Err(self.no_messages(key)) };
        let protocol = protocol.after(connection.sent());
        let timeout = options.timeout.unwrap_or(protocol.request_timeout);
        let session = match protocol.reply {
            ReplyRule::Session => options
                .session
                .or_else(|| connection.pending.next_session(|session| protocol.awaits(message, session))),
            ReplyRule::Name(_) | ReplyRule::Fifo | ReplyRule::None => None,
        };
        let full = session.is_none() && matches!(protocol.reply, ReplyRule::Session);
        let reply = protocol.awaits(message, session.unwrap_or_default());
        let books = match options.measured_as {
            None => match options.group {
                None => self.labels.request(label, message, &mut self.recorder),
                Some(group) => self.labels.request_in(group, label, message, &mut self.recorder),
            },
            Some(name) if self.labels.get(label).books.is_some() => {
                let connection = self.labels.get(label).name.clone();
                Some(match options.group {
                    None => self.recorder.request(name, &connection),
                    Some(group) => self.recorder.request_in(self.labels.group_name(group), name, &connection),
                })
            }
            Some(_) => None,
        };
        if let Some(books) = books {
            self.recorder.issued(books);
        }
        let intended = std::mem::take(&mut self.intended);
        let call = Call { message, books, sent: 0, intended, quiet: options.quiet };
        if full {
            let text = "each session that its field can hold has a request that waits";
            return Err(self.refused(key, &call, FailureKind::Overflow, text));
        }
        let Some(reply) = reply else {
            let text = "no reply rule tells which message would answer it; use `send`";
            return Err(self.refused(key, &call, FailureKind::Protocol, text));
        };
        let appended = self.append(key, body.len(), |protocol, scratch, out| {
            protocol.write_with(Outgoing { message, session, given: options.given }, body, scratch, out)
        });
        match appended {
            Ok(size) => self.trace_sent(key, (Some(message), None), body, size),
            Err((kind, text)) => return Err(self.refused(key, &call, kind, &text)),
        }
        let operation = self.operate_within(robot, key, OperationKind::Request(call), timeout);
        let connection = &mut self.connections[key];
        connection.pending.issue(reply, operation.as_u64(), message, timeout);
        if let Some(outbox) = &mut connection.outbox {
            outbox.requests.push((outbox.bytes.len(), operation));
        }
        Ok(operation)
    }

    /// Has `encode` append a message's body and hands the body to `then`; `None` where there are no messages.
    pub(crate) fn encoded<T, E>(
        &mut self,
        key: ConnectionKey,
        encode: impl FnOnce(&Protocol, &mut Vec<u8>) -> Result<(), E>,
        then: impl FnOnce(&mut Core, &[u8]) -> Result<T, Failure>,
    ) -> Result<T, Unsent<E>> {
        let protocol = self.connections.get(key).and_then(|connection| {
            let protocol = self.labels.get(connection.label).protocol.as_ref()?;
            Some(protocol.after(connection.sent()))
        });
        let Some(protocol) = protocol else { return Err(Unsent::NoMessages) };
        self.body.clear();
        encode(protocol, &mut self.body).map_err(Unsent::Body)?;
        let body = std::mem::take(&mut self.body);
        let done = then(self, &body);
        self.body = body;
        done.map_err(Unsent::Refused)
    }

    /// Sends a message no one waits for a reply to.
    ///
    /// # Errors
    /// It cannot be sent; counted.
    pub(crate) fn send(
        &mut self,
        key: ConnectionKey,
        message: MessageId,
        body: &[u8],
        given: &[GivenField],
    ) -> Result<(), Failure> {
        let Some(connection) = self.connections.get(key) else { return Err(self.gone(key, "send")) };
        let label = connection.label;
        let appended = self.append(key, body.len(), |protocol, scratch, out| {
            protocol.write_with(Outgoing { message, session: None, given }, body, scratch, out)
        });
        match appended {
            Ok(size) => {
                self.book_send(label, message, size);
                self.trace_sent(key, (Some(message), None), body, size);
                Ok(())
            }
            Err((kind, text)) => {
                let name = self.message_name(label, message);
                Err(self.not_sent(key, kind, &name, &text))
            }
        }
    }

    /// Remembers what the server asks with the push that is told next, if it waits for an answer.
    pub(crate) fn ask(&mut self, key: ConnectionKey, head: &Head<'_>) {
        self.question = match head.kind {
            HeadKind::Request { session } => {
                Some(Question { connection: key, message: head.message, session })
            }
            HeadKind::Reply { .. } | HeadKind::Push | HeadKind::Any => None,
        };
    }

    /// Sends the answer to what the server asked; booked as a send of the message it asked with.
    ///
    /// # Errors
    /// It cannot be sent; counted.
    pub(crate) fn answer(&mut self, question: &Question, body: &[u8]) -> Result<(), Failure> {
        let Question { connection: key, message, session } = *question;
        let Some(connection) = self.connections.get(key) else { return Err(self.gone(key, "answer")) };
        let label = connection.label;
        let appended = self.append(key, body.len(), |protocol, scratch, out| {
            protocol.write_answer(session, body, scratch, out)
        });
        match appended {
            Ok(size) => {
                if let Some(message) = message {
                    self.book_send(label, message, size);
                }
                self.trace_sent(key, (None, message), body, size);
                Ok(())
            }
            Err((kind, text)) => {
                let name = message.map_or("answer".to_owned(), |message| self.message_name(label, message));
                Err(self.not_sent(key, kind, &name, &text))
            }
        }
    }

    #[inline]
    fn book_send(&mut self, label: usize, message: MessageId, size: usize) {
        if let Some(books) = self.labels.send(label, message, &mut self.recorder) {
            self.recorder.sent(books, size);
        }
    }

    fn not_sent(&mut self, key: ConnectionKey, kind: FailureKind, name: &str, text: &str) -> Failure {
        self.count_failure_on(key, kind, name, text, None);
        self.failure_of(key, kind, name, text)
    }

    /// Puts a whole message into the outbox: the payload that `write` appends, whose body has `length` bytes. Returns how many
    /// bytes it takes there.
    #[inline]
    fn append(
        &mut self,
        key: ConnectionKey,
        length: usize,
        write: impl FnOnce(&Protocol, &mut Vec<u8>, &mut Vec<u8>) -> Result<(), WriteError>,
    ) -> Result<usize, (FailureKind, String)> {
        let connection = &mut self.connections[key];
        let label = self.labels.get(connection.label);
        let (Some(protocol), Some(channel)) = (&label.protocol, &mut connection.channel) else {
            return Err((FailureKind::Protocol, "a stream has no messages; use `write`".to_owned()));
        };
        if connection.phase != Phase::Open {
            return Err((FailureKind::NotConnected, "the connection is not open yet".to_owned()));
        }
        let outbox = connection.outbox.get_or_insert_with(|| self.pools.outbox());
        if outbox.waiting() + length > self.settings.outbox_limit {
            let text = format!("more than {} bytes wait to be written", self.settings.outbox_limit);
            return Err((FailureKind::Backpressure, text));
        }
        let start = outbox.bytes.len();
        let mark = channel.begin(&mut outbox.bytes);
        if let Err(error) = write(protocol.after(channel.sent()), &mut self.scratch, &mut outbox.bytes) {
            outbox.bytes.truncate(start);
            return Err((FailureKind::Encode, error.to_string()));
        }
        if let Err(error) = channel.finish(&mut outbox.bytes, mark) {
            outbox.bytes.truncate(start);
            return Err((FailureKind::Encode, error.to_string()));
        }
        let size = outbox.bytes.len() - start;
        if channel.is_unsealed() {
            self.events.push_back(Event::Seal(key));
        }
        self.recorder.message_sent();
        connection.mark_dirty(key, &mut self.flush);
        Ok(size)
    }

    /// Tells the tracer of a message, or of an answer to one.
    #[inline]
    fn trace_sent(
        &mut self,
        key: ConnectionKey,
        (message, answers): (Option<MessageId>, Option<MessageId>),
        body: &[u8],
        size: usize,
    ) {
        if self.tracer.is_none() {
            return;
        }
        let connection = &self.connections[key];
        let (robot, label) = (connection.robot, self.labels.get(connection.label));
        let (connection, Some(protocol)) = (label.name.clone(), label.protocol.clone()) else { return };
        let label = self.connections[key].label;
        let name = match (message, answers) {
            (Some(message), _) => self.message_name(label, message),
            (None, Some(asked)) => format!("{} answer", self.message_name(label, asked)),
            (None, None) => "answer".to_owned(),
        };
        self.trace(robot, |_| {
            Trace::Sent(Message {
                connection: &connection,
                protocol: &protocol,
                name: &name,
                message,
                request: answers,
                body,
                size,
            })
        });
    }

    /// Finds out what a message that came is, books it, and says who is told.
    pub(crate) fn arrived(
        &mut self,
        key: ConnectionKey,
        head: &Head<'_>,
        size: usize,
        arrival: Arrival,
    ) -> Delivery {
        self.recorder.message_received();
        let Some(connection) = self.connections.get_mut(key) else { return Delivery::Nobody };
        let (robot, label) = (connection.robot, connection.label);
        let Some(protocol) = &self.labels.get(label).protocol else { return Delivery::Nobody };
        let protocol = protocol.after(connection.received_before());
        let answers = protocol.answers(head);
        let found = match answers.filter(|key| connection.comes_before_its_request(*key)) {
            // Most likely the second copy of an older reply, read together with the first one.
            Some(ReplyKey::Name(_)) => Match::Push,
            Some(ReplyKey::Fifo | ReplyKey::Session(_)) => Match::Orphan,
            None => connection.pending.resolve(answers, arrival.received),
        };
        let (delivery, taken_as, request) = match found {
            Match::Reply { operation, request } => {
                let refused = protocol.refused(request, head);
                let reply = (request, size);
                match self.answered(OperationKey::from_u64(operation), reply, refused, arrival) {
                    Some((delivery, elapsed)) => (delivery, TakenAs::Reply(elapsed), Some(request)),
                    None => (Delivery::Nobody, TakenAs::Orphan, None),
                }
            }
            Match::Push => {
                self.count_push(label, head, size);
                (Delivery::Push, TakenAs::Push, None)
            }
            Match::Late { request } => {
                (self.stray(label, request, TakenAs::Late), TakenAs::Late, Some(request))
            }
            Match::Duplicate { request } => {
                (self.stray(label, request, TakenAs::Duplicate), TakenAs::Duplicate, Some(request))
            }
            Match::Ambiguous { request } => {
                (self.stray(label, request, TakenAs::Ambiguous), TakenAs::Ambiguous, Some(request))
            }
            Match::Orphan => {
                if let Some(books) = self.labels.get(label).books {
                    self.recorder.orphan(books);
                }
                (Delivery::Nobody, TakenAs::Orphan, None)
            }
        };
        if self.tracer.is_some() {
            self.trace_received(robot, label, head, request, size, taken_as);
        }
        delivery
    }

    fn trace_received(
        &mut self,
        robot: RobotKey,
        label: usize,
        head: &Head<'_>,
        request: Option<MessageId>,
        size: usize,
        taken_as: TakenAs,
    ) {
        let (connection, Some(protocol)) =
            (self.labels.get(label).name.clone(), self.labels.get(label).protocol.clone())
        else {
            return;
        };
        let name = head.message.map(|message| self.message_name(label, message));
        let named_by_request =
            || request.map(|request| format!("{} reply", self.message_name(label, request)));
        let name =
            name.or_else(named_by_request).or(head.unknown_name.map(str::to_owned)).unwrap_or_default();
        let message = Message {
            connection: &connection,
            protocol: &protocol,
            name: &name,
            message: head.message,
            request,
            body: head.body,
            size,
        };
        self.trace(robot, |_| Trace::Received { message, taken_as });
    }

    /// A waiting request has its reply.
    fn answered(
        &mut self,
        operation: OperationKey,
        (request, size): (MessageId, usize),
        refused: Option<i64>,
        arrival: Arrival,
    ) -> Option<(Delivery, Duration)> {
        let removed = self.remove_operation(operation)?;
        let OperationKind::Request(call) = removed.kind else { return None };
        let sent = if call.sent == 0 { removed.begun } else { call.sent };
        // A wall clock that was set back makes kernel stamps too early; then the read's time stands.
        let received = if arrival.received < sent { arrival.read } else { arrival.received };
        let latency = received.saturating_sub(sent);
        self.answered_last = Some(call);
        if let Some(books) = call.books {
            // A read's first message is told of at once; a clock is dear.
            let told = if arrival.fresh { arrival.read } else { self.now() };
            let observed = told.saturating_sub(removed.begun);
            let generator = observed.saturating_sub(latency);
            let answer = Answer {
                latency_us: latency / 1000,
                intended_us: (call.intended != 0).then(|| received.saturating_sub(call.intended) / 1000),
                observed_us: observed / 1000,
                generator_us: generator / 1000,
            };
            self.recorder.answered(books, answer);
            self.recorder.replied(books, size);
        }
        let elapsed = Duration::from_nanos(latency);
        let delivery = match refused {
            None => Delivery::Reply { operation, request, elapsed },
            Some(code) => {
                self.count_rejection(code);
                Delivery::Rejected { operation, request, elapsed, code }
            }
        };
        Some((delivery, elapsed))
    }

    /// The reply that is being told says no: its latency counts, and its request has failed.
    fn count_rejection(&mut self, code: i64) {
        let Some(Call { books: Some(books), quiet, .. }) = self.answered_last.take() else { return };
        self.recorder.answer_refused(books);
        match quiet {
            true => self.recorder.request_failed_quietly(books, FailureKind::Rejected),
            false => {
                let text = format!("code {code}");
                self.recorder.request_failed(books, FailureKind::Rejected, &text, no_sample);
            }
        }
    }

    /// What a script is told of a reply that says no.
    pub(crate) fn rejection(
        &self,
        key: ConnectionKey,
        request: MessageId,
        elapsed: Duration,
        code: i64,
    ) -> Failure {
        let name = self.connections.get(key).map(|connection| self.message_name(connection.label, request));
        let text = format!("code {code}");
        let failure = self.failure_of(key, FailureKind::Rejected, &name.unwrap_or_default(), &text);
        Failure { elapsed, code: Some(code), ..failure }
    }

    /// The reply that is being told cannot be decoded: its request has failed after all.
    pub(crate) fn reply_undecodable(&mut self, text: &str, sample: Option<&str>) {
        self.malformed = Some(text.into());
        let Some(Call { books: Some(books), quiet, .. }) = self.answered_last.take() else { return };
        self.recorder.answer_refused(books);
        match quiet {
            true => self.recorder.request_failed_quietly(books, FailureKind::Decode),
            false => {
                let sample = || sample.map(str::to_owned).or_else(no_sample);
                self.recorder.request_failed(books, FailureKind::Decode, text, sample);
            }
        }
    }

    fn stray(&mut self, label: usize, request: MessageId, taken_as: TakenAs) -> Delivery {
        if let Some(books) = self.labels.request(label, request, &mut self.recorder) {
            match taken_as {
                TakenAs::Late => self.recorder.late(books),
                TakenAs::Duplicate => self.recorder.duplicate(books),
                TakenAs::Ambiguous => self.recorder.ambiguous(books),
                TakenAs::Reply(_) | TakenAs::Push | TakenAs::Orphan => {}
            }
        }
        Delivery::Nobody
    }

    fn count_push(&mut self, label: usize, head: &Head<'_>, size: usize) {
        let books = match head.message {
            Some(message) => self.labels.push(label, message, &mut self.recorder),
            None => {
                let label = self.labels.get(label);
                let name = head.unknown_name.unwrap_or("_unknown");
                label.books.map(|_| self.recorder.push(name, &label.name))
            }
        };
        if let Some(books) = books {
            self.recorder.pushed(books, size);
        }
    }

    /// Somebody listened to a push, and may have ended its connection since.
    pub(crate) fn push_handled(&mut self, label: usize, message: Option<MessageId>) {
        if let Some(message) = message
            && let Some(books) = self.labels.push(label, message, &mut self.recorder)
        {
            self.recorder.push_handled(books);
        }
    }

    /// The time of a request is up.
    pub(crate) fn request_overdue(&mut self, operation: OperationKey) {
        let now = self.now();
        let Some(slot) = self.operations.get_mut(operation) else { return };
        let OperationKind::Request(call) = slot.kind else { return };
        let (begun, key) = (slot.begun, slot.connection);
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.pending.expire(operation.as_u64(), now);
        let text = "no reply in time";
        self.count_request_failure(&call, FailureKind::Timeout, text);
        let label = self.connections[key].label;
        let name = self.message_name(label, call.message);
        let mut failure = self.failure_of(key, FailureKind::Timeout, &name, text);
        failure.elapsed = Duration::from_nanos(now - begun);
        let robot = self.connections[key].robot;
        self.trace(robot, |_| Trace::Failed(&failure));
        self.settle(operation, Ready::Failed(Box::new(failure)));
    }

    /// Books the failure of a request.
    pub(crate) fn count_request_failure(&mut self, call: &Call, kind: FailureKind, text: &str) {
        let Some(books) = call.books else { return };
        match call.quiet {
            true => self.recorder.request_failed_quietly(books, kind),
            false => self.recorder.request_failed(books, kind, text, no_sample),
        }
    }

    fn refused(&mut self, key: ConnectionKey, call: &Call, kind: FailureKind, text: &str) -> Failure {
        self.count_request_failure(call, kind, text);
        let name = self.message_name(self.connections[key].label, call.message);
        self.failure_of(key, kind, &name, text)
    }

    pub(crate) fn failure_of(
        &self,
        key: ConnectionKey,
        kind: FailureKind,
        name: &str,
        text: &str,
    ) -> Failure {
        let connection = self.connections.get(key).map(|connection| connection.name.clone());
        Failure {
            kind,
            name: name.into(),
            connection,
            elapsed: Duration::ZERO,
            text: text.into(),
            code: None,
        }
    }

    /// A message for a connection that has ended.
    fn gone(&mut self, key: ConnectionKey, call: &str) -> Failure {
        self.count_failure_on(key, FailureKind::Closed, call, FailureKind::Closed.phrase(), None);
        Failure::silent(FailureKind::Closed, call, Duration::ZERO)
    }

    fn no_messages(&mut self, key: ConnectionKey) -> Failure {
        let text = "a stream has no messages; use `write`";
        self.count_failure_on(key, FailureKind::Protocol, "request", text, None);
        self.failure_of(key, FailureKind::Protocol, "request", text)
    }

    /// Sends a connection's heartbeat and sets the next.
    pub(crate) fn heartbeat(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.heartbeat = TimerId::NONE;
        let label = connection.label;
        let Some(protocol) = self.labels.get(label).protocol.clone() else { return };
        let Some(heartbeat) = &protocol.heartbeat else { return };
        let sent = connection.sent();
        if !std::sync::Arc::ptr_eq(protocol.after(sent), &protocol) {
            // What is spoken first has no heartbeat.
            return self.start_heartbeat(key);
        }
        let message = match protocol.codec.names_are_open() {
            true => self.labels.message(label, HEARTBEAT, sent).unwrap_or(heartbeat.send),
            false => heartbeat.send,
        };
        if protocol.own().writes() {
            self.events.push_back(Event::Beat(key, message));
            return self.start_heartbeat(key);
        }
        // A heartbeat that cannot be sent was counted; the next one may fare better.
        let _ = self.send(key, message, &heartbeat.body, &[]);
        self.start_heartbeat(key);
    }

    pub(crate) fn start_heartbeat(&mut self, key: ConnectionKey) {
        let now = self.now();
        let Some(connection) = self.connections.get(key) else { return };
        let heartbeat = self
            .labels
            .get(connection.label)
            .protocol
            .as_ref()
            .and_then(|protocol| protocol.heartbeat.as_ref());
        if let Some(every) = heartbeat.map(|heartbeat| heartbeat.every) {
            let timer = self.wheel.insert(after(now, every), super::timers::Due::Heartbeat(key));
            self.connections[key].heartbeat = timer;
        }
    }
}
