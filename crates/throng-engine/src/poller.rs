//! Waiting for readiness: the system's poller with a timer of nanoseconds, or a network in memory that never waits.

use crate::id::ConnectionKey;
use crate::net::connection;
use crate::net::memory::MemoryNet;
use mio::{Events, Poll, Registry, Token, Waker};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use throng_wire::Nanos;

const WAKER: Token = Token(0);
#[cfg(target_os = "linux")]
const TIMER: Token = Token(1);
/// Sockets handled in one turn, so that timers are not kept waiting.
const EVENTS: usize = 512;

/// What a connection is ready for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Readiness {
    pub(crate) connection: ConnectionKey,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The peer's end of stream, or an error, is known to wait behind the bytes.
    pub(crate) ended: bool,
}

/// Where readiness comes from.
pub(crate) enum Poller {
    Sockets(Box<SocketPoller>),
    Memory(MemoryNet),
}

/// The system's poller.
pub(crate) struct SocketPoller {
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    timer: Timer,
}

impl Poller {
    pub(crate) fn sockets() -> io::Result<Poller> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let timer = Timer::new(poll.registry())?;
        Ok(Poller::Sockets(Box::new(SocketPoller {
            poll,
            events: Events::with_capacity(EVENTS),
            waker,
            timer,
        })))
    }

    pub(crate) fn is_sockets(&self) -> bool {
        matches!(self, Poller::Sockets(_))
    }

    pub(crate) fn registry(&self) -> io::Result<Registry> {
        match self {
            Poller::Sockets(sockets) => sockets.poll.registry().try_clone(),
            Poller::Memory(_) => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// Wakes a waiting poll from another thread.
    ///
    /// # Panics
    /// In memory there is nothing to wake.
    pub(crate) fn waker(&self) -> Arc<Waker> {
        match self {
            Poller::Sockets(sockets) => Arc::clone(&sockets.waker),
            Poller::Memory(_) => panic!("a network in memory never waits"),
        }
    }

    /// Whether nothing is ready and no server has anything to do; sockets cannot tell.
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Poller::Sockets(_) => false,
            Poller::Memory(net) => net.is_quiet(),
        }
    }

    /// Waits at most `wait` nanoseconds for something to be ready.
    pub(crate) fn poll(&mut self, wait: Nanos, ready: &mut Vec<Readiness>) -> io::Result<()> {
        ready.clear();
        match self {
            Poller::Sockets(sockets) => sockets.poll(wait, ready),
            Poller::Memory(net) => {
                let next = || net.next_ready();
                let readiness =
                    |connection| Readiness { connection, readable: true, writable: true, ended: true };
                ready.extend(std::iter::from_fn(next).take(EVENTS).map(readiness));
                Ok(())
            }
        }
    }
}

impl SocketPoller {
    fn poll(&mut self, wait: Nanos, ready: &mut Vec<Readiness>) -> io::Result<()> {
        let timeout = self.timer.arm(wait)?;
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &self.events {
            match event.token() {
                WAKER => {}
                #[cfg(target_os = "linux")]
                TIMER => self.timer.fired(),
                token => ready.push(Readiness {
                    connection: connection(token),
                    readable: event.is_readable() || event.is_read_closed() || event.is_error(),
                    writable: event.is_writable() || event.is_write_closed() || event.is_error(),
                    ended: event.is_read_closed() || event.is_error(),
                }),
            }
        }
        Ok(())
    }
}

/// The poll's own time-out counts milliseconds and rounds up; a timerfd counts nanoseconds.
#[cfg(target_os = "linux")]
struct Timer {
    fd: nix::sys::timerfd::TimerFd,
    armed: Option<std::time::Instant>,
}

#[cfg(target_os = "linux")]
impl Timer {
    fn new(registry: &Registry) -> io::Result<Timer> {
        use mio::Interest;
        use mio::unix::SourceFd;
        use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};
        use std::os::fd::{AsFd, AsRawFd};
        let fd = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        registry.register(&mut SourceFd(&fd.as_fd().as_raw_fd()), TIMER, Interest::READABLE)?;
        Ok(Timer { fd, armed: None })
    }

    /// Sets the timer, unless one that fires sooner is set already; waits are cut short by it, never lengthened.
    fn arm(&mut self, wait: Nanos) -> io::Result<Duration> {
        use nix::sys::timerfd::{Expiration, TimerSetTimeFlags};
        if wait == 0 {
            return Ok(Duration::ZERO);
        }
        let wait = Duration::from_nanos(wait);
        let now = std::time::Instant::now();
        let due = now + wait;
        let enough = self.armed.is_some_and(|armed| armed <= due && armed > now);
        if !enough {
            self.fd.set(Expiration::OneShot(wait.into()), TimerSetTimeFlags::empty())?;
            self.armed = Some(due);
        }
        Ok(wait + Duration::from_millis(1))
    }

    /// Takes the expiry, so that the next one is an edge again.
    fn fired(&mut self) {
        let mut expirations = [0; 8];
        let _ = nix::unistd::read(&self.fd, &mut expirations);
        self.armed = None;
    }
}

#[cfg(not(target_os = "linux"))]
struct Timer;

#[cfg(not(target_os = "linux"))]
impl Timer {
    fn new(_: &Registry) -> io::Result<Timer> {
        Ok(Timer)
    }

    fn arm(&mut self, wait: Nanos) -> io::Result<Duration> {
        Ok(Duration::from_nanos(wait))
    }
}
