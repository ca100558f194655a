//! Connections without framing: a script reads lines, counted bytes, or up to a mark, and writes what it likes.

use super::connection::{Connection, Phase};
use super::ending::End;
use super::operation::OperationKind;
use super::{Core, Ready};
use crate::host::{Failure, ReadUntil};
use crate::id::{ConnectionKey, OperationKey};
use crate::trace::Trace;
use std::time::Duration;
use throng_metrics::FailureKind;

/// Bytes of a stream that may wait for its script; then reading pauses, and the peer's window closes.
const STREAM_LIMIT: usize = 1 << 20;

/// Whether a read can be served from the bytes at hand.
enum Served {
    /// These many bytes, the last few of which are not for the script.
    Yes {
        count: usize,
        trimmed: usize,
    },
    No,
    TooLong,
}

impl Core {
    /// Writes to a stream.
    ///
    /// # Errors
    /// The connection is not an open stream, or its outbox is full; counted.
    pub(crate) fn write(&mut self, key: ConnectionKey, bytes: &[u8]) -> Result<(), Failure> {
        let checked = self.check_stream(key).and_then(|()| {
            // What came before can still be read, but what is written now would be lost.
            if self.connections[key].write_error.is_some() {
                return Err((FailureKind::Closed, "the peer takes nothing more".to_owned()));
            }
            let waiting = self.connections[key].outbox.as_ref().map_or(0, |outbox| outbox.waiting());
            let limit = self.settings.outbox_limit;
            if waiting + bytes.len() > limit {
                return Err((
                    FailureKind::Backpressure,
                    format!("more than {limit} bytes wait to be written"),
                ));
            }
            Ok(())
        });
        if let Err((kind, text)) = checked {
            return Err(self.stream_failure(key, kind, "write", &text));
        }
        let connection = &mut self.connections[key];
        let robot = connection.robot;
        connection.outbox.get_or_insert_with(|| self.pools.outbox()).bytes.extend_from_slice(bytes);
        self.recorder.message_sent();
        self.mark_dirty(key);
        let name = self.connections[key].name.clone();
        self.trace(robot, |_| Trace::Streamed { connection: &name, outward: true, bytes });
        Ok(())
    }

    /// Waits for bytes of a stream.
    ///
    /// # Errors
    /// The connection is not an open stream, or another read waits already; counted.
    pub(crate) fn read_stream(
        &mut self,
        key: ConnectionKey,
        until: ReadUntil,
        maximum: usize,
        timeout: Option<Duration>,
    ) -> Result<OperationKey, Failure> {
        let checked = self.check_stream(key).and_then(|()| match self.connections[key].reader {
            Some(_) => Err((FailureKind::Protocol, "another read waits on this stream already".to_owned())),
            None => Ok(()),
        });
        if let Err((kind, text)) = checked {
            return Err(self.stream_failure(key, kind, "read", &text));
        }
        let robot = self.connections[key].robot;
        let maximum = maximum.min(STREAM_LIMIT);
        let now = self.now();
        let kind = OperationKind::Read { until, maximum, searched: 0 };
        let operation = self.operate(robot, Some(key), kind, now);
        if let Some(timeout) = timeout {
            self.time_operation(operation, now, timeout);
        }
        self.connections[key].reader = Some(operation);
        self.serve_reader(key);
        let over = |stream: &mut Connection| stream.ended.take_if(|_| stream.reader.is_some());
        if let Some(end) = self.connections.get_mut(key).and_then(over) {
            self.end_connection(key, *end);
        }
        Ok(operation)
    }

    fn check_stream(&self, key: ConnectionKey) -> Result<(), (FailureKind, String)> {
        match self.connections.get(key) {
            None => Err((FailureKind::Closed, FailureKind::Closed.phrase().to_owned())),
            Some(connection) if connection.channel.is_some() => Err((
                FailureKind::Protocol,
                "only a connection with protocol = \"stream\" can read and write".to_owned(),
            )),
            Some(connection) if connection.phase != Phase::Open => {
                Err((FailureKind::NotConnected, "the connection is not open yet".to_owned()))
            }
            Some(_) => Ok(()),
        }
    }

    fn stream_failure(&mut self, key: ConnectionKey, kind: FailureKind, name: &str, text: &str) -> Failure {
        self.count_failure_on(key, kind, name, text, None);
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

    /// Bytes came on a stream.
    pub(crate) fn stream_received(&mut self, key: ConnectionKey, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.tail.is_empty() {
            connection.tail = self.pools.tail();
        }
        connection.tail.extend_from_slice(bytes);
        connection.paused = connection.tail.len() >= STREAM_LIMIT;
        self.serve_reader(key);
    }

    /// Ends a connection whose peer sends no more. A stream's end waits until its script has read what came before it.
    pub(crate) fn end_input(&mut self, key: ConnectionKey, end: End) {
        let unread = |connection: &&mut Connection| {
            connection.channel.is_none() && !connection.tail.is_empty() && connection.reader.is_none()
        };
        match self.connections.get_mut(key).filter(unread) {
            Some(stream) => drop(stream.ended.get_or_insert(Box::new(end))),
            None => self.end_connection(key, end),
        }
    }

    /// Ends a stream whose peer has ended when its script has read all that came before.
    pub(crate) fn end_if_read_out(&mut self, key: ConnectionKey) {
        let over = |stream: &mut Connection| {
            stream.ended.take_if(|_| stream.tail.is_empty() && stream.reader.is_none())
        };
        if let Some(end) = self.connections.get_mut(key).and_then(over) {
            self.end_connection(key, *end);
        }
    }

    /// Serves the waiting read, if what it waits for is there.
    fn serve_reader(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(operation) = connection.reader else { return };
        let Some(slot) = self.operations.get_mut(operation) else { return };
        let OperationKind::Read { until, maximum, searched } = &mut slot.kind else { return };
        match serve(until, *maximum, &connection.tail, *searched) {
            Served::No => *searched = connection.tail.len(),
            Served::Yes { count, trimmed } => {
                connection.reader = None;
                self.recorder.message_received();
                self.settle_own(operation, Ready::Bytes { count, trimmed });
            }
            Served::TooLong => {
                connection.reader = None;
                let text = format!("more than {maximum} bytes came without what the read waits for");
                let failure = self.stream_failure(key, FailureKind::Overflow, "read", &text);
                self.settle_own(operation, Ready::Failed(Box::new(failure)));
            }
        }
    }

    /// Takes the bytes of a served read out of the tail into `into`.
    pub(crate) fn take_stream(&mut self, key: ConnectionKey, count: usize, into: &mut Vec<u8>) {
        into.clear();
        let Some(connection) = self.connections.get_mut(key) else { return };
        into.extend(connection.tail.drain(..count.min(connection.tail.len())));
        // A read that waits by now searched bytes that were before it.
        let reader = connection.reader.and_then(|operation| self.operations.get_mut(operation));
        if let Some(OperationKind::Read { searched, .. }) = reader.map(|slot| &mut slot.kind) {
            *searched = 0;
        }
        if connection.tail.is_empty() {
            let tail = std::mem::take(&mut connection.tail);
            self.pools.take_tail(tail);
        }
        let robot = connection.robot;
        let name = connection.name.clone();
        self.trace(robot, |_| Trace::Streamed { connection: &name, outward: false, bytes: into });
    }

    /// A stream whose reading had paused may go on; the poller will not say so again.
    pub(crate) fn unpause(&mut self, key: ConnectionKey) -> bool {
        let now = self.now();
        let Some(connection) = self.connections.get_mut(key) else { return false };
        if !connection.paused || connection.tail.len() >= STREAM_LIMIT {
            return false;
        }
        (connection.paused, connection.resumed) = (false, now);
        true
    }

    pub(crate) fn read_overdue(&mut self, operation: OperationKey) {
        let Some(slot) = self.operations.get(operation) else { return };
        let (key, elapsed) = (slot.connection, Duration::from_nanos(self.now() - slot.begun));
        if let Some(connection) = self.connections.get_mut(key) {
            connection.reader = None;
        }
        let mut failure = self.stream_failure(key, FailureKind::Timeout, "read", "nothing to read in time");
        failure.elapsed = elapsed;
        self.settle(operation, Ready::Failed(Box::new(failure)));
    }
}

/// Whether a read can be served. The first `searched` bytes are known to end nothing, so that what comes byte by byte is not
/// searched again for each of them.
fn serve(until: &ReadUntil, maximum: usize, tail: &[u8], searched: usize) -> Served {
    let searched = searched.min(tail.len());
    let found = match until {
        ReadUntil::Exactly(count) if *count > maximum => return Served::TooLong,
        ReadUntil::Exactly(count) => (tail.len() >= *count).then_some((*count, 0)),
        ReadUntil::Line => tail[searched..].iter().position(|byte| *byte == b'\n').map(|at| {
            let end = searched + at;
            let carriage = usize::from(end > 0 && tail[end - 1] == b'\r');
            (end + 1, 1 + carriage)
        }),
        ReadUntil::Bytes(mark) => {
            // It may have begun in what was searched.
            let from = searched.saturating_sub(mark.len().saturating_sub(1));
            let mut windows = tail[from..].windows(mark.len().max(1));
            windows.position(|window| window == &**mark).map(|at| (from + at + mark.len(), 0))
        }
    };
    match found {
        Some((count, _)) if count > maximum + 2 => Served::TooLong,
        Some((count, trimmed)) => Served::Yes { count, trimmed },
        None if tail.len() > maximum => Served::TooLong,
        None => Served::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_searched_is_not_searched_again() {
        let served = |until: &ReadUntil, tail: &[u8], searched| match serve(until, 100, tail, searched) {
            Served::Yes { count, trimmed } => Some((count, trimmed)),
            Served::No => None,
            Served::TooLong => panic!("not too long"),
        };
        let mark = ReadUntil::Bytes(b"end".as_slice().into());
        assert_eq!(served(&ReadUntil::Line, b"a\r\nb", 0), Some((3, 2)));
        assert_eq!(served(&ReadUntil::Line, b"a\r\n", 2), Some((3, 2)), "the return came before");
        assert_eq!(served(&ReadUntil::Line, b"a\nb", 2), None);
        assert_eq!(served(&mark, b"an end.", 0), Some((6, 0)));
        assert_eq!(served(&mark, b"an end.", 5), Some((6, 0)), "it began before");
        assert_eq!(served(&mark, b"an end.", 6), None);
        assert_eq!(served(&mark, b"an", 6), None);
    }
}
