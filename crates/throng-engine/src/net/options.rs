//! What every TCP socket of a robot is told before it connects, and whether this machine can do that.

use super::tcp;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a peer's machine may leave us without an acknowledgement when there are no probes.
const UNANSWERED: Duration = Duration::from_secs(30);

/// The settings of all TCP sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpOptions {
    /// Whether small writes leave at once (`TCP_NODELAY`).
    pub nodelay: bool,
    /// Probes on silent connections (`SO_KEEPALIVE`); without them a peer that has vanished shows when it is sent something.
    pub keepalive: Option<Keepalive>,
    /// Bytes the kernel keeps for the peer (`SO_SNDBUF`); the kernel's choice without.
    pub send_buffer: Option<usize>,
    /// Bytes the kernel keeps for us (`SO_RCVBUF`); the kernel's choice without.
    pub receive_buffer: Option<usize>,
    /// How long a connection that we closed may take to deliver the rest, and its peer to end; zero ends it with a reset at
    /// once (`SO_LINGER`).
    pub linger: Duration,
}

/// When a silent connection is probed, and when it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence before the first probe, in whole seconds.
    pub idle: Duration,
    /// Time between probes, in whole seconds.
    pub interval: Duration,
    /// Probes without an answer after which the peer is gone.
    pub count: u32,
}

/// What this machine does not do for a run's sockets.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// There is no socket at all.
    #[error("this machine gives no socket")]
    NoSocket(#[source] io::Error),
    /// Connections cannot leave from an address.
    #[error("connections cannot leave from {address} of `load.local_addresses`")]
    LocalAddress {
        /// Which.
        address: IpAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// An option that this system refuses.
    #[error("this system refuses the TCP option `{option}`")]
    Refused {
        /// Which.
        option: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A buffer that this system does not make so large.
    #[error(
        "this system gives `{option}` {granted} bytes, not {wanted}; on Linux net.core.wmem_max and rmem_max are the limits"
    )]
    Buffer {
        /// Which.
        option: &'static str,
        /// Bytes that were asked for.
        wanted: usize,
        /// Bytes that there are.
        granted: usize,
    },
}

impl Default for TcpOptions {
    fn default() -> TcpOptions {
        TcpOptions {
            nodelay: true,
            keepalive: Some(Keepalive::default()),
            send_buffer: None,
            receive_buffer: None,
            linger: Duration::from_secs(1),
        }
    }
}

impl Default for Keepalive {
    fn default() -> Keepalive {
        Keepalive { idle: Duration::from_secs(15), interval: Duration::from_secs(5), count: 3 }
    }
}

impl Keepalive {
    /// How long a peer may be silent in all.
    fn patience(&self) -> Duration {
        self.idle.saturating_add(self.interval.saturating_mul(self.count))
    }
}

impl TcpOptions {
    /// Sets all of them on a socket that is not connected: the size of a buffer decides what its connection agrees on.
    ///
    /// # Errors
    /// The system refuses one.
    pub(crate) fn apply(&self, socket: &Socket) -> Result<(), SocketError> {
        let refused = |option| move |source| SocketError::Refused { option, source };
        socket.set_tcp_nodelay(self.nodelay).map_err(refused("nodelay"))?;
        if let Some(size) = self.send_buffer {
            socket.set_send_buffer_size(size).map_err(refused("send_buffer"))?;
        }
        if let Some(size) = self.receive_buffer {
            socket.set_recv_buffer_size(size).map_err(refused("receive_buffer"))?;
        }
        if let Some(Keepalive { idle, interval, count }) = self.keepalive {
            let probes = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(count);
            socket.set_tcp_keepalive(&probes).map_err(refused("keepalive"))?;
        }
        // With a time above zero the kernel would make `close` wait, and the whole shard with it: the shard keeps such sockets
        // itself.
        if self.linger.is_zero() {
            socket.set_linger(Some(Duration::ZERO)).map_err(refused("linger"))?;
        }
        self.give_up_unanswered(socket);
        Ok(())
    }

    /// What was sent and is not acknowledged ends a connection as late as probes without an answer do. Where the system does
    /// not know this setting, it takes as long as it takes.
    fn give_up_unanswered(&self, socket: &Socket) {
        let patience = self.keepalive.as_ref().map_or(UNANSWERED, Keepalive::patience);
        #[cfg(target_os = "linux")]
        let _ = socket.set_tcp_user_timeout(Some(patience));
        #[cfg(not(target_os = "linux"))]
        let _ = (socket, patience);
    }

    /// Whether this machine does all that connections from `local_addresses` will ask for.
    ///
    /// # Errors
    /// The first thing it does not do.
    pub fn check(&self, local_addresses: &[IpAddr]) -> Result<(), SocketError> {
        for address in local_addresses {
            let socket = socket_for(*address)?;
            let bound = socket.bind(&SocketAddr::new(*address, 0).into());
            bound.map_err(|source| SocketError::LocalAddress { address: *address, source })?;
        }
        let socket = socket_for(IpAddr::from([127, 0, 0, 1]))?;
        self.apply(&socket)?;
        granted("send_buffer", self.send_buffer, socket.send_buffer_size())?;
        granted("receive_buffer", self.receive_buffer, socket.recv_buffer_size())
    }
}

fn socket_for(address: IpAddr) -> Result<Socket, SocketError> {
    let domain = Domain::for_address(SocketAddr::new(address, 0));
    Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).map_err(SocketError::NoSocket)
}

/// Systems cut what is too much without a word.
fn granted(
    option: &'static str,
    wanted: Option<usize>,
    reported: io::Result<usize>,
) -> Result<(), SocketError> {
    let reported = reported.map_err(|source| SocketError::Refused { option, source })?;
    let granted = reported / tcp::BUFFER_FACTOR;
    match wanted {
        Some(wanted) if granted < wanted => Err(SocketError::Buffer { option, wanted, granted }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::net::TcpStream;
    use socket2::SockRef;
    use std::net::TcpListener;

    /// A robot's socket with these options, connected or about to be.
    fn dialled(options: &TcpOptions) -> (TcpListener, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        (listener, tcp::dial(address, None, options).expect("a socket"))
    }

    #[test]
    fn a_socket_has_what_was_set() {
        let keepalive =
            Keepalive { idle: Duration::from_secs(40), interval: Duration::from_secs(7), count: 4 };
        let options = TcpOptions {
            nodelay: false,
            keepalive: Some(keepalive),
            send_buffer: Some(48 << 10),
            receive_buffer: Some(40 << 10),
            linger: Duration::ZERO,
        };
        let (_listener, stream) = dialled(&options);
        let socket = SockRef::from(&stream);
        assert!(!socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), keepalive.idle);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), keepalive.interval);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), keepalive.count);
        assert_eq!(socket.send_buffer_size().unwrap(), tcp::BUFFER_FACTOR * (48 << 10));
        assert_eq!(socket.recv_buffer_size().unwrap(), tcp::BUFFER_FACTOR * (40 << 10));
        assert_eq!(socket.linger().unwrap(), Some(Duration::ZERO));
    }

    #[test]
    fn without_settings_small_writes_leave_at_once_and_silence_is_noticed_within_half_a_minute() {
        let (_listener, stream) = dialled(&TcpOptions::default());
        let socket = SockRef::from(&stream);
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        let probes = socket.tcp_keepalive_interval().unwrap() * socket.tcp_keepalive_retries().unwrap();
        assert_eq!(socket.tcp_keepalive_time().unwrap() + probes, Duration::from_secs(30));
        assert_eq!(socket.linger().unwrap(), None);
    }

    #[test]
    fn probes_can_be_off() {
        let (_listener, stream) = dialled(&TcpOptions { keepalive: None, ..TcpOptions::default() });
        assert!(!SockRef::from(&stream).keepalive().unwrap());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn unanswered_bytes_are_given_up_when_probes_would_be() {
        let long = Keepalive { idle: Duration::from_secs(100), ..Keepalive::default() };
        for (keepalive, seconds) in [(Some(long), 115), (Some(Keepalive::default()), 30), (None, 30)] {
            let (_listener, stream) = dialled(&TcpOptions { keepalive, ..TcpOptions::default() });
            let timeout = SockRef::from(&stream).tcp_user_timeout().unwrap();
            assert_eq!(timeout, Some(Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn what_the_machine_does_not_do_is_told_before_a_run() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        TcpOptions::default().check(&[loopback]).expect("what every machine does");
        // Kept for documentation: no machine has it.
        let error = TcpOptions::default().check(&[loopback, IpAddr::from([192, 0, 2, 1])]).unwrap_err();
        assert!(error.to_string().starts_with("connections cannot leave from 192.0.2.1"), "{error}");
        let much = TcpOptions { send_buffer: Some(1 << 30), ..TcpOptions::default() };
        let error = much.check(&[]).unwrap_err();
        assert!(error.to_string().contains("`send_buffer`"), "{error}");
    }
}
