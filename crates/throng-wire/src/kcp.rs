//! KCP, the reliable protocol over datagrams: fragments, acknowledgements, resends and windows, without I/O.
//!
//! The driver gives [`Kcp::input`] what came and [`Kcp::send`] what is to go, takes messages from [`Kcp::receive`], and calls
//! [`Kcp::flush`] after sending and whenever [`Kcp::deadline`] has come. There is no deadline while nothing is under way, so
//! an idle conversation costs nothing. KCP has no handshake and no farewell: a peer that is gone is one that acknowledges
//! nothing any more ([`Kcp::is_dead`]).
//!
//! Numbers and stamps of the wire wrap around; all arithmetic on them does too. Whatever a peer sends, the queues keep to
//! their limits.

mod receiving;
mod segment;
mod sending;
mod spec;

use crate::Nanos;
use receiving::Receiver;
use segment::{Command, HEADER, Header};
use sending::Sender;

pub use spec::{Conv, KcpSpec, KcpSpecError};

/// Nanoseconds of a millisecond, the unit of stamps on the wire.
const MILLISECOND: Nanos = 1_000_000;
/// The fragments a message may have: peers refuse more.
pub(crate) const FRAGMENTS: usize = 127;

/// One end of a conversation.
#[derive(Debug)]
pub struct Kcp {
    conv: u32,
    began: Nanos,
    interval: Nanos,
    flushed: Nanos,
    mtu: usize,
    stream: bool,
    sender: Sender,
    receiver: Receiver,
}

/// A datagram that was not of this conversation, or not of KCP; what stood before the fault was taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KcpError {
    /// No segment is as short.
    #[error("{length} bytes are no KCP segment, which has a header of {HEADER}")]
    Short {
        /// Bytes that were left of the datagram.
        length: usize,
    },
    /// Another conversation's.
    #[error(
        "a segment of the conversation {found}, not {wanted}: does the server take `conv` from somewhere else?"
    )]
    Conversation {
        /// Whose it is.
        found: u32,
        /// This one.
        wanted: u32,
    },
    /// A segment that says it is longer than its datagram.
    #[error("a segment of {said} bytes with {left} behind its header")]
    Truncated {
        /// What the header says, in bytes.
        said: u32,
        /// What is there, in bytes.
        left: usize,
    },
    /// No such command.
    #[error("{0} is no KCP command")]
    Command(u8),
    /// A message that cannot be put together within the window.
    #[error("a message of more than the {window} fragments of the receive window")]
    TooManyFragments {
        /// The window, in segments.
        window: usize,
    },
    /// A message that cannot be put together within what is kept.
    #[error("a message of more than the {most} bytes that are kept of one")]
    TooManyBytes {
        /// The most that is kept, in bytes.
        most: usize,
    },
}

impl KcpError {
    /// Whether the conversation cannot go on.
    pub fn is_fatal(&self) -> bool {
        matches!(self, KcpError::TooManyFragments { .. } | KcpError::TooManyBytes { .. })
    }

    /// The same without numbers, so that what has one cause is counted as one.
    pub fn gist(&self) -> &'static str {
        match self {
            KcpError::Short { .. } => "a datagram that ends inside a KCP segment's header",
            KcpError::Conversation { .. } => {
                "a segment of another conversation: does the server take `conv` from somewhere else?"
            }
            KcpError::Truncated { .. } => "a segment that is longer than its datagram",
            KcpError::Command(_) => "a segment without a KCP command",
            KcpError::TooManyFragments { .. } | KcpError::TooManyBytes { .. } => {
                "a message that is too long to be put together"
            }
        }
    }
}

/// A message that can never be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message of {length} bytes is longer than the {max} that KCP takes in one")]
pub struct KcpTooLong {
    /// Its length, in bytes.
    pub length: usize,
    /// The longest possible, in bytes.
    pub max: usize,
}

impl Kcp {
    /// An end of the conversation `conv`, which both ends must call alike.
    pub fn new(conv: u32, spec: &KcpSpec, now: Nanos) -> Kcp {
        Kcp {
            conv,
            began: now,
            interval: spec.interval_nanos(),
            flushed: now,
            mtu: spec.mtu,
            stream: spec.stream,
            sender: Sender::new(spec),
            receiver: Receiver::new(spec.receive_window),
        }
    }

    /// The conversation's number.
    pub fn conv(&self) -> u32 {
        self.conv
    }

    /// Whether messages have no bounds.
    pub fn is_stream(&self) -> bool {
        self.stream
    }

    /// Takes a message to be sent, or in stream mode as many of the bytes as there is room for. The answer is how many were
    /// taken; nothing is while [`Kcp::has_room`] says no.
    ///
    /// # Errors
    /// A message that has too many fragments.
    pub fn send(&mut self, bytes: &[u8]) -> Result<usize, KcpTooLong> {
        match self.stream {
            true => Ok(self.sender.push_stream(bytes)),
            false => self.sender.push_message(bytes),
        }
    }

    /// Whether [`Kcp::send`] takes something.
    pub fn has_room(&self) -> bool {
        self.sender.has_room()
    }

    /// Takes in a datagram that came.
    ///
    /// # Errors
    /// The datagram is not of this conversation, or broken. The conversation goes on, unless the error
    /// [is fatal](KcpError::is_fatal).
    pub fn input(&mut self, datagram: &[u8], now: Nanos) -> Result<(), KcpError> {
        let mut rest = datagram;
        let mut newest = None;
        let mut result = if rest.is_empty() { Err(KcpError::Short { length: 0 }) } else { Ok(()) };
        let before = self.sender.acknowledged();
        while !rest.is_empty() {
            match self.take_segment(rest, now, &mut newest) {
                Ok(behind) => rest = behind,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        if let Some((number, stamp)) = newest {
            self.sender.overtaken(number, stamp);
        }
        if self.sender.acknowledged() != before {
            self.sender.widen();
        }
        result?;
        match self.receiver.overfull() {
            _ if self.receiver.is_stuck() => {
                Err(KcpError::TooManyFragments { window: self.receiver.window() })
            }
            Some(most) => Err(KcpError::TooManyBytes { most }),
            None => Ok(()),
        }
    }

    fn take_segment<'a>(
        &mut self,
        bytes: &'a [u8],
        now: Nanos,
        newest: &mut Option<(u32, u32)>,
    ) -> Result<&'a [u8], KcpError> {
        let (header, body, rest) = Header::read(bytes, self.conv)?;
        self.sender.peer_says(header.window, header.expected);
        match header.command {
            Command::Push => self.receiver.take(&header, body),
            Command::Acknowledge => {
                self.sender.acknowledge(header.number, header.stamp, now);
                if newest.is_none_or(|(number, _)| segment::distance(header.number, number) > 0) {
                    *newest = Some((header.number, header.stamp));
                }
            }
            Command::AskWindow => self.receiver.tell_window(),
            Command::TellWindow => {}
        }
        Ok(rest)
    }

    /// Appends the next whole message to `out`, or in stream mode the bytes that came; `None` when there is none. The answer is
    /// its length.
    pub fn receive(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        self.receiver.next(out)
    }

    /// Hands everything that has to go out at `now` to `out`, datagram by datagram: acknowledgements, new segments as far as
    /// the windows let them, and those whose acknowledgement is late.
    pub fn flush(&mut self, now: Nanos, mut out: impl FnMut(&[u8])) {
        self.flushed = now;
        let mut packet = Packet { bytes: Vec::new(), mtu: self.mtu, out: &mut out };
        let base = Header {
            conv: self.conv,
            command: Command::Acknowledge,
            fragment: 0,
            window: self.receiver.room(),
            stamp: 0,
            number: 0,
            expected: self.receiver.expected(),
        };
        self.receiver.write(&base, &mut packet);
        self.sender.write(&base, now, &mut packet);
        packet.finish();
    }

    /// When [`Kcp::flush`] is to be called next; `None` while nothing is under way, or the peer is given up.
    pub fn deadline(&self) -> Option<Nanos> {
        if self.is_dead() {
            return None;
        }
        let soon = self.receiver.has_to_write() || self.sender.can_write();
        let due = if soon { Some(self.flushed + 1) } else { self.sender.deadline() };
        due.map(|due| self.beat(due.max(self.flushed + 1)))
    }

    /// The first beat of the interval that does not lie before `at`.
    fn beat(&self, at: Nanos) -> Nanos {
        let since = at.saturating_sub(self.began);
        self.began.saturating_add(since.div_ceil(self.interval).saturating_mul(self.interval))
    }

    /// Whether a segment was sent as often as the description allows without an answer.
    pub fn is_dead(&self) -> bool {
        self.sender.is_dead()
    }

    /// Segments that wait to be sent or acknowledged.
    pub fn waiting(&self) -> usize {
        self.sender.waiting()
    }
}

/// A datagram that is being filled.
struct Packet<'a> {
    bytes: Vec<u8>,
    mtu: usize,
    out: &'a mut dyn FnMut(&[u8]),
}

impl Packet<'_> {
    fn put(&mut self, header: &Header, body: &[u8]) {
        if !self.bytes.is_empty() && self.bytes.len() + HEADER + body.len() > self.mtu {
            self.finish();
        }
        header.write(body, &mut self.bytes);
    }

    fn finish(&mut self) {
        if !self.bytes.is_empty() {
            (self.out)(&self.bytes);
            self.bytes.clear();
        }
    }
}

/// A moment as stamps say it: milliseconds that wrap around.
fn stamp(now: Nanos) -> u32 {
    (now / MILLISECOND) as u32
}

#[cfg(test)]
mod tests;
