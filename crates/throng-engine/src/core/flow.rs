//! Bytes out and in: flushing once a turn, reading into the shard's buffer, cutting messages.

use super::Core;
use super::connection::{Arrival, Connection, Phase};
use super::ending::End;
use super::timers::Due;
use crate::id::{ConnectionKey, OperationKey};
use crate::net::Traffic;
use crate::net::tcp::{self, Read};
use crate::net::{tls, udp};
use crate::sample::sample;
use std::io::{self, ErrorKind};
use std::ops::Range;
use throng_metrics::{EndCause, FailureKind, LagSource};
use throng_wire::{ChannelError, Nanos, OnMalformed, Received};

/// A kernel stamp is believed when it lies at most this far before the read.
const OLDEST_STAMP: Nanos = 60_000_000_000;

/// The longest text of an error that may quote a server, in bytes.
const LONGEST_TEXT: usize = 300;
/// What is said of a stream that ends while its TLS does not: whoever cuts a cable can do the same.
const NO_FAREWELL: &str = "the stream ended without TLS's close_notify";
/// What is said of a server that ends the connection instead of the handshake.
const CLOSED_EARLY: &str = "the server closed before the TLS handshake was done";

/// Whether the peer said itself that it sends no more. Without TLS the end of the stream says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Farewell {
    Said,
    Missing,
}

/// What a read means for a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input {
    /// As many bytes lie in the shard's buffer; whether another read may find something at once.
    Bytes { count: usize, more: bool, arrival: Arrival },
    /// There is nothing more for now, or no connection.
    Nothing,
}

/// What the start of some input is.
#[derive(Debug)]
pub(crate) enum Step {
    /// A message; its payload lies in the input.
    Inside { payload: Range<usize>, used: usize },
    /// A message; its payload was put into the spill buffer.
    Spilled { used: usize },
    /// Something of the layer's own.
    Other { used: usize },
    /// No whole message; the rest was kept.
    Incomplete,
    /// The connection has ended.
    Gone,
}

/// The difference of the wall clock to the run's clock, so that kernel stamps can be told in run time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WallOffset(i128);

impl WallOffset {
    /// Reads both clocks a few times and believes the try that was disturbed least.
    pub(crate) fn measure(clock: &crate::clock::Clock) -> WallOffset {
        let tries = (0..5).map(|_| {
            let (before, wall, after) = (clock.now(), clock.wall(), clock.now());
            let middle = before + (after - before) / 2;
            (after - before, wall.as_nanos() as i128 - i128::from(middle))
        });
        WallOffset(tries.min_by_key(|(took, _)| *took).map_or(0, |(_, offset)| offset))
    }

    /// When the kernel received it, in run time; `read` for a stamp that cannot be right (the wall clock was set).
    fn received(self, stamp: std::time::Duration, read: Nanos) -> Nanos {
        let received = stamp.as_nanos() as i128 - self.0;
        let read_at = i128::from(read);
        let plausible = received <= read_at && received >= read_at - i128::from(OLDEST_STAMP) && received > 0;
        if plausible { received as Nanos } else { read }
    }
}

impl Core {
    /// The kernel takes bytes of a connection's again: what waits for that is to be written.
    pub(crate) fn writable(&mut self, key: ConnectionKey) {
        if self.connections.get(key).is_some_and(Connection::is_idle) {
            return;
        }
        self.transport_ready(key);
        match self.connections.get(key) {
            Some(connection) if connection.outbox.is_some() => self.mark_dirty(key),
            Some(_) => {}
            None => self.drain(key),
        }
    }

    /// Reads a little of a connection, and of the operation that waits on it first.
    pub(crate) fn warm(&self, key: ConnectionKey) -> (usize, Option<OperationKey>) {
        let Some(connection) = self.connections.get(key) else { return (0, None) };
        let read =
            connection.label ^ connection.wanted ^ connection.tail.len() ^ usize::from(connection.paused);
        let operation = connection.pending.first().map(OperationKey::from_u64);
        let owned = operation.and_then(|operation| self.operations.get(operation));
        let robot = self.robots.get(connection.robot);
        let read = read
            ^ owned.map_or(0, |operation| operation.begun as usize)
            ^ robot.map_or(0, |robot| robot.id.0 as usize);
        (read, operation)
    }

    /// The connection has something to write with the next flush.
    pub(crate) fn mark_dirty(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.mark_dirty(key, &mut self.flush);
        }
    }

    /// Writes what every connection has to write.
    pub(crate) fn flush_all(&mut self) {
        let mut list = std::mem::take(&mut self.flush);
        for key in list.drain(..) {
            self.flush_connection(key);
        }
        // Flushing can end connections, whose replacements may have marked themselves meanwhile.
        list.append(&mut self.flush);
        self.flush = list;
    }

    /// Writes what the kernel takes of a connection's outbox.
    pub(crate) fn flush_connection(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.dirty = false;
        let Some(outbox) = &connection.outbox else { return };
        let hindered = connection.cut
            || connection.write_error.is_some()
            || !connection.link.is_connected()
            || connection.is_unsealed();
        if hindered || outbox.is_empty() {
            return;
        }
        let mut outbox = connection.outbox.take().unwrap_or_default();
        let datagrams = connection.link.is_datagrams();
        self.net.prepare(&mut connection.link, &outbox.bytes[outbox.written..]);
        let now = self.clock.now();
        let written = self.net.write(&mut connection.link, &outbox.bytes[outbox.written..]);
        match written {
            Ok(count) => {
                outbox.written += count;
                for operation in outbox.take_written() {
                    self.operations.stamp_sent(operation, now);
                }
                if outbox.is_empty() {
                    self.pools.take_outbox(outbox);
                } else {
                    outbox.compact();
                    connection.outbox = Some(outbox);
                }
                if datagrams {
                    self.look_after(key);
                }
            }
            Err(error) => {
                connection.outbox = Some(outbox);
                // Replies may have come before the peer went.
                connection.write_error = Some(error);
                self.read_out.push(key);
            }
        }
    }

    fn return_outbox(&mut self, key: ConnectionKey) {
        if let Some(outbox) = self.connections[key].outbox.take() {
            self.pools.take_outbox(outbox);
        }
    }

    /// Reads once from a connection's socket into `buffer`.
    pub(crate) fn read(&mut self, key: ConnectionKey, buffer: &mut [u8], wall: WallOffset) -> Input {
        let Some(connection) = self.connections.get_mut(key) else {
            self.drain(key);
            return Input::Nothing;
        };
        if connection.paused {
            return Input::Nothing;
        }
        let connected = connection.link.is_connected();
        let read = self.net.read(&mut connection.link, buffer);
        let input = self.book_read(key, read, wall);
        if !connected && matches!(input, Input::Bytes { .. }) {
            self.handshake_went_on(key);
        }
        input
    }

    /// Reads once from a connection's socket into `buffer`, and does nothing about it. `None`: there is something to be done
    /// for the connection before.
    pub(crate) fn read_ahead(&mut self, key: ConnectionKey, buffer: &mut [u8]) -> Option<io::Result<Read>> {
        let connection = self.connections.get_mut(key)?;
        if connection.paused || !connection.is_idle() || connection.link.is_datagrams() {
            return None;
        }
        Some(self.net.read(&mut connection.link, buffer))
    }

    /// Does what a read of a connection's socket asks for. The time of the read is now: what was read ahead has waited so long.
    pub(crate) fn book_read(
        &mut self,
        key: ConnectionKey,
        read: io::Result<Read>,
        wall: WallOffset,
    ) -> Input {
        let Some(connection) = self.connections.get_mut(key) else {
            self.drain(key);
            return Input::Nothing;
        };
        let datagrams = connection.link.is_datagrams();
        match read {
            Ok(Read::Bytes { count, stamp, more }) => {
                let read = self.clock.now();
                let received = stamp.map_or(read, |stamp| wall.received(stamp, read));
                if stamp.is_some() {
                    let ready = received.max(connection.resumed).min(read);
                    self.recorder.lag(LagSource::Ready, (read - ready) / 1000);
                }
                if datagrams {
                    self.look_after(key);
                }
                Input::Bytes { count, more, arrival: Arrival { read, received, fresh: true } }
            }
            Ok(Read::Empty) => {
                let refused = datagrams && connection.write_error.as_ref().is_some_and(udp::is_refused);
                if let Some(end) = connection.write_error.as_ref().map(lost_by) {
                    if refused {
                        self.count_refusal(key);
                    }
                    self.end_input(key, end);
                }
                Input::Nothing
            }
            Ok(Read::End) => {
                self.input_ended(key, Farewell::Said);
                Input::Nothing
            }
            Ok(Read::CutOff) => {
                self.input_ended(key, Farewell::Missing);
                Input::Nothing
            }
            Err(error) => {
                let rejected = sample_of(connection.link.rejected());
                self.count_broken_tls(key, &error, rejected.as_deref());
                if datagrams && udp::is_refused(&error) {
                    self.count_refusal(key);
                }
                self.end_input(key, End { sample: rejected, ..lost_by(&error) });
                Input::Nothing
            }
        }
    }

    /// A server that breaks TLS, or says with an alert what it does not like, after the handshake. A handshake that fails is
    /// counted as the connect it belongs to.
    fn count_broken_tls(&mut self, key: ConnectionKey, error: &io::Error, rejected: Option<&str>) {
        let Some(error) = tls::failure(error) else { return };
        let open = |connection: &&Connection| connection.phase == Phase::Open;
        if let Some(connection) = self.connections.get(key).filter(open) {
            let name = connection.name.clone();
            self.count_failure_on(key, FailureKind::Tls, &name, &told(error), rejected);
        }
    }

    /// Writes what is left of a connection that was closed, and reads what still comes; only the bytes count.
    pub(crate) fn drain(&mut self, key: ConnectionKey) {
        self.net.drain(key);
        if let Some((deadline, timer)) = self.net.sooner(key) {
            self.wheel.cancel(timer);
            let timer = self.wheel.insert(deadline, Due::Layer(key));
            self.net.keep_timer(key, timer);
        }
    }

    /// Books the bytes that went over all sockets.
    pub(crate) fn book_traffic(&mut self) {
        let Traffic { sent, received } = self.net.take_traffic();
        self.recorder.bytes_sent(sent);
        self.recorder.bytes_received(received);
    }

    /// The peer sends no more.
    fn input_ended(&mut self, key: ConnectionKey, farewell: Farewell) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        // The write took the socket's error away, so that the read ends as if in good order. A broken pipe alone only says
        // that the peer had ended before.
        let lost = connection.write_error.as_ref().filter(|error| error.kind() != ErrorKind::BrokenPipe);
        let end = match (lost, connection.channel.as_ref().map(throng_wire::Channel::end_of_input)) {
            (Some(error), _) => lost_by(error),
            _ if connection.link.is_shaking_hands() => End::new(EndCause::Truncated, CLOSED_EARLY),
            (None, Some(Err(error))) => End::new(EndCause::Truncated, error.to_string()),
            (None, _) if farewell == Farewell::Missing => End::new(EndCause::Truncated, NO_FAREWELL),
            // TCP does not tell whether the server would still listen: a closed socket and a half-closed one send the same
            // segment, and only what we send afterwards is answered otherwise.
            (None, _) if !connection.pending.is_empty() => End::new(EndCause::HalfClosed, ""),
            (None, _) => End::new(EndCause::Server, ""),
        };
        if end.cause == EndCause::Truncated {
            self.count_half_message(key);
        }
        self.end_input(key, end);
    }

    /// Puts received bytes behind the kept tail of their connection. `None`: there is no tail, the bytes stand alone;
    /// an empty answer: still nothing whole.
    pub(crate) fn join_tail(&mut self, key: ConnectionKey, bytes: &[u8]) -> Option<Vec<u8>> {
        let connection = self.connections.get_mut(key).filter(|connection| !connection.tail.is_empty())?;
        connection.tail.extend_from_slice(bytes);
        if connection.tail.len() < connection.wanted {
            return Some(Vec::new());
        }
        Some(std::mem::take(&mut connection.tail))
    }

    /// Cuts what stands at the start of `input`. An incomplete rest is kept by the connection.
    pub(crate) fn cut(&mut self, key: ConnectionKey, input: &[u8], spill: &mut Vec<u8>) -> Step {
        let Some(connection) = self.connections.get_mut(key) else { return Step::Gone };
        let Some(channel) = &mut connection.channel else { return Step::Gone };
        let rest = match channel.cut(input) {
            Ok(Received::Message { payload, used }) => {
                return match place(input, payload) {
                    Some(payload) => Step::Inside { payload, used },
                    None => {
                        spill.clear();
                        spill.extend_from_slice(payload);
                        Step::Spilled { used }
                    }
                };
            }
            other => other.map(without_payload),
        };
        self.cut_otherwise(key, input, rest)
    }

    /// What follows from a cut that gave no message.
    pub(crate) fn cut_otherwise(
        &mut self,
        key: ConnectionKey,
        input: &[u8],
        cut: Result<Received<'static>, ChannelError>,
    ) -> Step {
        let Some(connection) = self.connections.get_mut(key) else { return Step::Gone };
        match cut {
            Ok(Received::Message { used, .. }) => Step::Spilled { used },
            Ok(Received::Need { at_least }) => {
                connection.keep_tail(input, at_least, &mut self.pools);
                Step::Incomplete
            }
            Ok(Received::Opened { used }) => {
                if let Phase::Opening(operation) = connection.phase {
                    self.channel_opened(key, operation);
                }
                Step::Other { used }
            }
            Ok(Received::Control { used }) => {
                self.answer_control(key);
                Step::Other { used }
            }
            Ok(Received::Closed { code, reason, .. }) => {
                let text = close_text(code, &reason);
                self.end_connection(key, End { code, ..End::new(EndCause::Server, text) });
                Step::Gone
            }
            Err(error) => {
                self.broken(key, &error, input);
                Step::Gone
            }
        }
    }

    /// Pongs and close echoes go out with the turn's writes.
    fn answer_control(&mut self, key: ConnectionKey) {
        let connection = &mut self.connections[key];
        let outbox = connection.outbox.get_or_insert_with(|| self.pools.outbox());
        if let Some(channel) = &mut connection.channel {
            channel.drain_control(&mut outbox.bytes);
        }
        if outbox.is_empty() {
            return self.return_outbox(key);
        }
        // A peer that pings without reading must not fill our memory with pongs.
        if outbox.waiting() > self.settings.outbox_limit {
            return self.end_connection(
                key,
                End::new(EndCause::Protocol, "the peer does not read the answers to its pings"),
            );
        }
        self.mark_dirty(key);
    }

    /// The peer broke its protocol: counted with the first bytes, and the connection ends.
    pub(super) fn broken(&mut self, key: ConnectionKey, error: &ChannelError, input: &[u8]) {
        let text = told(error);
        let kind = match error {
            ChannelError::Framing(_) | ChannelError::Datagram { .. } | ChannelError::Truncated(_) => {
                FailureKind::Framing
            }
            ChannelError::WebSocket(_) | ChannelError::Cipher(_) => FailureKind::Protocol,
        };
        let Some(connection) = self.connections.get(key) else { return };
        if connection.phase == Phase::Open {
            let name = connection.name.clone();
            self.count_failure_on(key, kind, &name, &text, Some(&sample(input)));
        }
        let said = Some(sample(input).into());
        self.end_connection(key, End { sample: said, ..End::new(EndCause::Protocol, text) });
    }

    /// The peer went in the middle of a message: counted with the first bytes of it.
    fn count_half_message(&mut self, key: ConnectionKey) {
        let open = |connection: &&Connection| connection.phase == Phase::Open;
        let Some(connection) = self.connections.get(key).filter(open) else { return };
        let Some(channel) = &connection.channel else { return };
        let Err(error) = channel.end_of_input() else { return };
        let (name, half) = (connection.name.clone(), [channel.unfinished(), &connection.tail].concat());
        self.count_failure_on(key, FailureKind::Framing, &name, &error.to_string(), Some(&sample(&half)));
    }

    /// A payload whose head cannot be read: counted with its first bytes. The connection may go on, for it is framed.
    pub(crate) fn unreadable(&mut self, key: ConnectionKey, error: &str, payload: &[u8]) {
        self.recorder.message_received();
        let Some(connection) = self.connections.get(key) else { return };
        let name = connection.name.clone();
        self.count_fault(key, FailureKind::Decode, &name, error, Some(&sample(payload)));
        self.malformed = Some(error.into());
    }

    /// Ends the connection of the message that was told if it could not be read, where its protocol wants that.
    pub(crate) fn close_if_malformed(&mut self, key: ConnectionKey, on_malformed: OnMalformed) {
        if let Some(error) = self.malformed.take()
            && on_malformed == OnMalformed::Close
        {
            self.end_connection(key, End::new(EndCause::Protocol, error));
        }
    }
}

/// A sample of bytes, where there are any.
fn sample_of(bytes: &[u8]) -> Option<Box<str>> {
    (!bytes.is_empty()).then(|| sample(bytes).into())
}

/// How a connection ends whose socket failed.
fn lost_by(error: &io::Error) -> End {
    if let Some(error) = tls::failure(error) {
        return End::new(EndCause::Protocol, told(error));
    }
    if let Some(error) = udp::failure(error) {
        return End::new(EndCause::Protocol, told(error));
    }
    let cause = match tcp::connect_failure(error) {
        FailureKind::ConnectTimeout | FailureKind::Unreachable => EndCause::Timeout,
        _ => EndCause::Reset,
    };
    End::new(cause, error.to_string())
}

/// What is left of a cut without its loan.
pub(super) fn without_payload(received: Received<'_>) -> Received<'static> {
    match received {
        Received::Need { at_least } => Received::Need { at_least },
        Received::Opened { used } => Received::Opened { used },
        Received::Message { used, .. } => Received::Message { payload: &[], used },
        Received::Control { used } => Received::Control { used },
        Received::Closed { code, reason, used } => Received::Closed { code, reason, used },
    }
}

/// What a WebSocket's close frame says.
fn close_text(code: Option<u16>, reason: &str) -> String {
    match (code, reason) {
        (None, _) => String::new(),
        (Some(code), "") => format!("close code {code}"),
        (Some(code), reason) => format!("close code {code}: {}", printable(reason)),
    }
}

/// An error with its causes. They may quote the server.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    printable(&text[..text.floor_char_boundary(LONGEST_TEXT)])
}

/// What a server wrote, harmless on a terminal: what cannot be seen stands there as its escape.
fn printable(text: &str) -> String {
    let shown = |char: char| match char {
        '\'' | '"' | '\\' => char.to_string(),
        char => char.escape_debug().to_string(),
    };
    text.chars().map(shown).collect()
}

/// Where in `input` the payload lies, if it does.
fn place(input: &[u8], payload: &[u8]) -> Option<Range<usize>> {
    let start = (payload.as_ptr() as usize).checked_sub(input.as_ptr() as usize)?;
    let range = start..start.checked_add(payload.len())?;
    (range.end <= input.len()).then_some(range)
}
