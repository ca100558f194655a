//! Codecs: which messages a protocol has, and how a payload carries a message's name, session and body.
//!
//! A codec reads and writes only heads. Bodies are encoded and decoded by the host, with the type that
//! [`Codec::body_type`] or [`Codec::reply_body_type`] gives.

mod envelope;
mod messages;
mod rpc;
mod sides;

pub use envelope::{EnvelopeCodec, EnvelopeError};
pub use rpc::RpcCodec;

use throng_sproto::{DecodeError, Schema, TypeId, UnpackError};

use crate::MessageId;
use crate::spec::{CodecSpec, ProtocolError, SprotoShape};

/// The most bytes a packed payload may unpack to: 16 MiB, the reference's own limit.
const UNPACK_LIMIT: usize = 1 << 24;

/// What a protocol's payloads are.
#[derive(Debug, Clone)]
pub enum Codec {
    /// The payload is the body; names exist only in the script.
    Raw(RawCodec),
    /// Sproto.
    Sproto(SprotoCodec),
}

/// Bytes as they are. Every message that comes is [`RawCodec::RECEIVED`]; what a script calls the ones it sends is kept in
/// [`Names`](crate::Names).
#[derive(Debug, Clone, Copy, Default)]
pub struct RawCodec;

impl RawCodec {
    /// The name of every message that is received.
    pub const RECEIVED: &str = "message";
}

/// The shapes in which Sproto messages travel.
#[derive(Debug, Clone)]
pub enum SprotoCodec {
    /// An outer type carries the message's name and body.
    Envelope(Box<EnvelopeCodec>),
    /// A package header with type and session stands before the body.
    Rpc(Box<RpcCodec>),
}

/// The way a message goes, seen from the robot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the robot to the server.
    Sent,
    /// From the server to the robot.
    Received,
}

/// What the head of a payload says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// What the message is by its own word.
    pub kind: HeadKind,
    /// The message; `None` for a reply that carries only its session, and for a message that is not in the schema.
    pub message: Option<MessageId>,
    /// The name, or for RPC the tag in decimal, of a message that is not in the schema.
    pub unknown_name: Option<&'a str>,
    /// The encoded body. Packed ones are followed by up to seven zeros.
    pub body: &'a [u8],
}

/// What a message is by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadKind {
    /// The reply to the request with this session.
    Reply {
        /// The session.
        session: i64,
    },
    /// No reply.
    Push,
    /// No reply either, but the peer waits for an answer with this session.
    Request {
        /// The session.
        session: i64,
    },
    /// The payload does not say; the reply rule decides.
    Any,
}

/// A payload whose head could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The payload is not packed.
    #[error("the payload is not packed")]
    Unpack(#[from] UnpackError),
    /// The package header is broken.
    #[error("the package header is broken")]
    Package(#[from] DecodeError),
    /// The package header has neither a type nor a session.
    #[error("the package header has neither a type nor a session")]
    EmptyPackage,
    /// The envelope is broken.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

/// A message that could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The schema of what is sent has no such message.
    #[error("`{name}` is not a message that can be sent")]
    NotSent {
        /// The message's name.
        name: String,
    },
    /// The codec has no sessions, so nobody waits for an answer.
    #[error("messages of the codec {codec} cannot be answered")]
    NoAnswer {
        /// The codec's word.
        codec: &'static str,
    },
    /// The body does not fit a 32-bit length.
    #[error("a body of {length} bytes is too long")]
    TooLong {
        /// The body's length, in bytes.
        length: usize,
    },
}

impl Codec {
    pub(crate) fn build(spec: CodecSpec) -> Result<Codec, ProtocolError> {
        let spec = match spec {
            CodecSpec::Raw => return Ok(Codec::Raw(RawCodec)),
            CodecSpec::Sproto(spec) => spec,
        };
        let schemas = spec.schema.parse()?;
        Ok(Codec::Sproto(match spec.shape {
            SprotoShape::Envelope { ty, name, body } => {
                let names = envelope::FieldNames { ty: &ty, name: &name, body: &body };
                SprotoCodec::Envelope(Box::new(EnvelopeCodec::new(
                    schemas,
                    &names,
                    spec.packed.unwrap_or(false),
                )?))
            }
            SprotoShape::Rpc { package } => {
                SprotoCodec::Rpc(Box::new(RpcCodec::new(schemas, &package, spec.packed.unwrap_or(true))?))
            }
        }))
    }

    /// What the codec is called in `throng.toml`.
    pub fn word(&self) -> &'static str {
        match self {
            Codec::Raw(_) => "raw",
            Codec::Sproto(SprotoCodec::Envelope(_)) => "sproto with an envelope",
            Codec::Sproto(SprotoCodec::Rpc(_)) => "sproto with a package",
        }
    }

    /// How many messages the codec knows; their ids are those below.
    pub fn message_count(&self) -> u32 {
        match self {
            Codec::Raw(_) => 1,
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.messages.count(),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.messages.count(),
        }
    }

    /// The message called `name`.
    pub fn message(&self, name: &str) -> Option<MessageId> {
        match self {
            Codec::Raw(_) => (name == RawCodec::RECEIVED).then_some(MessageId(0)),
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.messages.find(name),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.messages.find(name),
        }
    }

    /// A message's name; `None` for ids that are not the codec's, such as those of [`Names`](crate::Names).
    pub fn message_name(&self, message: MessageId) -> Option<&str> {
        match self {
            Codec::Raw(_) => (message.0 == 0).then_some(RawCodec::RECEIVED),
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.messages.name(message),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.messages.name(message),
        }
    }

    /// All messages with their names, by id.
    pub fn messages(&self) -> impl Iterator<Item = (MessageId, &str)> {
        (0..self.message_count()).map(MessageId).filter_map(|id| Some((id, self.message_name(id)?)))
    }

    /// Whether a message goes this way.
    pub fn goes(&self, message: MessageId, direction: Direction) -> bool {
        match (self, direction) {
            (Codec::Raw(_), Direction::Sent) => true,
            (Codec::Raw(_), Direction::Received) => message.0 == 0,
            (Codec::Sproto(SprotoCodec::Envelope(codec)), _) => {
                codec.sides.of(direction).body_type(message).is_some()
            }
            (Codec::Sproto(SprotoCodec::Rpc(codec)), _) => {
                codec.sides.of(direction).protocol(message).is_some()
            }
        }
    }

    /// What a body is encoded or decoded with; `None` for raw bodies, and for RPC messages without content.
    pub fn body_type(&self, message: MessageId, direction: Direction) -> Option<(&Schema, TypeId)> {
        match self {
            Codec::Raw(_) => None,
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.sides.of(direction).body_type(message),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.sides.of(direction).request_type(message),
        }
    }

    /// What the body of `request`'s reply is decoded with; `reply` is the message its head named. `None` where it has no content.
    pub fn reply_body_type(&self, request: MessageId, reply: Option<MessageId>) -> Option<(&Schema, TypeId)> {
        match self {
            Codec::Raw(_) => None,
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.sides.received.body_type(reply?),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.sides.sent.response_type(request),
        }
    }

    /// What the body of the answer to a message that came is encoded with; `None` where it has no content.
    pub fn answer_body_type(&self, message: MessageId) -> Option<(&Schema, TypeId)> {
        match self {
            Codec::Raw(_) | Codec::Sproto(SprotoCodec::Envelope(_)) => None,
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.sides.received.response_type(message),
        }
    }

    /// Appends the payload that carries `body` to `out`. `scratch` is overwritten.
    ///
    /// # Errors
    /// A message that cannot be sent, or a body that is too long; nothing is appended then.
    #[inline]
    pub fn write(
        &self,
        message: MessageId,
        session: Option<i64>,
        body: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        match self {
            Codec::Raw(_) => {
                out.extend_from_slice(body);
                Ok(())
            }
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.write(message, body, scratch, out),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.write(message, session, body, scratch, out),
        }
    }

    /// Appends the payload that answers the peer's request with `session`. `scratch` is overwritten.
    ///
    /// # Errors
    /// The codec has no sessions; nothing is appended then.
    pub fn write_answer(
        &self,
        session: i64,
        body: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        match self {
            Codec::Raw(_) | Codec::Sproto(SprotoCodec::Envelope(_)) => {
                Err(WriteError::NoAnswer { codec: self.word() })
            }
            Codec::Sproto(SprotoCodec::Rpc(codec)) => {
                codec.write_answer(session, body, scratch, out);
                Ok(())
            }
        }
    }

    /// Reads a payload's head. `scratch` is overwritten, and holds what the head points to where the payload is packed.
    ///
    /// # Errors
    /// A payload that is not of this codec. A message that is not in the schema is no error.
    #[inline]
    pub fn read<'a>(&self, payload: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<Head<'a>, HeadError> {
        match self {
            Codec::Raw(_) => Ok(Head {
                kind: HeadKind::Any,
                message: Some(MessageId(0)),
                unknown_name: None,
                body: payload,
            }),
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.read(payload, scratch),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.read(payload, scratch),
        }
    }
}

#[cfg(test)]
mod tests;
