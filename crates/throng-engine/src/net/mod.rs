//! The transports a connection can have: the machine's sockets, or a network in memory for tests and virtual time.

pub(crate) mod memory;
mod resolver;
pub(crate) mod target;
pub(crate) mod tcp;

use crate::id::{ConnectionKey, OperationKey};
use memory::{LinkId, MemoryNet};
use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token, Waker};
use resolver::{Answer, Resolver};
use slotmap::{Key, KeyData};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tcp::{Read, StampRoom};

/// Dropped sockets that are kept open so that no farewell goes out; more reset the oldest.
const GRAVEYARD: usize = 1024;

/// Where bytes go and come from.
pub(crate) enum Net {
    Sockets(Sockets),
    Memory(MemoryNet),
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) enum Link {
    Tcp { stream: TcpStream, connected: bool },
    Memory { id: LinkId, connected: bool },
    Closed,
}

/// The machine's sockets.
pub(crate) struct Sockets {
    registry: Registry,
    resolver: Resolver<OperationKey>,
    room: StampRoom,
    graveyard: VecDeque<TcpStream>,
}

impl Sockets {
    pub(crate) fn new(registry: Registry, waker: Arc<Waker>) -> Sockets {
        Sockets {
            registry,
            resolver: Resolver::new(waker),
            room: StampRoom::new(),
            graveyard: VecDeque::new(),
        }
    }
}

/// The token of a connection's socket.
pub(crate) fn token(key: ConnectionKey) -> Token {
    Token(key.data().as_ffi() as usize)
}

/// The connection behind a token.
pub(crate) fn connection(token: Token) -> ConnectionKey {
    KeyData::from_ffi(token.0 as u64).into()
}

impl Net {
    /// Begins to connect.
    ///
    /// # Errors
    /// Refused at once, or this machine has no room for it.
    pub(crate) fn dial(&mut self, address: SocketAddr, local: Option<IpAddr>) -> io::Result<Link> {
        match self {
            Net::Sockets(_) => Ok(Link::Tcp { stream: tcp::dial(address, local)?, connected: false }),
            Net::Memory(net) => Ok(Link::Memory { id: net.dial(address)?, connected: false }),
        }
    }

    /// Makes a link report its readiness as `key`'s.
    ///
    /// # Errors
    /// The poller has no room for it.
    pub(crate) fn register(&mut self, link: &mut Link, key: ConnectionKey) -> io::Result<()> {
        match (self, link) {
            (Net::Sockets(sockets), Link::Tcp { stream, .. }) => {
                stream.register(&sockets.registry, token(key), Interest::READABLE | Interest::WRITABLE)
            }
            (Net::Memory(net), Link::Memory { id, .. }) => {
                net.register(*id, key);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Asks for a name's addresses; the answer comes by [`Net::resolver_answer`].
    ///
    /// # Errors
    /// The resolver takes no more questions.
    pub(crate) fn resolve(&mut self, operation: OperationKey, host: &str, port: u16) -> io::Result<()> {
        match self {
            Net::Sockets(sockets) => sockets.resolver.ask(operation, host, port),
            Net::Memory(net) => {
                net.resolve(operation, port);
                Ok(())
            }
        }
    }

    pub(crate) fn resolver_answer(&mut self) -> Option<(OperationKey, io::Result<Vec<SocketAddr>>)> {
        match self {
            Net::Sockets(sockets) => {
                sockets.resolver.answer().map(|Answer { key, addresses }| (key, addresses))
            }
            Net::Memory(net) => net.resolver_answer(),
        }
    }

    /// Reads what is there, up to the buffer's length.
    ///
    /// # Errors
    /// The connection was reset or timed out.
    pub(crate) fn read(&mut self, link: &mut Link, buffer: &mut [u8]) -> io::Result<Read> {
        match (self, link) {
            (Net::Sockets(sockets), Link::Tcp { stream, .. }) => tcp::read(stream, buffer, &mut sockets.room),
            (Net::Memory(net), Link::Memory { id, .. }) => net.read(*id, buffer),
            _ => Ok(Read::Empty),
        }
    }

    /// Writes what is taken; 0 is nothing for now.
    ///
    /// # Errors
    /// The connection is gone.
    pub(crate) fn write(&mut self, link: &mut Link, bytes: &[u8]) -> io::Result<usize> {
        match (self, link) {
            (_, Link::Tcp { stream, connected: true }) => tcp::write(stream, bytes),
            (Net::Memory(net), Link::Memory { id, connected: true }) => net.write(*id, bytes),
            _ => Ok(0),
        }
    }

    /// Closes a link, in order or with a reset.
    pub(crate) fn close(&mut self, link: &mut Link, abrupt: bool) {
        match (self, std::mem::replace(link, Link::Closed)) {
            (Net::Sockets(sockets), Link::Tcp { mut stream, .. }) => {
                let _ = stream.deregister(&sockets.registry);
                match abrupt {
                    true => tcp::reset_on_close(&stream),
                    false => tcp::shut_down_writing(&stream),
                }
            }
            (Net::Memory(net), Link::Memory { id, .. }) => net.close_from_robot(id),
            _ => {}
        }
    }

    /// Lets go of a link without telling the peer.
    pub(crate) fn abandon(&mut self, link: Link) {
        if let (Net::Sockets(sockets), Link::Tcp { mut stream, .. }) = (self, link) {
            let _ = stream.deregister(&sockets.registry);
            tcp::reset_on_close(&stream);
            sockets.graveyard.push_back(stream);
            if sockets.graveyard.len() > GRAVEYARD {
                sockets.graveyard.pop_front();
            }
        }
    }
}

impl Link {
    pub(crate) fn is_connected(&self) -> bool {
        matches!(self, Link::Tcp { connected: true, .. } | Link::Memory { connected: true, .. })
    }

    /// The link became writable: whether it is connected now.
    ///
    /// # Errors
    /// The attempt failed.
    pub(crate) fn finish_connecting(&mut self) -> io::Result<bool> {
        match self {
            Link::Tcp { stream, connected } => {
                *connected = tcp::connected(stream)?;
                Ok(*connected)
            }
            Link::Memory { connected, .. } => {
                *connected = true;
                Ok(true)
            }
            Link::Closed => Ok(false),
        }
    }
}
