//! The description of a protocol, typed but not yet checked against its schemas, and what can be wrong with it.

use std::sync::Arc;
use std::time::Duration;

use throng_sproto::rpc::PackageError;
use throng_sproto::{Schema, SchemaError, SourceFile};

use crate::codec::Direction;
use crate::framing::{Framing, FramingSetupError};
use crate::reply::PatternError;
use crate::websocket::WebSocketSpec;

/// How long a request waits when nothing else is said.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A protocol as the user described it.
#[derive(Debug, Clone)]
pub struct ProtocolSpec {
    /// The name it is used by.
    pub name: String,
    /// How a stream is cut; without one only WebSocket messages can be frames.
    pub framing: Option<Framing>,
    /// What a WebSocket connection is like.
    pub websocket: WebSocketSpec,
    /// What payloads are.
    pub codec: CodecSpec,
    /// How replies find their requests; without one by session where the codec has one, else there are none.
    pub reply: Option<ReplySpec>,
    /// A message that is sent again and again.
    pub heartbeat: Option<HeartbeatSpec>,
    /// What the loss of a connection means to its robot.
    pub on_close: OnClose,
    /// How long a request waits for its reply.
    pub request_timeout: Duration,
}

/// What payloads are.
#[derive(Debug, Clone)]
pub enum CodecSpec {
    /// Bytes as they are.
    Raw,
    /// Sproto.
    Sproto(SprotoSpec),
}

/// A Sproto codec.
#[derive(Debug, Clone)]
pub struct SprotoSpec {
    /// The types and protocols.
    pub schema: SchemaSpec,
    /// How messages travel.
    pub shape: SprotoShape,
    /// Whether payloads are packed; when nothing is said RPC is and envelopes are not.
    pub packed: Option<bool>,
}

/// The texts of a schema, for both directions or for each.
#[derive(Debug, Clone)]
pub enum SchemaSpec {
    /// One schema for what is sent and what is received.
    Both(Vec<SourceText>),
    /// Two schemas.
    Separate {
        /// What robots send.
        send: Vec<SourceText>,
        /// What robots receive.
        receive: Vec<SourceText>,
    },
}

/// A schema file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// What errors call it.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// How Sproto messages travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SprotoShape {
    /// In an outer type.
    Envelope {
        /// The outer type's name.
        ty: String,
        /// Its field with the message's name.
        name: String,
        /// Its field with the encoded message.
        body: String,
    },
    /// Behind a package header.
    Rpc {
        /// The package type's name.
        package: String,
    },
}

/// How replies find their requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplySpec {
    /// By the codec's session.
    Session,
    /// By name: pairs of a request's and its reply's name or pattern.
    Name(Vec<(String, String)>),
    /// By order.
    Fifo,
    /// Not at all.
    None,
}

/// A message that is sent again and again while a connection is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatSpec {
    /// The message's name; it is sent without fields. With the codec raw the bytes themselves: the text's own, with `\xHH` for
    /// a byte and `\\` for a backslash.
    pub send: String,
    /// The time between two.
    pub every: Duration,
}

/// What the loss of a connection means to its robot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnClose {
    /// It begins anew.
    #[default]
    Restart,
    /// Its mods are told.
    Call,
    /// Nothing.
    Ignore,
}

/// A description that makes no protocol.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProtocolError {
    /// A schema could not be parsed.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The schema has no type to be the envelope.
    #[error("the schema has no type `{name}` to be the envelope")]
    UnknownEnvelope {
        /// The name.
        name: String,
        /// The schema's types.
        candidates: Vec<String>,
    },
    /// The envelope has no such field.
    #[error("the envelope `{ty}` has no field `{name}`")]
    UnknownField {
        /// The envelope's name.
        ty: String,
        /// The field's name.
        name: String,
        /// The envelope's fields.
        candidates: Vec<String>,
    },
    /// A field of the envelope cannot hold a name or a body.
    #[error("`{ty}.{field}` is neither a string nor binary")]
    NotBytes {
        /// The envelope's name.
        ty: String,
        /// The field's name.
        field: String,
    },
    /// Name and body are the same field.
    #[error("`{ty}.{field}` cannot hold both the name and the body")]
    SameField {
        /// The envelope's name.
        ty: String,
        /// The field's name.
        field: String,
    },
    /// The schema has no type to be the package header.
    #[error("the schema has no type `{name}` to be the package header")]
    UnknownPackage {
        /// The name.
        name: String,
        /// The schema's types.
        candidates: Vec<String>,
    },
    /// The package type is none.
    #[error(transparent)]
    Package(PackageError),
    /// The heartbeat's message cannot be sent.
    #[error("the heartbeat `{name}` is no message that can be sent")]
    UnknownHeartbeat {
        /// The name.
        name: String,
        /// The messages that are sent.
        candidates: Vec<String>,
    },
    /// The heartbeat of the codec raw is no text of bytes.
    #[error(
        "a heartbeat of raw bytes is a text that is not empty, with `\\xHH` for a byte and `\\\\` for a backslash"
    )]
    RawHeartbeat,
    /// The reply rule does not go with the codec.
    #[error("replies by {rule} are not possible with the codec {codec}")]
    ReplyRule {
        /// The rule's word.
        rule: &'static str,
        /// The codec's word.
        codec: &'static str,
    },
    /// The package type has no session to find replies by.
    #[error("the package type has no field `session`, so replies cannot be found by it")]
    NoSession,
    /// The pattern map does not fit the schema.
    #[error(transparent)]
    Patterns(#[from] PatternError),
    /// The framing can never work.
    #[error(transparent)]
    Framing(#[from] FramingSetupError),
    /// A framing whose header belongs to the payload, with a codec that has none.
    #[error("a length at an offset keeps its header in the payload, so it needs the codec raw")]
    HeaderInPayload,
    /// A time that must not be zero.
    #[error("{what} cannot be 0")]
    ZeroTime {
        /// Which time.
        what: &'static str,
    },
}

impl ProtocolSpec {
    /// A description with everything else as it is by default.
    pub fn new(name: impl Into<String>, codec: CodecSpec) -> ProtocolSpec {
        ProtocolSpec {
            name: name.into(),
            framing: None,
            websocket: WebSocketSpec::default(),
            codec,
            reply: None,
            heartbeat: None,
            on_close: OnClose::default(),
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
        }
    }
}

impl ProtocolError {
    /// The name that was not found and those that exist, for a "did you mean".
    pub fn unknown_name(&self) -> Option<(&str, &[String])> {
        match self {
            ProtocolError::UnknownEnvelope { name, candidates }
            | ProtocolError::UnknownField { name, candidates, .. }
            | ProtocolError::UnknownPackage { name, candidates }
            | ProtocolError::UnknownHeartbeat { name, candidates }
            | ProtocolError::Patterns(
                PatternError::UnknownRequest { name, candidates }
                | PatternError::UnknownReply { name, candidates },
            ) => Some((name, candidates)),
            _ => None,
        }
    }
}

/// The schemas of both directions; one and the same where the user gave one.
pub(crate) struct Schemas {
    pub(crate) sent: Arc<Schema>,
    pub(crate) received: Arc<Schema>,
}

impl SchemaSpec {
    pub(crate) fn parse(&self) -> Result<Schemas, SchemaError> {
        let sent = Arc::new(parse(self.texts(Direction::Sent))?);
        let received = match self {
            SchemaSpec::Both(_) => Arc::clone(&sent),
            SchemaSpec::Separate { receive, .. } => Arc::new(parse(receive)?),
        };
        Ok(Schemas { sent, received })
    }

    /// The texts of one direction.
    pub fn texts(&self, direction: Direction) -> &[SourceText] {
        match (self, direction) {
            (SchemaSpec::Both(texts), _)
            | (SchemaSpec::Separate { send: texts, .. }, Direction::Sent)
            | (SchemaSpec::Separate { receive: texts, .. }, Direction::Received) => texts,
        }
    }
}

fn parse(texts: &[SourceText]) -> Result<Schema, SchemaError> {
    let files: Vec<_> = texts.iter().map(|file| SourceFile { name: &file.name, text: &file.text }).collect();
    Schema::parse(&files)
}
