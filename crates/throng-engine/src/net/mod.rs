//! The transports a connection can have: the machine's sockets, or a network in memory for tests and virtual time.

pub(crate) mod http;
pub(crate) mod memory;
pub(crate) mod options;
mod parting;
pub(crate) mod proxy;
mod resolver;
pub(crate) mod target;
pub(crate) mod tcp;
pub(crate) mod tls;
pub(crate) mod udp;

use crate::config::Settings;
use crate::id::{ConnectionKey, OperationKey};
use crate::wheel::TimerId;
use http::{Http, HttpAnswer, Job, Trouble};
use memory::{LinkId, MemoryNet};
use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token, Waker};
use options::TcpOptions;
use parting::Lingering;
use resolver::{Answer, Resolver};
use slotmap::{Key, KeyData};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tcp::{Read, StampRoom};
use throng_metrics::FailureKind;
use throng_wire::{Nanos, Tls};
use tls::{Bench, Secure};
use udp::Udp;

/// Bytes one read takes at most.
pub(crate) const READ: usize = 64 << 10;
/// Dropped sockets that are kept open so that no farewell goes out; more reset the oldest.
const GRAVEYARD: usize = 1024;
/// Closed sockets that wait for their peers' end; more are closed at once.
const LINGERING: usize = 1024;
/// What the peer of a closed socket may still send.
const LINGERING_BYTES: usize = 1 << 20;

/// Where bytes go and come from.
pub(crate) enum Net {
    Sockets(Box<Sockets>),
    Memory(MemoryNet),
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) enum Link {
    /// It is connected when it takes plaintext: with TLS after the handshake.
    Tcp {
        stream: TcpStream,
        connected: bool,
        secure: Option<Box<Secure>>,
    },
    Udp(Box<Udp>),
    Memory {
        id: LinkId,
        connected: bool,
    },
    Closed,
}

/// The machine's sockets.
pub(crate) struct Sockets {
    registry: Registry,
    resolver: Resolver<OperationKey>,
    http: Http,
    room: StampRoom,
    buffers: tls::Buffers,
    traffic: Traffic,
    graveyard: VecDeque<TcpStream>,
    lingering: HashMap<ConnectionKey, Lingering>,
}

/// Bytes that went over sockets, as they were there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) sent: usize,
    pub(crate) received: usize,
}

/// How a link is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parting {
    /// With the end of our stream.
    InOrder,
    /// With a reset.
    Abrupt,
}

impl Sockets {
    pub(crate) fn new(registry: Registry, waker: Arc<Waker>) -> Sockets {
        Sockets {
            registry,
            http: Http::new(waker.clone()),
            resolver: Resolver::new(waker),
            room: StampRoom::new(),
            buffers: tls::Buffers::default(),
            traffic: Traffic::default(),
            graveyard: VecDeque::new(),
            lingering: HashMap::new(),
        }
    }

    /// Moves what lingers under `key` on; when there is nothing more to be done for it, it is closed.
    fn drain(&mut self, key: ConnectionKey) {
        let Some(lingering) = self.lingering.get_mut(&key) else { return };
        if !lingering.go_on(&mut self.room, &mut self.traffic) {
            self.lingering.remove(&key);
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
    pub(crate) fn dial(
        &mut self,
        address: SocketAddr,
        local: Option<IpAddr>,
        options: &TcpOptions,
    ) -> io::Result<Link> {
        match self {
            Net::Sockets(sockets) => {
                let mut stream = tcp::dial(address, local, options);
                let full = |error: &io::Error| tcp::connect_failure(error) == FailureKind::LocalResources;
                // Robots that play need descriptors more than connections that are over.
                if !sockets.lingering.is_empty() && stream.as_ref().is_err_and(full) {
                    sockets.lingering.clear();
                    stream = tcp::dial(address, local, options);
                }
                Ok(Link::Tcp { stream: stream?, connected: false, secure: None })
            }
            Net::Memory(net) => Ok(Link::Memory { id: net.dial(address)?, connected: false }),
        }
    }

    /// A link over datagrams; in memory it is like any other.
    ///
    /// # Errors
    /// Refused at once, or this machine has no room for it.
    pub(crate) fn dial_datagrams(&mut self, address: SocketAddr, local: Option<IpAddr>) -> io::Result<Link> {
        match self {
            Net::Sockets(_) => Ok(Link::Udp(Box::new(Udp::dial(address, local)?))),
            Net::Memory(net) => Ok(Link::Memory { id: net.dial(address)?, connected: false }),
        }
    }

    /// Puts TLS on a link that is not connected yet, behind `preface`, which goes out as it is; nothing is encrypted in
    /// memory.
    pub(crate) fn secure(link: &mut Link, tls: Tls, preface: Vec<u8>) {
        if let Link::Tcp { secure, .. } = link {
            *secure = Some(Box::new(Secure::new(tls, preface)));
        }
    }

    /// The link became writable: whether it takes plaintext now. With TLS it goes on with the handshake, and writes what TLS
    /// has to say of its own.
    ///
    /// # Errors
    /// The attempt failed.
    pub(crate) fn go_on(&mut self, link: &mut Link) -> io::Result<bool> {
        match (self, link) {
            (Net::Sockets(sockets), Link::Tcp { stream, secure: Some(secure), .. }) => {
                let Sockets { buffers, traffic, .. } = &mut **sockets;
                secure.go_on(Bench { stream, buffers, traffic })?;
                Ok(secure.is_open())
            }
            (_, Link::Tcp { stream, connected, .. }) => {
                *connected = tcp::connected(stream)?;
                Ok(*connected)
            }
            (_, Link::Udp(udp)) => {
                udp.connected = true;
                Ok(true)
            }
            (_, Link::Memory { connected, .. }) => {
                *connected = true;
                Ok(true)
            }
            (_, Link::Closed) => Ok(false),
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
            (Net::Sockets(sockets), Link::Udp(udp)) => {
                let interest = Interest::READABLE | Interest::WRITABLE;
                udp.source().register(&sockets.registry, token(key), interest)
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

    /// Hands an HTTP request over; the answer comes by [`Net::http_answer`].
    pub(crate) fn ask_http(&mut self, job: Job, settings: &Settings) -> Result<(), Trouble> {
        match self {
            Net::Sockets(sockets) => sockets.http.ask(job, settings),
            Net::Memory(net) => {
                net.ask_http(job);
                Ok(())
            }
        }
    }

    pub(crate) fn http_answer(&mut self) -> Option<HttpAnswer> {
        match self {
            Net::Sockets(sockets) => sockets.http.answer(),
            Net::Memory(net) => net.http_answer(),
        }
    }

    /// Bytes of HTTP connections since the last time, sent and received.
    pub(crate) fn take_http_traffic(&mut self) -> (usize, usize) {
        match self {
            Net::Sockets(sockets) => sockets.http.take_traffic(),
            Net::Memory(_) => (0, 0),
        }
    }

    /// Reads what is there, up to the buffer's length.
    ///
    /// # Errors
    /// The connection was reset or timed out.
    pub(crate) fn read(&mut self, link: &mut Link, buffer: &mut [u8]) -> io::Result<Read> {
        match (self, link) {
            (Net::Sockets(sockets), Link::Tcp { stream, connected, secure }) => {
                let Sockets { room, buffers, traffic, .. } = &mut **sockets;
                let Some(secure) = secure else {
                    let read = tcp::read(stream, buffer, room)?;
                    traffic.received += read.count();
                    return Ok(read);
                };
                let read = secure.read(buffer, room, Bench { stream, buffers, traffic });
                *connected = secure.is_open();
                read
            }
            (Net::Sockets(sockets), Link::Udp(udp)) => {
                udp.read(buffer, &mut sockets.room, &mut sockets.traffic)
            }
            (Net::Memory(net), Link::Memory { id, .. }) => net.read(*id, buffer),
            _ => Ok(Read::Empty),
        }
    }

    /// Prepares the write of `bytes` that follows, as far as that takes time.
    pub(crate) fn prepare(&mut self, link: &mut Link, bytes: &[u8]) {
        if let (Net::Sockets(sockets), Link::Tcp { secure: Some(secure), .. }) = (self, link) {
            secure.seal(bytes, &mut sockets.buffers);
        }
    }

    /// Writes what is taken; 0 is nothing for now.
    ///
    /// # Errors
    /// The connection is gone.
    pub(crate) fn write(&mut self, link: &mut Link, bytes: &[u8]) -> io::Result<usize> {
        match (self, link) {
            (Net::Sockets(sockets), Link::Tcp { stream, connected: true, secure }) => {
                let Sockets { buffers, traffic, .. } = &mut **sockets;
                if let Some(secure) = secure {
                    return secure.write(bytes, Bench { stream, buffers, traffic });
                }
                let sent = tcp::write(stream, bytes)?;
                traffic.sent += sent;
                Ok(sent)
            }
            (Net::Sockets(sockets), Link::Udp(udp)) if udp.connected => {
                udp.write(bytes, &mut sockets.traffic)
            }
            (Net::Memory(net), Link::Memory { id, connected: true }) => net.write(*id, bytes),
            _ => Ok(0),
        }
    }

    /// Sends what a link's layer has to send by itself now.
    ///
    /// # Errors
    /// The connection is gone.
    pub(crate) fn beat(&mut self, link: &mut Link) -> io::Result<()> {
        match (self, link) {
            (Net::Sockets(sockets), Link::Udp(udp)) => udp.flush(&mut sockets.traffic),
            _ => Ok(()),
        }
    }

    /// Closes a link.
    pub(crate) fn close(&mut self, link: Link, parting: Parting) {
        match (self, link) {
            (Net::Sockets(sockets), Link::Tcp { mut stream, .. }) => {
                let _ = stream.deregister(&sockets.registry);
                match parting {
                    Parting::Abrupt => tcp::reset_on_close(&stream),
                    Parting::InOrder => tcp::shut_down_writing(&stream),
                }
            }
            (Net::Sockets(sockets), Link::Udp(mut udp)) => {
                if parting == Parting::InOrder {
                    // What has come is acknowledged; a peer that is gone is no news.
                    let _ = udp.flush(&mut sockets.traffic);
                }
                let _ = udp.source().deregister(&sockets.registry);
            }
            (Net::Memory(net), Link::Memory { id, .. }) => net.close_from_robot(id),
            _ => {}
        }
    }

    /// Ends our side of `key`'s link behind `unsent`, and keeps it for a while, until what was said has arrived. It stays
    /// until [`Net::let_go`], or until [`Net::drain`] finds that it is done, or too many bytes.
    pub(crate) fn linger(&mut self, link: Link, key: ConnectionKey, unsent: Vec<u8>) {
        match (self, link) {
            (Net::Sockets(sockets), Link::Tcp { stream, connected: true, secure })
                if sockets.lingering.len() < LINGERING =>
            {
                let unsent = match secure {
                    Some(secure) => secure.farewell(&unsent),
                    None => unsent,
                };
                sockets.lingering.insert(key, Lingering::stream(stream, unsent));
            }
            (Net::Sockets(sockets), Link::Udp(udp))
                if (udp.has_unacknowledged() || udp.converses() && !unsent.is_empty())
                    && sockets.lingering.len() < LINGERING =>
            {
                sockets.lingering.insert(key, Lingering::conversation(udp, unsent));
            }
            (net, link) => net.close(link, Parting::InOrder),
        }
    }

    /// Moves a link that lingers on.
    pub(crate) fn drain(&mut self, key: ConnectionKey) {
        if let Net::Sockets(sockets) = self {
            sockets.drain(key);
        }
    }

    /// When a link that lingers has to be moved on by itself, if that is sooner than its timer, with the timer that is to go.
    pub(crate) fn sooner(&mut self, key: ConnectionKey) -> Option<(Nanos, TimerId)> {
        match self {
            Net::Sockets(sockets) => sockets.lingering.get_mut(&key)?.sooner(),
            Net::Memory(_) => None,
        }
    }

    /// Keeps the timer that was set for what [`Net::sooner`] said.
    pub(crate) fn keep_timer(&mut self, key: ConnectionKey, timer: TimerId) {
        if let Net::Sockets(sockets) = self
            && let Some(lingering) = sockets.lingering.get_mut(&key)
        {
            lingering.keep_timer(timer);
        }
    }

    /// The timer of a link that lingers has fired.
    pub(crate) fn timer_fired(&mut self, key: ConnectionKey) {
        if let Net::Sockets(sockets) = self
            && let Some(lingering) = sockets.lingering.get_mut(&key)
        {
            lingering.timer_fired();
        }
    }

    /// What went over all links since the last call.
    pub(crate) fn take_traffic(&mut self) -> Traffic {
        match self {
            Net::Sockets(sockets) => std::mem::take(&mut sockets.traffic),
            Net::Memory(net) => net.take_traffic(),
        }
    }

    /// Closes a link that lingers.
    pub(crate) fn let_go(&mut self, key: ConnectionKey) {
        if let Net::Sockets(sockets) = self {
            sockets.lingering.remove(&key);
        }
    }

    /// Whether a link lingers.
    pub(crate) fn lingers(&self, key: ConnectionKey) -> bool {
        matches!(self, Net::Sockets(sockets) if sockets.lingering.contains_key(&key))
    }

    /// Whether any link lingers.
    pub(crate) fn has_lingering(&self) -> bool {
        matches!(self, Net::Sockets(sockets) if !sockets.lingering.is_empty())
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
        match self {
            Link::Tcp { connected, .. } | Link::Memory { connected, .. } => *connected,
            Link::Udp(udp) => udp.connected,
            Link::Closed => false,
        }
    }

    /// Our port, and where the link goes, once the socket is connected.
    pub(crate) fn ends(&self) -> Option<(u16, SocketAddr)> {
        match self {
            Link::Tcp { stream, .. } => Some((self.port()?, stream.peer_addr().ok()?)),
            Link::Udp(_) | Link::Memory { .. } | Link::Closed => None,
        }
    }

    /// Our port; a network in memory has none.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Link::Tcp { stream, .. } => stream.local_addr().ok().map(|address| address.port()),
            Link::Udp(_) | Link::Memory { .. } | Link::Closed => None,
        }
    }

    pub(crate) fn is_datagrams(&self) -> bool {
        matches!(self, Link::Udp(_))
    }

    pub(crate) fn is_secure(&self) -> bool {
        matches!(self, Link::Tcp { secure: Some(_), .. })
    }

    /// The first bytes of what broke TLS; none where it holds.
    pub(crate) fn rejected(&self) -> &[u8] {
        match self {
            Link::Tcp { secure: Some(secure), .. } => secure.rejected(),
            _ => &[],
        }
    }

    /// Whether TLS is not up on a connected socket, or has failed.
    pub(crate) fn is_shaking_hands(&self) -> bool {
        matches!(self, Link::Tcp { secure: Some(secure), .. } if secure.is_shaking_hands())
    }
}
