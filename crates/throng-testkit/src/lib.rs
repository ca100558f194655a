//! A hostile server: a catalogue of named ways to answer wrongly, each with the name under which it must be counted.
//!
//! Every [`Behaviour`] is met by one robot over a connection of its own, on a port of its own ([`Server`]). What is said on
//! the wire is made here by hand, from what the formats say, and not with the code that is tested. The settings a project
//! needs to speak with it are here too ([`Layer::settings`]).
//!
//! Start reading at [`Behaviour`]; the catalogue is [`Layer::behaviours`]. To add one: put it into the table of its layer with
//! what must be counted. It must not be used by what ships.

mod behaviour;
mod bytes;
mod documents;
mod framing;
mod handshake;
mod packed;
mod peer;
mod protobuf;
mod protocol;
mod server;
mod settings;
mod sproto;
mod tls;
mod websocket;

pub use behaviour::{Behaviour, Counted, Layer};
pub use protocol::Protocol;
pub use server::Server;
pub use tls::authority;
