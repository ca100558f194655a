//! A connection as the engine knows it: its socket, its channel, what waits on it and what waits to be written.

use super::ending::End;
use crate::id::{ConnectionKey, OperationKey, RobotKey};
use crate::net::Link;
use crate::wheel::TimerId;
use std::io;
use std::sync::Arc;
use throng_wire::{Channel, Nanos, Pending, ReplyKey};

/// One connection of a robot.
pub(crate) struct Connection {
    pub(crate) robot: RobotKey,
    /// The index of its name (and protocol) among the shard's [`Label`](super::labels::Label)s.
    pub(crate) label: usize,
    pub(crate) name: Arc<str>,
    pub(crate) link: Link,
    pub(crate) phase: Phase,
    /// When it was open; 0 before.
    pub(crate) opened: Nanos,
    /// Layer and framing; a stream has none.
    pub(crate) channel: Option<Channel>,
    pub(crate) pending: Pending,
    /// Received bytes that are not a whole message yet, or that a stream has not asked for yet.
    pub(crate) tail: Vec<u8>,
    /// The tail's length below which nothing can be cut.
    pub(crate) wanted: usize,
    pub(crate) outbox: Option<Box<Outbox>>,
    pub(crate) heartbeat: TimerId,
    /// It is in the list of connections to flush.
    pub(crate) dirty: bool,
    /// Nothing is written any more (`drop`).
    pub(crate) cut: bool,
    /// A stream's reader.
    pub(crate) reader: Option<OperationKey>,
    /// A stream's limit was reached: reading goes on when its script reads.
    pub(crate) paused: bool,
    /// When reading last went on: what came before that waited for the script, and not for the shard.
    pub(crate) resumed: Nanos,
    /// Writing failed: nothing more is written, and the connection ends when what the peer had sent is read.
    pub(crate) write_error: Option<io::Error>,
    /// How the peer's stream has ended, while its script has not read all of it.
    pub(crate) ended: Option<Box<End>>,
}

impl Connection {
    /// Whether what it is to send is not encrypted yet; also while that is done.
    pub(crate) fn is_unsealed(&self) -> bool {
        self.channel.as_ref().is_some_and(Channel::is_unsealed)
    }

    /// Whether its transport needs nothing and takes all there is: most sockets are writable all the time.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.outbox.is_none() && self.link.is_connected() && !self.link.is_secure()
    }

    /// Messages that were sent.
    #[inline]
    pub(crate) fn sent(&self) -> u32 {
        self.channel.as_ref().map_or(0, Channel::sent)
    }

    /// It has something to write with the next flush.
    #[inline]
    pub(crate) fn mark_dirty(&mut self, key: ConnectionKey, flush: &mut FlushList) {
        if !std::mem::replace(&mut self.dirty, true) {
            flush.push(key);
        }
    }

    /// Messages that were sent and came.
    pub(crate) fn messages(&self) -> u64 {
        let count = |channel: &Channel| u64::from(channel.sent()) + u64::from(channel.received());
        self.channel.as_ref().map_or(0, count)
    }

    /// Keeps what cannot be cut yet, until there are `wanted` bytes.
    #[inline]
    pub(crate) fn keep_tail(&mut self, rest: &[u8], wanted: usize, pools: &mut Pools) {
        if !rest.is_empty() {
            self.tail = pools.tail();
            self.tail.extend_from_slice(rest);
        }
        self.wanted = wanted;
    }

    /// Messages that came before the one that was cut last.
    #[inline]
    pub(crate) fn received_before(&self) -> u32 {
        self.channel.as_ref().map_or(0, |channel| channel.received().saturating_sub(1))
    }

    /// Whether the request that a message with `key` would answer has not been written to its last byte.
    #[inline]
    pub(crate) fn comes_before_its_request(&self, key: ReplyKey) -> bool {
        let Some(outbox) = self.outbox.as_deref().filter(|outbox| !outbox.requests.is_empty()) else {
            return false;
        };
        let next = self.pending.next_in_line(key).map(OperationKey::from_u64);
        next.is_some_and(|next| outbox.requests.iter().any(|(_, operation)| *operation == next))
    }
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// TCP or the WebSocket handshake is under way for this operation.
    Opening(OperationKey),
    Open,
}

/// Bytes on their way to the kernel, and the requests whose last byte is among them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) bytes: Vec<u8>,
    /// Bytes of `bytes` that the kernel has taken.
    pub(crate) written: usize,
    /// Where each request ends in `bytes`, in order.
    pub(crate) requests: Vec<(usize, OperationKey)>,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.written == self.bytes.len()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.written = 0;
        self.requests.clear();
    }

    /// The requests whose last byte the kernel has taken, once each.
    pub(crate) fn take_written(&mut self) -> impl Iterator<Item = OperationKey> {
        let taken = self.requests.partition_point(|(end, _)| *end <= self.written);
        self.requests.drain(..taken).map(|(_, operation)| operation)
    }

    /// Forgets what was written, once that is worth the move: a peer that reads slowly never lets the outbox run empty.
    pub(crate) fn compact(&mut self) {
        if self.written < POOLED_BYTES {
            return;
        }
        self.bytes.drain(..self.written);
        self.requests.iter_mut().for_each(|(end, _)| *end -= self.written);
        self.written = 0;
    }

    /// Bytes the kernel has not taken.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes.len() - self.written
    }
}

/// Outboxes and tails are lent to connections while they hold something, so that an idle one costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    #[expect(clippy::vec_box, reason = "a connection holds a pointer, so that an idle one is small")]
    outboxes: Vec<Box<Outbox>>,
    tails: Vec<Vec<u8>>,
}

/// What a pool keeps, and how large a thing it takes back.
const POOLED: usize = 1024;
const POOLED_BYTES: usize = 64 << 10;

impl Pools {
    pub(crate) fn outbox(&mut self) -> Box<Outbox> {
        self.outboxes.pop().unwrap_or_default()
    }

    pub(crate) fn take_outbox(&mut self, mut outbox: Box<Outbox>) {
        if self.outboxes.len() < POOLED && outbox.bytes.capacity() <= POOLED_BYTES {
            outbox.clear();
            self.outboxes.push(outbox);
        }
    }

    pub(crate) fn tail(&mut self) -> Vec<u8> {
        self.tails.pop().unwrap_or_default()
    }

    pub(crate) fn take_tail(&mut self, mut tail: Vec<u8>) {
        if tail.capacity() > 0 && self.tails.len() < POOLED && tail.capacity() <= POOLED_BYTES {
            tail.clear();
            self.tails.push(tail);
        }
    }
}

/// The connection a flush list or a timer speaks of may be gone; this says which one was meant.
pub(crate) type FlushList = Vec<ConnectionKey>;

/// When some bytes came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// When the shard read them.
    pub(crate) read: Nanos,
    /// When the kernel received it; the read's time where the kernel does not say.
    pub(crate) received: Nanos,
    /// None of their messages has been told of yet.
    pub(crate) fresh: bool,
}
