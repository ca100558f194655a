//! A TCP socket of a robot: connecting without blocking, reads with the kernel's receive stamp, writes, resets.

use super::options::{SocketError, TcpOptions};
use mio::net::TcpStream;
use nix::errno::Errno;
use socket2::{Domain, Protocol as SocketProtocol, SockRef, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use throng_metrics::FailureKind;

/// How many times the size of a buffer the system reports: Linux counts its own bookkeeping in.
pub(crate) const BUFFER_FACTOR: usize = if cfg!(target_os = "linux") { 2 } else { 1 };

/// What one read gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// As many bytes; the kernel's wall-clock stamp of the last segment, where it gives one; whether another read may find
    /// something at once.
    Bytes { count: usize, stamp: Option<Duration>, more: bool },
    /// The peer will send no more.
    End,
    /// The socket has ended, but TLS has not: whether the peer wanted that cannot be told.
    CutOff,
    /// Nothing more for now.
    Empty,
}

impl Read {
    /// How many bytes it gave.
    pub(crate) fn count(self) -> usize {
        match self {
            Read::Bytes { count, .. } => count,
            Read::End | Read::CutOff | Read::Empty => 0,
        }
    }
}

/// Begins to connect; the outcome shows when the socket becomes writable.
///
/// # Errors
/// The system has no descriptor, no port or no route for it.
pub(crate) fn dial(
    address: SocketAddr,
    local: Option<IpAddr>,
    options: &TcpOptions,
) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(SocketProtocol::TCP))?;
    socket.set_nonblocking(true)?;
    options.apply(&socket).map_err(refusal)?;
    if let Some(local) = local.filter(|local| local.is_ipv4() == address.is_ipv4()) {
        bind_address_only(&socket);
        socket.bind(&SocketAddr::new(local, 0).into())?;
    }
    ask_for_stamps(&socket);
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error)
            if error.kind() == ErrorKind::WouldBlock
                || error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

/// Lets the kernel choose the port at connect, so that one port serves many targets.
fn bind_address_only(socket: &Socket) {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::IpBindAddressNoPort, &true);
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

/// Without stamps the read's own time is reported, so a refusal is nothing to fail for.
pub(super) fn ask_for_stamps(socket: &Socket) {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::ReceiveTimestampns, &true);
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

/// An option that a socket does not take, as an error of connecting.
fn refusal(error: SocketError) -> io::Error {
    io::Error::other(error)
}

/// Room for the control messages of one read.
#[derive(Debug)]
pub(crate) struct StampRoom(#[cfg(target_os = "linux")] pub(super) Vec<u8>);

impl StampRoom {
    pub(crate) fn new() -> StampRoom {
        StampRoom(
            #[cfg(target_os = "linux")]
            nix::cmsg_space!(nix::sys::time::TimeSpec),
        )
    }
}

/// When the kernel received a message, by the wall clock.
#[cfg(target_os = "linux")]
pub(super) fn stamp_of(message: &nix::sys::socket::RecvMsg<'_, '_, ()>) -> Option<Duration> {
    use nix::sys::socket::ControlMessageOwned;
    message.cmsgs().ok()?.find_map(|one| match one {
        ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
        _ => None,
    })
}

/// Reads what is there, up to the buffer's length.
///
/// # Errors
/// The connection was reset or timed out.
#[cfg(target_os = "linux")]
pub(crate) fn read(stream: &TcpStream, buffer: &mut [u8], room: &mut StampRoom) -> io::Result<Read> {
    use nix::sys::socket::{MsgFlags, recvmsg};
    use std::os::fd::AsRawFd;
    let length = buffer.len();
    let mut slices = [io::IoSliceMut::new(buffer)];
    loop {
        match recvmsg::<()>(stream.as_raw_fd(), &mut slices, Some(&mut room.0), MsgFlags::empty()) {
            Ok(message) if message.bytes == 0 => return Ok(Read::End),
            Ok(message) => {
                let stamp = stamp_of(&message);
                let more = message.bytes == length;
                return Ok(Read::Bytes { count: message.bytes, stamp, more });
            }
            Err(Errno::EAGAIN) => return Ok(Read::Empty),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads what is there, up to the buffer's length.
///
/// # Errors
/// The connection was reset or timed out.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read(mut stream: &TcpStream, buffer: &mut [u8], _: &mut StampRoom) -> io::Result<Read> {
    loop {
        match io::Read::read(&mut stream, buffer) {
            Ok(0) => return Ok(Read::End),
            Ok(count) => return Ok(Read::Bytes { count, stamp: None, more: count == buffer.len() }),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Read::Empty),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes what the kernel takes; 0 is nothing for now.
///
/// # Errors
/// The connection is gone.
pub(crate) fn write(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match io::Write::write(&mut stream, bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            result => return result,
        }
    }
}

/// Whether a socket that became writable is connected.
///
/// # Errors
/// The connection attempt failed.
pub(crate) fn connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// Ends our direction; the peer may still send.
pub(crate) fn shut_down_writing(stream: &TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
}

/// Makes the coming close a reset, so that a closed test leaves no port in TIME_WAIT and a pulled cable no farewell.
pub(crate) fn reset_on_close(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// The kind of failure an error of connecting is.
pub(crate) fn connect_failure(error: &io::Error) -> FailureKind {
    if error.get_ref().is_some_and(|inner| inner.is::<SocketError>()) {
        return FailureKind::LocalResources;
    }
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ECONNREFUSED) => FailureKind::Refused,
        Some(Errno::ECONNRESET | Errno::EPIPE | Errno::ECONNABORTED) => FailureKind::Reset,
        Some(Errno::ETIMEDOUT) => FailureKind::ConnectTimeout,
        Some(
            Errno::EMFILE
            | Errno::ENFILE
            | Errno::ENOBUFS
            | Errno::ENOMEM
            | Errno::EADDRNOTAVAIL
            | Errno::EADDRINUSE,
        ) => FailureKind::LocalResources,
        _ => FailureKind::Unreachable,
    }
}
