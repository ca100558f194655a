//! A UDP socket of a robot, alone or below KCP.
//!
//! UDP has no handshake: a socket is connected at once, and so is KCP on it. What a link with message bounds takes and gives
//! has each message's length before it, as [`throng_wire::ChannelSpec::datagrams`] says; KCP in stream mode is bytes.

use super::Traffic;
use super::tcp::{self, Read, StampRoom};
use crate::clock::Clock;
use crate::wheel::TimerId;
use mio::net::UdpSocket;
use nix::errno::Errno;
use socket2::{Domain, Protocol as SocketProtocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use throng_wire::{Kcp, KcpError, KcpSpec, Nanos};

/// Bytes of the length before a message.
const PREFIX: usize = 4;
/// A longer buffer is not kept by an idle conversation.
const KEPT: usize = 4 << 10;

/// A link's end over datagrams.
#[derive(Debug)]
pub(crate) struct Udp {
    socket: UdpSocket,
    pub(crate) connected: bool,
    conversation: Option<Conversation>,
}

/// What a link keeps of its KCP.
#[derive(Debug)]
struct Conversation {
    kcp: Kcp,
    clock: Clock,
    /// Messages that were put together, and how much of them was read.
    ready: Vec<u8>,
    taken: usize,
    /// A datagram that was not this conversation's.
    fault: Option<KcpError>,
    timer: TimerId,
    armed: Option<Nanos>,
}

impl Udp {
    /// A socket that sends to `address` and takes only what comes from there.
    ///
    /// # Errors
    /// The system has no descriptor, no port or no route for it.
    pub(crate) fn dial(address: SocketAddr, local: Option<IpAddr>) -> io::Result<Udp> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(SocketProtocol::UDP))?;
        socket.set_nonblocking(true)?;
        if let Some(local) = local.filter(|local| local.is_ipv4() == address.is_ipv4()) {
            socket.bind(&SocketAddr::new(local, 0).into())?;
        }
        tcp::ask_for_stamps(&socket);
        socket.connect(&address.into())?;
        Ok(Udp { socket: UdpSocket::from_std(socket.into()), connected: false, conversation: None })
    }

    /// Puts KCP on the socket.
    pub(crate) fn converse(&mut self, conv: u32, spec: &KcpSpec, clock: Clock) {
        self.conversation = Some(Conversation {
            kcp: Kcp::new(conv, spec, clock.now()),
            clock,
            ready: Vec::new(),
            taken: 0,
            fault: None,
            timer: TimerId::NONE,
            armed: None,
        });
    }

    pub(crate) fn source(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    /// Reads a datagram; a message that is put together of several comes with the last.
    ///
    /// # Errors
    /// Nobody listens there, or the peer broke KCP ([`failure`]).
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        room: &mut StampRoom,
        traffic: &mut Traffic,
    ) -> io::Result<Read> {
        let Some(conversation) = &mut self.conversation else {
            let Some((count, stamp)) = receive(&self.socket, &mut buffer[PREFIX..], room)? else {
                return Ok(Read::Empty);
            };
            traffic.received += count;
            buffer[..PREFIX].copy_from_slice(&(count as u32).to_le_bytes());
            return Ok(Read::Bytes { count: PREFIX + count, stamp, more: true });
        };
        if !conversation.ready.is_empty() {
            return Ok(Read::Bytes { count: conversation.give(buffer), stamp: None, more: true });
        }
        let Some((count, stamp)) = receive(&self.socket, buffer, room)? else { return Ok(Read::Empty) };
        traffic.received += count;
        conversation.take_in(&buffer[..count])?;
        let count = conversation.give(buffer);
        Ok(Read::Bytes { count, stamp: stamp.filter(|_| count > 0), more: true })
    }

    /// Writes whole messages as far as there is room.
    ///
    /// # Errors
    /// Nobody listens there.
    pub(crate) fn write(&mut self, bytes: &[u8], traffic: &mut Traffic) -> io::Result<usize> {
        let Some(conversation) = &mut self.conversation else {
            let send = |message: &[u8]| send(&self.socket, message, traffic);
            return each_message(bytes, send);
        };
        let kcp = &mut conversation.kcp;
        let taken = match kcp.is_stream() {
            true => kcp.send(bytes).map_err(io::Error::other)?,
            false => each_message(bytes, |message| {
                let room = kcp.has_room();
                if room {
                    kcp.send(message).map_err(io::Error::other)?;
                }
                Ok(room)
            })?,
        };
        self.flush(traffic)?;
        Ok(taken)
    }

    /// Sends what KCP has to send now. A datagram the kernel has no room for is lost, as on any line.
    ///
    /// # Errors
    /// Nobody listens there.
    pub(crate) fn flush(&mut self, traffic: &mut Traffic) -> io::Result<()> {
        let Some(conversation) = &mut self.conversation else { return Ok(()) };
        let mut result = Ok(());
        conversation.kcp.flush(conversation.clock.now(), |datagram| {
            if result.is_ok() {
                result = send(&self.socket, datagram, traffic).map(drop);
            }
        });
        result
    }

    /// Whether the peer has acknowledged nothing for so long that it is given up.
    pub(crate) fn is_dead(&self) -> bool {
        self.conversation.as_ref().is_some_and(|conversation| conversation.kcp.is_dead())
    }

    /// Whether KCP is on the socket.
    pub(crate) fn converses(&self) -> bool {
        self.conversation.is_some()
    }

    /// Whether something that KCP took has not been acknowledged.
    pub(crate) fn has_unacknowledged(&self) -> bool {
        self.conversation.as_ref().is_some_and(|conversation| conversation.kcp.waiting() > 0)
    }

    /// Whether a write would take something that an earlier one may not have.
    pub(crate) fn has_room(&self) -> bool {
        self.conversation.as_ref().is_some_and(|conversation| conversation.kcp.has_room())
    }

    /// What was wrong with a datagram, once.
    pub(crate) fn take_fault(&mut self) -> Option<KcpError> {
        self.conversation.as_mut()?.fault.take()
    }

    /// When the link is to be looked after next, if that is sooner than its timer, with the timer that is to go.
    pub(crate) fn sooner(&mut self) -> Option<(Nanos, TimerId)> {
        let conversation = self.conversation.as_mut()?;
        let deadline = conversation.kcp.deadline()?;
        if conversation.armed.is_some_and(|armed| armed <= deadline) {
            return None;
        }
        conversation.armed = Some(deadline);
        Some((deadline, std::mem::replace(&mut conversation.timer, TimerId::NONE)))
    }

    /// Keeps the timer that was set for what [`Udp::sooner`] said.
    pub(crate) fn keep_timer(&mut self, timer: TimerId) {
        if let Some(conversation) = &mut self.conversation {
            conversation.timer = timer;
        }
    }

    /// The timer has fired, or is not wanted any more.
    pub(crate) fn take_timer(&mut self) -> TimerId {
        let Some(conversation) = &mut self.conversation else { return TimerId::NONE };
        conversation.armed = None;
        std::mem::replace(&mut conversation.timer, TimerId::NONE)
    }
}

impl Conversation {
    /// Takes in a datagram and puts together what is whole.
    fn take_in(&mut self, datagram: &[u8]) -> io::Result<()> {
        match self.kcp.input(datagram, self.clock.now()) {
            Ok(()) => {}
            Err(error) if error.is_fatal() => return Err(io::Error::other(error)),
            Err(error) => self.fault = Some(error),
        }
        loop {
            let start = self.ready.len();
            if !self.kcp.is_stream() {
                self.ready.extend_from_slice(&[0; PREFIX]);
            }
            let body = self.ready.len();
            let Some(length) = self.kcp.receive(&mut self.ready) else {
                self.ready.truncate(start);
                return Ok(());
            };
            let length = (length as u32).to_le_bytes();
            self.ready[start..body].copy_from_slice(&length[..body - start]);
        }
    }

    /// Gives what is put together, as much as `buffer` takes.
    fn give(&mut self, buffer: &mut [u8]) -> usize {
        let left = &self.ready[self.taken..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.taken += count;
        if self.taken == self.ready.len() {
            self.taken = 0;
            self.ready.clear();
            self.ready.shrink_to(KEPT);
        }
        count
    }
}

/// What was wrong with KCP, if that is what an error of a link is about.
pub(crate) fn failure(error: &io::Error) -> Option<&KcpError> {
    error.get_ref()?.downcast_ref()
}

/// Hands the messages of `bytes` to `send` until it has no room; how many bytes they were with their lengths.
fn each_message(bytes: &[u8], mut send: impl FnMut(&[u8]) -> io::Result<bool>) -> io::Result<usize> {
    let mut at = 0;
    while let Some((prefix, rest)) = bytes[at..].split_first_chunk::<PREFIX>()
        && let Some(message) = rest.get(..u32::from_le_bytes(*prefix) as usize)
    {
        match send(message) {
            Ok(true) => at += PREFIX + message.len(),
            Ok(false) => break,
            // The error comes again with the next, or is met by a read.
            Err(_) if at > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

/// Sends a datagram; whether the kernel took it.
fn send(socket: &UdpSocket, datagram: &[u8], traffic: &mut Traffic) -> io::Result<bool> {
    loop {
        match socket.send(datagram) {
            Ok(_) => {
                traffic.sent += datagram.len();
                return Ok(true);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// Reads a datagram, which may be empty, with the kernel's stamp; `None` when there is none.
#[cfg(target_os = "linux")]
fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    room: &mut StampRoom,
) -> io::Result<Option<(usize, Option<Duration>)>> {
    use nix::sys::socket::{MsgFlags, recvmsg};
    use std::os::fd::AsRawFd;
    let mut slices = [io::IoSliceMut::new(buffer)];
    loop {
        match recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut room.0), MsgFlags::empty()) {
            Ok(message) => return Ok(Some((message.bytes, tcp::stamp_of(&message)))),
            Err(Errno::EAGAIN) => return Ok(None),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads a datagram, which may be empty; `None` when there is none.
#[cfg(not(target_os = "linux"))]
fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    _: &mut StampRoom,
) -> io::Result<Option<(usize, Option<Duration>)>> {
    loop {
        match socket.recv(buffer) {
            Ok(count) => return Ok(Some((count, None))),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether the other machine said that nobody listens on the port.
pub(crate) fn is_refused(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::ECONNREFUSED as i32)
}

/// The longest datagram and its length fit a read.
const _: () = assert!(PREFIX + throng_wire::channel::LONGEST_DATAGRAM <= super::READ);
