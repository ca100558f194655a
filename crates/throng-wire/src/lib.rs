//! Framing, the WebSocket layer, codecs and reply matching as state machines without I/O.
//!
//! Bytes go in, messages come out, and the other way round; this crate never touches a socket, a clock or a thread, and
//! whatever a server sends can neither make it panic nor let it keep more than the limits it was given.
//!
//! The life of a request through this crate: [`Protocol::awaits`] says which key its reply will have and [`Pending::issue`] books
//! it; [`Channel::begin`], [`Protocol::write`] and [`Channel::finish`] make its bytes. What arrives goes through
//! [`Channel::cut`], [`Protocol::read`], [`Protocol::answers`] and [`Pending::resolve`]. None of these allocates once its buffers
//! have grown.
//!
//! A [`ProtocolSpec`] is what the user described; [`Protocol::build`] checks it.

pub mod channel;
pub mod cipher;
pub mod codec;
pub mod compress;
mod depth;
mod ends;
pub mod framing;
mod ids;
pub mod kcp;
pub mod names;
pub mod pending;
pub mod protocol;
pub mod reply;
pub mod spec;
pub mod tls;
pub mod websocket;

pub use channel::{Channel, ChannelError, ChannelSpec, ChannelSpecError, Received, SendError};
pub use cipher::{Cipher, CipherError, Coverage, CoverageError};
pub use codec::{
    Build, Codec, Direction, DocumentCodec, DocumentForm, Extent, Head, HeadError, HeadKind, OwnCodec,
    OwnParts, ProtobufCodec, ProtobufError, RawCodec, SprotoCodec, WriteError,
};
pub use compress::{Compressor, InflateError};
pub use depth::TooDeep;
pub use ends::{GivenError, GivenField, Outgoing};
pub use framing::{
    Covers, Cut, DEFAULT_MAX, DEFAULT_MAX_U16, DelimiterFraming, Endian, FieldError, FieldSpec, FieldType,
    Framing, FramingError, FramingSetupError, HeaderFraming, LengthFraming, LengthWidth, Mark,
    UnknownLengthWidth,
};
pub use kcp::{Conv, Kcp, KcpError, KcpSpec, KcpSpecError};
pub use names::Names;
pub use pending::{Match, Pending, ReplyKey};
pub use protocol::{Heartbeat, Protocol};
pub use reply::{Comparison, NamePatterns, Operator, PatternError, ReplyRule};
pub use spec::{
    CodecSpec, CompressionSpec, DEFAULT_REQUEST_TIMEOUT, DEFAULT_UNPACKED, DocumentSpec, FieldPlace, Fields,
    FirstSpec, HeartbeatSpec, Limits, OnClose, OnMalformed, ProtobufIds, ProtobufNames, ProtobufRule,
    ProtobufShape, ProtobufSpec, ProtocolError, ProtocolSpec, RefusalSpec, ReplySpec, SchemaSpec, SourceText,
    SprotoShape, SprotoSpec,
};
pub use tls::{ClientIdentity, Tls, TlsConfig, TlsError, TlsSetupError, TlsSpec, TlsVersion};
pub use websocket::{HandshakeError, WebSocketError, WebSocketSpec};

/// Monotonic time in nanoseconds since the run's start.
pub type Nanos = u64;

/// A message of a protocol, by its dense id there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u32);
