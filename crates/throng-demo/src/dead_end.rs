//! Addresses where nothing good happens: refused, or never answered.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use tokio::net::{TcpListener, TcpSocket};

use crate::server::bind;

/// How long a connection on loopback may take before it counts as not answered.
const ANSWER_LIMIT: Duration = Duration::from_millis(100);

/// An address that is taken and does not serve; it is given back when this is dropped.
pub(crate) enum DeadEnd {
    /// Bound and not listening: each attempt is refused.
    Refusing(TcpSocket),
    /// Listening with a queue that is full: each attempt goes unanswered.
    Full { listener: TcpListener, _queue: Vec<TcpStream> },
}

impl DeadEnd {
    pub(crate) fn refusing(address: SocketAddr) -> io::Result<Self> {
        Ok(Self::Refusing(bind(address)?))
    }

    /// Fills the queue itself, which holds one or two connections and a moment.
    pub(crate) fn full(address: SocketAddr) -> io::Result<Self> {
        let listener = bind(address)?.listen(0)?;
        let address = listener.local_addr()?;
        let connect = || TcpStream::connect_timeout(&address, ANSWER_LIMIT).ok();
        let queue = std::iter::from_fn(connect).take(8).collect();
        Ok(Self::Full { listener, _queue: queue })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Refusing(socket) => socket.local_addr(),
            Self::Full { listener, .. } => listener.local_addr(),
        }
    }
}
