//! Codecs: which messages a protocol has, and how a payload carries a message's name, session and body.
//!
//! A codec reads and writes only heads. Bodies are encoded and decoded by the host, with the type that
//! [`Codec::body_type`] or [`Codec::reply_body_type`] gives.

mod bare;
pub mod document;
mod envelope;
mod messages;
mod own;
mod protobuf;
mod rpc;
mod sides;

pub use bare::BareCodec;
pub use document::{Build, DocumentCodec, DocumentError, DocumentForm};
pub use envelope::{EnvelopeCodec, EnvelopeError};
pub use own::{OwnCodec, OwnParts};
pub use protobuf::{Extent, ProtobufCodec, ProtobufError};
pub use rpc::RpcCodec;

use throng_sproto::{DecodeError, Schema, TypeId, UnpackError};

use crate::MessageId;
use crate::compress::InflateError;
use crate::spec::{CodecSpec, ProtocolError, SprotoShape};
use messages::Messages;

/// What a protocol's payloads are.
#[derive(Debug, Clone)]
pub enum Codec {
    /// The payload is the body; names exist only in the script.
    Raw(RawCodec),
    /// Sproto.
    Sproto(SprotoCodec),
    /// JSON or MessagePack.
    Document(Box<DocumentCodec>),
    /// Protocol Buffers.
    Protobuf(Box<ProtobufCodec>),
    /// What the host's own functions make and read.
    Own(Box<OwnCodec>),
}

/// Bytes as they are. Where no header says more, every message that comes is [`RawCodec::RECEIVED`]; what a script calls the ones it sends is kept in
/// [`Names`](crate::Names).
#[derive(Debug, Clone, Default)]
pub struct RawCodec {
    /// The messages that a header tells apart, [`RawCodec::RECEIVED`] before them.
    messages: Option<Box<Messages>>,
}

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
    /// A header of the protocol's says what the body is.
    Bare(Box<BareCodec>),
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
    /// The code with which a reply says no, where the protocol knows such codes.
    pub refused: Option<i64>,
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
    /// The document is broken.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The message around a body is broken.
    #[error("the envelope is broken: {0}")]
    Protobuf(Box<str>),
    /// The message ends inside its header, or has no room for its trailer.
    #[error("{length} bytes do not hold the header and the trailer")]
    Short {
        /// How many there are.
        length: usize,
    },
    /// A field is not what it always is.
    #[error("`{field}` is {found}, not {wanted}")]
    Constant {
        /// The field.
        field: Box<str>,
        /// What it always is.
        wanted: i64,
        /// What came.
        found: i64,
    },
    /// The body is not compressed as it says.
    #[error(transparent)]
    Inflate(#[from] InflateError),
    /// The protocol's own function refuses the payload.
    #[error("{0}")]
    Own(Box<str>),
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
    /// `ids` has no number for the message.
    #[error("`{name}` has no number in `ids`")]
    NoNumber {
        /// The message's name.
        name: String,
    },
    /// Name and session stand beside the body's fields, so it must have some.
    #[error("the body's fields stand beside the message's name, so it must be a table of fields")]
    NotObject,
    /// The body does not fit a 32-bit length.
    #[error("a body of {length} bytes is too long")]
    TooLong {
        /// The body's length, in bytes.
        length: usize,
    },
}

/// Messages and numbers that the user listed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Listed<'a> {
    /// Of what is sent, or of both directions.
    pub(crate) sent: Option<&'a [(String, i64)]>,
    /// Of what is received, where that has numbers of its own.
    pub(crate) received: Option<&'a [(String, i64)]>,
}

impl<'a> Listed<'a> {
    fn names(self) -> impl Iterator<Item = &'a str> {
        let all = self.sent.into_iter().chain(self.received).flatten();
        all.map(|(name, _)| &**name)
    }
}

impl Codec {
    /// Bounds what packed payloads unpack to, in bytes.
    pub(crate) fn limit_unpacked(&mut self, most: usize) {
        match self {
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.packing.limit(most),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.packing.limit(most),
            Codec::Raw(_)
            | Codec::Sproto(SprotoCodec::Bare(_))
            | Codec::Document(_)
            | Codec::Protobuf(_)
            | Codec::Own(_) => {}
        }
    }

    /// A codec, whose messages are those that are `listed` where it has no words of its own.
    pub(crate) fn build(spec: CodecSpec, listed: Listed<'_>) -> Result<Codec, ProtocolError> {
        let named = listed.sent.map(|_| listed.names());
        let spec = match spec {
            CodecSpec::Protobuf(spec) => {
                return Ok(Codec::Protobuf(Box::new(ProtobufCodec::new(*spec, listed)?)));
            }
            CodecSpec::Raw => {
                let messages = named
                    .map(|named| Box::new(Messages::new(std::iter::once(RawCodec::RECEIVED).chain(named))));
                return Ok(Codec::Raw(RawCodec { messages }));
            }
            CodecSpec::Own => return Ok(Codec::Own(Box::new(OwnCodec::new()))),
            CodecSpec::Document(spec) => {
                return Ok(Codec::Document(Box::new(DocumentCodec::new(spec, named.map(Messages::new)))));
            }
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
            SprotoShape::Bare if named.is_none() => return Err(ProtocolError::NoIds),
            SprotoShape::Bare => SprotoCodec::Bare(Box::new(BareCodec::new(schemas))),
        }))
    }

    /// What the codec is called in `throng.toml`.
    pub fn word(&self) -> &'static str {
        match self {
            Codec::Raw(_) => "raw",
            Codec::Sproto(SprotoCodec::Envelope(_)) => "sproto with an envelope",
            Codec::Sproto(SprotoCodec::Rpc(_)) => "sproto with a package",
            Codec::Sproto(SprotoCodec::Bare(_)) => "sproto behind a header",
            Codec::Document(codec) => codec.form().word(),
            Codec::Protobuf(_) => "protobuf",
            Codec::Own(_) => "lua",
        }
    }

    /// Whether a script may call messages what it likes: the names of those it sends are kept in [`Names`](crate::Names).
    #[inline]
    pub fn names_are_open(&self) -> bool {
        matches!(self, Codec::Raw(RawCodec { messages: None }))
    }

    /// Whether any name is a message, be it of `ids` or made up by a script: nobody can say that one is unknown.
    pub fn knows_any_name(&self) -> bool {
        match self {
            Codec::Document(codec) => codec.open_names().is_some(),
            Codec::Own(_) => true,
            codec => codec.names_are_open(),
        }
    }

    /// Whether payloads are packed by Sproto, as those of RPC are.
    pub(crate) fn is_packed(&self) -> bool {
        match self {
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.is_packed(),
            Codec::Sproto(SprotoCodec::Rpc(_)) => true,
            Codec::Sproto(SprotoCodec::Bare(_))
            | Codec::Raw(_)
            | Codec::Document(_)
            | Codec::Protobuf(_)
            | Codec::Own(_) => false,
        }
    }

    /// How many messages the codec knows, or can come to know; their ids are those below.
    pub fn message_count(&self) -> u32 {
        match self {
            Codec::Raw(codec) => codec.messages.as_ref().map_or(1, |messages| messages.count()),
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.messages.count(),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.messages.count(),
            Codec::Sproto(SprotoCodec::Bare(codec)) => codec.messages.count(),
            Codec::Document(codec) => codec.message_count(),
            Codec::Protobuf(codec) => codec.names().count(),
            Codec::Own(_) => OwnCodec::message_count(),
        }
    }

    /// The message called `name`. A codec that knows any name learns it, as long as there is room.
    pub fn message(&self, name: &str) -> Option<MessageId> {
        match self {
            Codec::Raw(RawCodec { messages: None }) => (name == RawCodec::RECEIVED).then_some(MessageId(0)),
            Codec::Raw(RawCodec { messages: Some(messages) }) => messages.find(name),
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.messages.find(name),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.messages.find(name),
            Codec::Sproto(SprotoCodec::Bare(codec)) => codec.messages.find(name),
            Codec::Document(codec) => codec.message(name),
            Codec::Protobuf(codec) => codec.names().find(name),
            Codec::Own(codec) => codec.message(name),
        }
    }

    /// A message's name; `None` for ids that are not the codec's, such as those of [`Names`](crate::Names).
    pub fn message_name(&self, message: MessageId) -> Option<&str> {
        match self {
            Codec::Raw(RawCodec { messages: None }) => (message.0 == 0).then_some(RawCodec::RECEIVED),
            Codec::Raw(RawCodec { messages: Some(messages) }) => messages.name(message),
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.messages.name(message),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.messages.name(message),
            Codec::Sproto(SprotoCodec::Bare(codec)) => codec.messages.name(message),
            Codec::Document(codec) => codec.message_name(message),
            Codec::Protobuf(codec) => codec.names().name(message),
            Codec::Own(codec) => codec.message_name(message),
        }
    }

    /// All messages with their names, by id.
    pub fn messages(&self) -> impl Iterator<Item = (MessageId, &str)> {
        (0..self.message_count()).map(MessageId).filter_map(|id| Some((id, self.message_name(id)?)))
    }

    /// Whether a message goes this way.
    pub fn goes(&self, message: MessageId, direction: Direction) -> bool {
        match (self, direction) {
            (Codec::Raw(RawCodec { messages: None }), Direction::Sent) => true,
            (Codec::Raw(RawCodec { messages: None }), Direction::Received) => message.0 == 0,
            (Codec::Protobuf(codec), _) => codec.goes(message, direction),
            (Codec::Raw(_) | Codec::Document(_) | Codec::Own(_), _) => self.message_name(message).is_some(),
            (Codec::Sproto(SprotoCodec::Bare(codec)), _) => {
                codec.sides.of(direction).body_type(message).is_some()
            }
            (Codec::Sproto(SprotoCodec::Envelope(codec)), _) => {
                codec.sides.of(direction).body_type(message).is_some()
            }
            (Codec::Sproto(SprotoCodec::Rpc(codec)), _) => {
                codec.sides.of(direction).protocol(message).is_some()
            }
        }
    }

    /// What a body is encoded or decoded with; `None` for raw bodies, for RPC messages without content,
    /// and for codecs that are no Sproto and have types of their own, such as [`ProtobufCodec::body_type`].
    pub fn body_type(&self, message: MessageId, direction: Direction) -> Option<(&Schema, TypeId)> {
        match self {
            Codec::Raw(_) | Codec::Document(_) | Codec::Protobuf(_) | Codec::Own(_) => None,
            Codec::Sproto(SprotoCodec::Bare(codec)) => codec.sides.of(direction).body_type(message),
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.sides.of(direction).body_type(message),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.sides.of(direction).request_type(message),
        }
    }

    /// What the body of `request`'s reply is decoded with; `reply` is the message its head named. `None` where it has no content.
    pub fn reply_body_type(&self, request: MessageId, reply: Option<MessageId>) -> Option<(&Schema, TypeId)> {
        match self {
            Codec::Raw(_) | Codec::Document(_) | Codec::Protobuf(_) | Codec::Own(_) => None,
            Codec::Sproto(SprotoCodec::Bare(codec)) => codec.sides.received.body_type(reply?),
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.sides.received.body_type(reply?),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.sides.sent.response_type(request),
        }
    }

    /// What the body of the answer to a message that came is encoded with; `None` where it has no content.
    pub fn answer_body_type(&self, message: MessageId) -> Option<(&Schema, TypeId)> {
        match self {
            Codec::Raw(_)
            | Codec::Document(_)
            | Codec::Protobuf(_)
            | Codec::Own(_)
            | Codec::Sproto(SprotoCodec::Envelope(_) | SprotoCodec::Bare(_)) => None,
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
            Codec::Raw(_) | Codec::Own(_) => {
                out.extend_from_slice(body);
                Ok(())
            }
            Codec::Sproto(SprotoCodec::Bare(codec)) => {
                if codec.sides.sent.body_type(message).is_none() {
                    return Err(codec.messages.not_sent(message));
                }
                out.extend_from_slice(body);
                Ok(())
            }
            Codec::Document(codec) => codec.write(message, session, body, out),
            Codec::Protobuf(codec) => codec.write(message, session, body, out),
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
            Codec::Raw(_)
            | Codec::Document(_)
            | Codec::Protobuf(_)
            | Codec::Own(_)
            | Codec::Sproto(SprotoCodec::Envelope(_) | SprotoCodec::Bare(_)) => {
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
            Codec::Raw(_) => Ok(plain(Some(MessageId(0)), payload)),
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.read(payload, scratch),
            Codec::Sproto(SprotoCodec::Rpc(codec)) => codec.read(payload, scratch),
            Codec::Sproto(SprotoCodec::Bare(_)) => Ok(plain(None, payload)),
            Codec::Document(codec) => codec.read(payload, Some(scratch)),
            Codec::Protobuf(codec) => codec.read(payload),
            Codec::Own(codec) => Ok(plain(codec.unnamed(), payload)),
        }
    }

    /// Reads the head of a payload that is not packed.
    pub(crate) fn read_plain<'a>(&self, payload: &'a [u8]) -> Result<Head<'a>, HeadError> {
        match self {
            Codec::Raw(_) => Ok(plain(Some(MessageId(0)), payload)),
            Codec::Sproto(SprotoCodec::Envelope(codec)) => codec.read_content(payload),
            // Packed always, so it is never compressed, and it has numbers of its own.
            Codec::Sproto(SprotoCodec::Rpc(_) | SprotoCodec::Bare(_)) => Ok(plain(None, payload)),
            Codec::Document(codec) => codec.read(payload, None),
            Codec::Protobuf(codec) => codec.read(payload),
            Codec::Own(codec) => Ok(plain(codec.unnamed(), payload)),
        }
    }

    /// Whether any type that replies can have has a field of that name.
    pub(crate) fn receives_field(&self, name: &str) -> bool {
        let has = |schema: &Schema| {
            schema.types().any(|(_, ty)| ty.fields.iter().any(|field| *field.name == *name))
        };
        let of = |(message, _)| {
            let reply = self.reply_body_type(message, Some(message));
            reply.is_some_and(|(schema, _)| has(schema))
        };
        self.messages().any(of)
    }

    /// The error of sending a message that has no number.
    pub(crate) fn no_number(&self, message: MessageId) -> WriteError {
        let name = self.message_name(message).map_or_else(|| format!("message {}", message.0), str::to_owned);
        WriteError::NoNumber { name }
    }
}

/// A head that is nothing but the body.
#[inline]
fn plain(message: Option<MessageId>, body: &[u8]) -> Head<'_> {
    Head { kind: HeadKind::Any, message, unknown_name: None, body, refused: None }
}

#[cfg(test)]
mod tests;
