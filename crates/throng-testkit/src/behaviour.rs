//! What a behaviour is, and what must be counted when a robot meets it.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::peer::Peer;
use crate::protocol::Protocol;
use crate::{documents, framing, handshake, protobuf, sproto, tls, websocket};

/// What the peer does on a connection.
pub(crate) type Act = Arc<dyn Fn(&mut Peer) -> io::Result<()> + Send + Sync>;

/// A way to answer wrongly, or so strangely that a client may stumble.
#[derive(Clone)]
pub struct Behaviour {
    /// Its name; the connection of the robot that meets it is called so, and so is the request.
    pub name: &'static str,
    /// What is spoken beside it.
    pub protocol: Protocol,
    /// What must be counted.
    pub counted: Counted,
    pub(crate) end: &'static str,
    pub(crate) act: Act,
}

/// What must be counted. Kinds are those of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The connect fails as this kind.
    Connect(&'static str),
    /// A failure of this kind under the connection's name, with a sample.
    Connection(&'static str),
    /// The request fails as this kind.
    Request(&'static str),
    /// The request's reply fails as this kind, with a sample.
    Reply(&'static str),
    /// A push with this name fails to be decoded, with a sample; the request is answered.
    PushFails(&'static str),
    /// A push with this name, so often; the request is answered.
    Pushes(&'static str, u64),
    /// A push with this name in place of a reply: the request has none in time.
    PushInstead(&'static str),
    /// So many replies of which no request is known; the request is answered.
    Orphans(u64),
    /// A reply once more.
    Duplicate,
    /// A reply after its time.
    Late,
    /// Nothing: it is allowed, or nobody is harmed by taking it.
    Answered,
}

/// What a group of behaviours is about: a run meets one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Framing and replies over TCP.
    Framing,
    /// WebSocket's handshake and frames.
    WebSocket,
    /// TLS.
    Tls,
    /// Sproto's RPC and envelopes.
    Sproto,
    /// Protocol Buffers.
    Protobuf,
    /// JSON and MessagePack.
    Documents,
}

impl Layer {
    /// All of them.
    pub const ALL: [Layer; 6] =
        [Layer::Framing, Layer::WebSocket, Layer::Tls, Layer::Sproto, Layer::Protobuf, Layer::Documents];

    /// Its behaviours.
    pub fn behaviours(self) -> Vec<Behaviour> {
        match self {
            Layer::Framing => framing::behaviours(),
            Layer::WebSocket => [handshake::behaviours(), websocket::behaviours()].concat(),
            Layer::Tls => tls::behaviours(),
            Layer::Sproto => sproto::behaviours(),
            Layer::Protobuf => protobuf::behaviours(),
            Layer::Documents => documents::behaviours(),
        }
    }
}

impl Behaviour {
    /// One that does `act` once a connection was accepted.
    pub(crate) fn new(
        name: &'static str,
        protocol: Protocol,
        counted: Counted,
        end: &'static str,
        act: impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static,
    ) -> Behaviour {
        Behaviour { name, protocol, counted, end, act: Arc::new(act) }
    }

    /// Whether the connection lives on, and answers another request.
    pub fn survives(&self) -> bool {
        self.end == LIVES
    }

    /// The cause with which the report says that the connection ended.
    pub fn cause(&self) -> &'static str {
        if self.end == HANGS { LIVES } else { self.end }
    }
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behaviour")
            .field("name", &self.name)
            .field("counted", &self.counted)
            .finish_non_exhaustive()
    }
}

/// The end of a connection that lives on.
pub(crate) const LIVES: &str = "run_end";
/// The end of one that was never opened.
pub(crate) const NEVER: &str = "";
/// The end of one whose stream cannot be trusted any more.
pub(crate) const BROKEN: &str = "protocol";
/// The end of one that lives on in the middle of something, where nothing more can be asked.
pub(crate) const HANGS: &str = "hangs";
