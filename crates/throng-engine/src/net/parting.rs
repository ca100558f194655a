//! Links that outlive their connections for a while: what was said before `close` still arrives.
//!
//! A TCP socket is read until its peer's end: closing it at once would answer what still comes with a reset, which can take
//! what was sent before away from the peer. A KCP conversation goes on until the peer has acknowledged everything.

use super::tcp::{self, Read, StampRoom};
use super::udp::Udp;
use super::{LINGERING_BYTES, READ, Traffic};
use crate::wheel::TimerId;
use mio::net::TcpStream;
use throng_wire::Nanos;

const DRAINED_AT_ONCE: usize = 16 << 10;

/// A link whose connection is over.
pub(super) enum Lingering {
    Tcp(Stream),
    Kcp(Conversation),
}

/// A socket, what it has still to send before its end, and how many bytes it may still bring.
pub(super) struct Stream {
    socket: TcpStream,
    unsent: Vec<u8>,
    left: usize,
}

/// A conversation, what it has still to take, and how many bytes it may still bring.
pub(super) struct Conversation {
    udp: Box<Udp>,
    unsent: Vec<u8>,
    left: usize,
}

impl Lingering {
    pub(super) fn stream(socket: TcpStream, unsent: Vec<u8>) -> Lingering {
        if unsent.is_empty() {
            tcp::shut_down_writing(&socket);
        }
        Lingering::Tcp(Stream { socket, unsent, left: LINGERING_BYTES })
    }

    pub(super) fn conversation(udp: Box<Udp>, unsent: Vec<u8>) -> Lingering {
        Lingering::Kcp(Conversation { udp, unsent, left: LINGERING_BYTES })
    }

    /// Moves it on; false when there is nothing more to be done for it.
    pub(super) fn go_on(&mut self, room: &mut StampRoom, traffic: &mut Traffic) -> bool {
        match self {
            Lingering::Tcp(stream) => {
                let (sent, writing) = stream.write();
                let (received, reading) = stream.read(room);
                traffic.sent += sent;
                traffic.received += received;
                writing && reading
            }
            Lingering::Kcp(conversation) => conversation.go_on(room, traffic),
        }
    }

    /// When it is to be moved on next by itself, if that is sooner than its timer, with the timer that is to go.
    pub(super) fn sooner(&mut self) -> Option<(Nanos, TimerId)> {
        match self {
            Lingering::Tcp(_) => None,
            Lingering::Kcp(conversation) => conversation.udp.sooner(),
        }
    }

    /// Keeps the timer that was set for what [`Lingering::sooner`] said.
    pub(super) fn keep_timer(&mut self, timer: TimerId) {
        if let Lingering::Kcp(conversation) = self {
            conversation.udp.keep_timer(timer);
        }
    }

    /// The timer has fired.
    pub(super) fn timer_fired(&mut self) {
        if let Lingering::Kcp(conversation) = self {
            conversation.udp.take_timer();
        }
    }
}

impl Stream {
    /// Writes what the kernel takes, and ends our side behind the last byte; false when the peer is gone.
    fn write(&mut self) -> (usize, bool) {
        if self.unsent.is_empty() {
            return (0, true);
        }
        let Ok(sent) = tcp::write(&self.socket, &self.unsent) else { return (0, false) };
        self.unsent.drain(..sent);
        if self.unsent.is_empty() {
            tcp::shut_down_writing(&self.socket);
        }
        (sent, true)
    }

    /// Reads and forgets until there is nothing for now; false after the peer's end, an error, or too many bytes.
    fn read(&mut self, room: &mut StampRoom) -> (usize, bool) {
        let (mut sink, mut received) = ([0; DRAINED_AT_ONCE], 0);
        while received < self.left {
            match tcp::read(&self.socket, &mut sink, room) {
                Ok(Read::Bytes { count, .. }) => received += count,
                Ok(Read::Empty | Read::CutOff) => {
                    self.left -= received;
                    return (received, true);
                }
                // A peer that sends no more may still take what is left for it.
                Ok(Read::End) => return (received, !self.unsent.is_empty()),
                Err(_) => break,
            }
        }
        (received, false)
    }
}

impl Conversation {
    /// Takes in acknowledgements, forgets what else comes, and sends what has to be sent; false when all is acknowledged, the
    /// peer is gone, or too much came.
    fn go_on(&mut self, room: &mut StampRoom, traffic: &mut Traffic) -> bool {
        let mut sink = vec![0; READ];
        let before = traffic.received;
        loop {
            match self.udp.read(&mut sink, room, traffic) {
                Ok(Read::Bytes { .. }) if traffic.received - before <= self.left => {}
                Ok(Read::Empty) => break,
                _ => return false,
            }
        }
        self.left -= traffic.received - before;
        let written = match self.unsent.is_empty() {
            true => self.udp.flush(traffic).map(|()| 0),
            false => self.udp.write(&self.unsent, traffic),
        };
        let Ok(written) = written else { return false };
        self.unsent.drain(..written);
        !self.udp.is_dead() && (self.udp.has_unacknowledged() || !self.unsent.is_empty())
    }
}
