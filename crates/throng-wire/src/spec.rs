//! The description of a protocol, typed but not yet checked against its schemas, and what can be wrong with it.

mod protobuf;

pub use protobuf::{ProtobufIds, ProtobufNames, ProtobufRule, ProtobufShape, ProtobufSpec};

use std::sync::Arc;
use std::time::Duration;

use throng_sproto::rpc::PackageError;
use throng_sproto::{Schema, SchemaError, SourceFile};

use crate::codec::document::DocumentForm;
use crate::codec::{Direction, OwnParts, ProtobufError};
use crate::compress::Compressor;
use crate::framing::{FieldSpec, Framing, FramingSetupError};
use crate::kcp::{KcpSpec, KcpSpecError};
use crate::reply::{Comparison, PatternError};
use crate::websocket::WebSocketSpec;

/// The most that packed Sproto may unpack to when nothing is said: 16 MiB, the reference's own limit.
pub const DEFAULT_UNPACKED: usize = 1 << 24;

/// How long a request waits when nothing else is said.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A protocol as the user described it.
#[derive(Debug, Clone)]
pub struct ProtocolSpec {
    /// The name it is used by.
    pub name: String,
    /// How a stream is cut; without one only WebSocket messages can be frames.
    pub framing: Option<Framing>,
    /// Fields before every body where the framing has none of its own, such as inside WebSocket messages.
    pub header: Option<Fields>,
    /// Fields behind every body.
    pub trailer: Fields,
    /// What a WebSocket connection is like.
    pub websocket: WebSocketSpec,
    /// What KCP is told.
    pub kcp: KcpSpec,
    /// What payloads are.
    pub codec: CodecSpec,
    /// Which parts are functions of the host's, for robots.
    pub own: OwnParts,
    /// The same for a server, which speaks the other side.
    pub server: OwnParts,
    /// Messages by number, where the header's field `id` or a document's name is one.
    pub ids: Option<Vec<(String, i64)>>,
    /// Those that are received, where they have other numbers than those that are sent.
    pub ids_received: Option<Vec<(String, i64)>>,
    /// How bodies are compressed.
    pub compression: Option<CompressionSpec>,
    /// Which replies say no.
    pub refusal: Option<RefusalSpec>,
    /// What is spoken before all this holds.
    pub first: Option<Box<FirstSpec>>,
    /// How replies find their requests; without one by session where the codec has one, else there are none.
    pub reply: Option<ReplySpec>,
    /// A message that is sent again and again.
    pub heartbeat: Option<HeartbeatSpec>,
    /// What the loss of a connection means to its robot.
    pub on_close: OnClose,
    /// What becomes of a connection on which a message came that cannot be read.
    pub on_malformed: OnMalformed,
    /// What bounds a message beside its framing.
    pub limits: Limits,
    /// How long a request waits for its reply.
    pub request_timeout: Duration,
}

/// What bounds a message that comes beside its framing's and WebSocket's own limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many structs of Sproto, messages of Protocol Buffers, or lists and maps of a document may lie in each other, the
    /// outermost included; where nothing is said, as many as the codec ever reads.
    pub depth: Option<u32>,
    /// The most that packed Sproto may unpack to, in bytes.
    pub unpacked: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth: None, unpacked: DEFAULT_UNPACKED }
    }
}

/// What payloads are.
#[derive(Debug, Clone)]
pub enum CodecSpec {
    /// Bytes as they are.
    Raw,
    /// Sproto.
    Sproto(SprotoSpec),
    /// JSON or MessagePack.
    Document(DocumentSpec),
    /// Protocol Buffers.
    Protobuf(Box<ProtobufSpec>),
    /// What functions of the host's make and read.
    Own,
}

impl CodecSpec {
    /// The message of Protocol Buffers around all others.
    pub(crate) fn envelope(&self) -> Option<&str> {
        let CodecSpec::Protobuf(spec) = self else { return None };
        match &spec.shape {
            ProtobufShape::Named { ty, .. } | ProtobufShape::Oneof { ty, .. } => Some(ty),
            ProtobufShape::Bare(_) => None,
        }
    }
}

/// A codec whose messages say themselves what they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSpec {
    /// How they are written.
    pub form: DocumentForm,
    /// The key of a message's name.
    pub name: Option<String>,
    /// The key of its session.
    pub session: Option<String>,
    /// The key of its body; without one the body's fields stand beside name and session.
    pub body: Option<String>,
}

/// Fields around a body, for each direction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields {
    /// Of what robots send.
    pub send: Vec<FieldSpec>,
    /// Of what robots receive.
    pub receive: Vec<FieldSpec>,
}

/// Where a field stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldPlace {
    /// Before the body.
    Header,
    /// Behind it.
    Trailer,
}

/// How bodies are compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompressionSpec {
    /// By what.
    pub compressor: Compressor,
    /// Bodies from this size on, in bytes.
    pub above: usize,
    /// The header's field and its bits that say so; without one every body is compressed.
    pub flag: Option<(String, i64)>,
    /// The most a body may grow to, in bytes.
    pub max: usize,
}

/// Which replies say no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalSpec {
    /// The field that tells: of the header, of the trailer, or else of a document's top.
    pub field: String,
    /// When it says no.
    pub refused: Comparison,
}

/// What is spoken before a protocol's own rules hold.
#[derive(Debug, Clone)]
pub struct FirstSpec {
    /// What payloads are.
    pub codec: CodecSpec,
    /// How replies find their requests.
    pub reply: Option<ReplySpec>,
    /// How many messages of each direction.
    pub count: u32,
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
    /// As they are: the header's `id` says which type it is.
    Bare,
}

/// How replies find their requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplySpec {
    /// By the codec's session.
    Session,
    /// By name: pairs of a request's and its reply's name or pattern.
    Name(Vec<(String, String)>),
    /// By a field of the header or trailer; 0 is a push.
    Field {
        /// Where it stands.
        place: FieldPlace,
        /// What it is called.
        name: String,
    },
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

/// What becomes of a connection on which a message came that is whole and cannot be read. One whose framing is broken always
/// ends, because nobody knows where its next message begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnMalformed {
    /// It goes on with the next message.
    #[default]
    Skip,
    /// It ends.
    Close,
}

/// A description that makes no protocol.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProtocolError {
    /// A schema could not be parsed.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The schema makes no codec of Protocol Buffers.
    #[error(transparent)]
    Protobuf(#[from] ProtobufError),
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
    /// `ids` without a place for the numbers.
    #[error("numbers of messages need a header field `id`, or a document's name")]
    NoIdField,
    /// Sproto types without a header that names them need numbers.
    #[error("Sproto without an envelope or a package needs `ids`, which say what a header's `id` means")]
    NoIds,
    /// A number stands for a message that does not exist.
    #[error("`ids` has `{name}`, which is no message")]
    UnknownId {
        /// The name.
        name: String,
        /// The messages.
        candidates: Vec<String>,
    },
    /// Two messages have one number.
    #[error(
        "`ids` has the number {number} twice: the second is `{name}`; where a number means another message in each \
         direction, say `ids = {{ send = ..., receive = ... }}`"
    )]
    SameId {
        /// The second message.
        name: String,
        /// The number.
        number: i64,
    },
    /// A number that its field cannot hold.
    #[error("the header's `id` cannot hold {number}, the number of `{name}`{}", if *.flagged { ", beside the flag of `compress`" } else { "" })]
    WideId {
        /// The message.
        name: String,
        /// The number.
        number: i64,
        /// Whether some of the field's bits are a flag.
        flagged: bool,
    },
    /// A field that does not exist, or that means something else.
    #[error("the {place} has no field `{name}` for this")]
    UnknownEnd {
        /// Where it was looked for.
        place: FieldPlace,
        /// The name.
        name: String,
        /// The fields there.
        candidates: Vec<String>,
    },
    /// Two fields have one name.
    #[error("two fields are called `{name}`")]
    SameFieldName {
        /// The name.
        name: String,
    },
    /// A trailer is found from the end.
    #[error("a trailer cannot have a varint")]
    VarintTrailer,
    /// A flag that does not fit its field.
    #[error(
        "the flag does not fit the field `{field}`: it is bits of a whole number that is neither a constant nor the session"
    )]
    Flag {
        /// The field.
        field: String,
    },
    /// Packed and compressed.
    #[error("packed Sproto cannot be compressed once more")]
    PackedCompression,
    /// Nothing has the field that would say no.
    #[error("no header, no trailer and no body of the codec {codec} has the field `{name}`")]
    UnknownRefusal {
        /// The field.
        name: String,
        /// The codec's word.
        codec: &'static str,
    },
    /// What is spoken first makes no protocol.
    #[error("what is spoken first: {0}")]
    First(Box<ProtocolError>),
    /// A time that must not be zero.
    #[error("{what} cannot be 0")]
    ZeroTime {
        /// Which time.
        what: &'static str,
    },
    /// Functions of the host's and something that takes their place.
    #[error("{0}")]
    Own(&'static str),
    /// KCP cannot work like this.
    #[error(transparent)]
    Kcp(#[from] KcpSpecError),
}

impl ProtocolSpec {
    /// A description with everything else as it is by default.
    pub fn new(name: impl Into<String>, codec: CodecSpec) -> ProtocolSpec {
        ProtocolSpec {
            name: name.into(),
            framing: None,
            header: None,
            trailer: Fields::default(),
            websocket: WebSocketSpec::default(),
            kcp: KcpSpec::default(),
            codec,
            own: OwnParts::default(),
            server: OwnParts::default(),
            ids: None,
            ids_received: None,
            compression: None,
            refusal: None,
            first: None,
            reply: None,
            heartbeat: None,
            on_close: OnClose::default(),
            on_malformed: OnMalformed::default(),
            limits: Limits::default(),
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
        }
    }
}

impl ProtocolSpec {
    /// The same as the server speaks it: what robots send is what it receives. Replies are found by fields only, and what
    /// keeps a robot busy is not the server's.
    pub fn mirrored(&self) -> ProtocolSpec {
        let mut mirror = self.clone();
        if let CodecSpec::Sproto(SprotoSpec { schema: SchemaSpec::Separate { send, receive }, .. }) =
            &mut mirror.codec
        {
            std::mem::swap(send, receive);
        }
        if let Some(Framing::Header(header)) = &mut mirror.framing {
            std::mem::swap(&mut header.send, &mut header.receive);
        }
        let separate = match &mut mirror.codec {
            CodecSpec::Protobuf(spec) => match &mut spec.shape {
                ProtobufShape::Bare(ProtobufIds::Separate { send, receive }) => {
                    std::mem::swap(send, receive);
                    true
                }
                _ => false,
            },
            _ => mirror.ids_received.is_some(),
        };
        if separate {
            std::mem::swap(&mut mirror.ids, &mut mirror.ids_received);
        }
        for Fields { send, receive } in mirror.header.iter_mut().chain([&mut mirror.trailer]) {
            std::mem::swap(send, receive);
        }
        std::mem::swap(&mut mirror.own, &mut mirror.server);
        mirror.reply = match mirror.reply {
            Some(field @ ReplySpec::Field { .. }) => Some(field),
            _ => Some(ReplySpec::None),
        };
        mirror.first =
            mirror.first.map(|first| Box::new(FirstSpec { reply: Some(ReplySpec::None), ..*first }));
        ProtocolSpec { heartbeat: None, refusal: None, ..mirror }
    }

    /// What the first messages are, and how many in each direction: the framing, header and layers are those of the whole.
    pub fn first_spec(&self) -> Option<(ProtocolSpec, u32)> {
        let first = self.first.as_deref()?;
        let spec = ProtocolSpec {
            framing: self.framing.clone(),
            header: self.header.clone(),
            websocket: self.websocket.clone(),
            kcp: self.kcp,
            reply: first.reply.clone(),
            on_close: self.on_close,
            on_malformed: self.on_malformed,
            limits: self.limits,
            request_timeout: self.request_timeout,
            ..ProtocolSpec::new(self.name.clone(), first.codec.clone())
        };
        Some((spec, first.count))
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
            | ProtocolError::UnknownId { name, candidates }
            | ProtocolError::UnknownEnd { name, candidates, .. }
            | ProtocolError::Patterns(
                PatternError::UnknownRequest { name, candidates }
                | PatternError::UnknownReply { name, candidates },
            ) => Some((name, candidates)),
            _ => None,
        }
    }
}

impl Fields {
    /// Whether neither direction has any.
    pub fn is_empty(&self) -> bool {
        self.send.is_empty() && self.receive.is_empty()
    }
}

impl std::fmt::Display for FieldPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FieldPlace::Header => "header",
            FieldPlace::Trailer => "trailer",
        })
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
