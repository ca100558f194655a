//! A protocol ready for use: codec, framing and reply rule, checked against each other.

use std::sync::Arc;
use std::time::Duration;

use throng_sproto::{Schema, TypeId};

use crate::MessageId;
use crate::channel::ChannelSpec;
use crate::codec::{Codec, Direction, Head, HeadError, HeadKind, SprotoCodec, WriteError};
use crate::framing::Framing;
use crate::pending::ReplyKey;
use crate::reply::{NamePatterns, ReplyRule, Vocabulary};
use crate::spec::{HeartbeatSpec, OnClose, ProtocolError, ProtocolSpec, ReplySpec};
use crate::websocket::WebSocketSpec;

/// A protocol; immutable, and shared by all connections that speak it.
#[derive(Debug)]
pub struct Protocol {
    /// The name it is used by.
    pub name: Box<str>,
    /// What payloads are.
    pub codec: Codec,
    /// How replies find their requests.
    pub reply: ReplyRule,
    /// A message that is sent again and again.
    pub heartbeat: Option<Heartbeat>,
    /// What the loss of a connection means to its robot.
    pub on_close: OnClose,
    /// How long a request waits for its reply.
    pub request_timeout: Duration,
    stream: Option<Arc<ChannelSpec>>,
    websocket: Arc<ChannelSpec>,
}

/// A message that is sent again and again while a connection is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The message; for raw bytes [`RawCodec::RECEIVED`](crate::RawCodec::RECEIVED), since they have no name of their own.
    pub send: MessageId,
    /// Its encoded body: without fields, or the raw bytes.
    pub body: Box<[u8]>,
    /// The time between two.
    pub every: Duration,
}

impl Protocol {
    /// Checks a description and makes it ready for use.
    ///
    /// # Errors
    /// A schema that cannot be parsed, a name that does not exist, or parts that do not go together.
    pub fn build(spec: ProtocolSpec) -> Result<Protocol, ProtocolError> {
        if spec.request_timeout.is_zero() {
            return Err(ProtocolError::ZeroTime { what: "the request time-out" });
        }
        let codec = Codec::build(spec.codec)?;
        let reply = reply_rule(spec.reply, &codec)?;
        let heartbeat = spec.heartbeat.map(|heartbeat| Heartbeat::build(heartbeat, &codec)).transpose()?;
        let (stream, websocket) = channels(spec.framing, spec.websocket, &codec)?;
        Ok(Protocol {
            name: spec.name.into(),
            codec,
            reply,
            heartbeat,
            on_close: spec.on_close,
            request_timeout: spec.request_timeout,
            stream,
            websocket,
        })
    }

    /// What a connection over a plain byte stream speaks; `None` when the protocol has no framing for it.
    pub fn stream_channel(&self) -> Option<&Arc<ChannelSpec>> {
        self.stream.as_ref()
    }

    /// What a connection over WebSocket speaks.
    pub fn websocket_channel(&self) -> &Arc<ChannelSpec> {
        &self.websocket
    }

    /// The message called `name`.
    pub fn message(&self, name: &str) -> Option<MessageId> {
        self.codec.message(name)
    }

    /// A message's name; [`OTHER`](crate::names::OTHER) for ids that are not the codec's.
    pub fn message_name(&self, message: MessageId) -> &str {
        self.codec.message_name(message).unwrap_or(crate::names::OTHER)
    }

    /// All messages with their names, by id.
    pub fn messages(&self) -> impl Iterator<Item = (MessageId, &str)> {
        self.codec.messages()
    }

    /// What a body is encoded or decoded with; see [`Codec::body_type`].
    pub fn body_type(&self, message: MessageId, direction: Direction) -> Option<(&Schema, TypeId)> {
        self.codec.body_type(message, direction)
    }

    /// What a reply's body is decoded with; see [`Codec::reply_body_type`].
    pub fn reply_body_type(&self, request: MessageId, reply: Option<MessageId>) -> Option<(&Schema, TypeId)> {
        self.codec.reply_body_type(request, reply)
    }

    /// What the answer to a message that came is encoded with; see [`Codec::answer_body_type`].
    pub fn answer_body_type(&self, message: MessageId) -> Option<(&Schema, TypeId)> {
        self.codec.answer_body_type(message)
    }

    /// What the body of a message on its way is decoded with, by those who look on: `request` is what a received reply, or an
    /// answer that is sent, belongs to.
    pub fn body_type_seen(
        &self,
        direction: Direction,
        message: Option<MessageId>,
        request: Option<MessageId>,
    ) -> Option<(&Schema, TypeId)> {
        match (direction, request) {
            (Direction::Received, Some(request)) => self.reply_body_type(request, message),
            (Direction::Sent, Some(asked)) => self.answer_body_type(asked),
            (direction, None) => self.body_type(message?, direction),
        }
    }

    /// Whether a reply to `message` is foreseen. RPC servers answer any request that carries a session, also where the schema
    /// foresees nothing.
    pub fn expects_reply(&self, message: MessageId) -> bool {
        match (&self.reply, &self.codec) {
            (ReplyRule::Session, Codec::Sproto(SprotoCodec::Rpc(codec))) => codec.expects_response(message),
            (ReplyRule::Session | ReplyRule::Fifo, _) => true,
            (ReplyRule::Name(patterns), _) => patterns.reply_to(message).is_some(),
            (ReplyRule::None, _) => false,
        }
    }

    /// The key that the reply to `request` will have; `None` when no reply could be told from other messages. `session` is used
    /// by [`ReplyRule::Session`] only.
    #[inline]
    pub fn awaits(&self, request: MessageId, session: i64) -> Option<ReplyKey> {
        match &self.reply {
            ReplyRule::Session => Some(ReplyKey::Session(session)),
            ReplyRule::Name(patterns) => patterns.reply_to(request).map(ReplyKey::Name),
            ReplyRule::Fifo => Some(ReplyKey::Fifo),
            ReplyRule::None => None,
        }
    }

    /// The key of a message that came; `None` when it is no reply.
    #[inline]
    pub fn answers(&self, head: &Head<'_>) -> Option<ReplyKey> {
        match (&self.reply, head.kind) {
            (ReplyRule::Session, HeadKind::Reply { session }) => Some(ReplyKey::Session(session)),
            (ReplyRule::Name(patterns), HeadKind::Any) => {
                head.message.filter(|message| patterns.is_reply(*message)).map(ReplyKey::Name)
            }
            (ReplyRule::Fifo, HeadKind::Any) => Some(ReplyKey::Fifo),
            _ => None,
        }
    }

    /// Appends the payload that carries `body`; see [`Codec::write`].
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
        self.codec.write(message, session, body, scratch, out)
    }

    /// Appends the payload that answers the peer's request; see [`Codec::write_answer`].
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
        self.codec.write_answer(session, body, scratch, out)
    }

    /// Reads a payload's head; see [`Codec::read`].
    ///
    /// # Errors
    /// A payload that is not of this protocol.
    #[inline]
    pub fn read<'a>(&self, payload: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<Head<'a>, HeadError> {
        self.codec.read(payload, scratch)
    }
}

impl Heartbeat {
    fn build(spec: HeartbeatSpec, codec: &Codec) -> Result<Heartbeat, ProtocolError> {
        if spec.every.is_zero() {
            return Err(ProtocolError::ZeroTime { what: "the time between two heartbeats" });
        }
        if let Codec::Raw(_) = codec {
            let body = raw_bytes(&spec.send).ok_or(ProtocolError::RawHeartbeat)?;
            return Ok(Heartbeat { send: MessageId(0), body, every: spec.every });
        }
        let message = codec.message(&spec.send).filter(|message| codec.goes(*message, Direction::Sent));
        let Some(send) = message else {
            let candidates = names(codec, Direction::Sent).map(|(_, name)| name.to_owned()).collect();
            return Err(ProtocolError::UnknownHeartbeat { name: spec.send, candidates });
        };
        // An encoded struct without fields, if there is a struct at all.
        let body: &[u8] = if codec.body_type(send, Direction::Sent).is_some() { &[0, 0] } else { &[] };
        Ok(Heartbeat { send, body: body.into(), every: spec.every })
    }
}

/// The bytes of a text in which `\xHH` is a byte and `\\` a backslash; `None` when it is empty or has another escape.
fn raw_bytes(text: &str) -> Option<Box<[u8]>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let (byte, left) = match (first, behind) {
            (b'\\', [b'\\', rest @ ..]) => (b'\\', rest),
            (b'\\', [b'x', high, low, rest @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                ((digit(*high)? * 16 + digit(*low)?) as u8, rest)
            }
            (b'\\', _) => return None,
            (byte, rest) => (*byte, rest),
        };
        bytes.push(byte);
        rest = left;
    }
    (!bytes.is_empty()).then(|| bytes.into())
}

fn names(codec: &Codec, direction: Direction) -> impl Iterator<Item = (MessageId, &str)> {
    codec.messages().filter(move |(message, _)| codec.goes(*message, direction))
}

fn reply_rule(spec: Option<ReplySpec>, codec: &Codec) -> Result<ReplyRule, ProtocolError> {
    let rule = match (spec, codec) {
        (Some(ReplySpec::Session), _) | (None, Codec::Sproto(SprotoCodec::Rpc(_))) => ReplyRule::Session,
        (Some(ReplySpec::Fifo), _) => ReplyRule::Fifo,
        (Some(ReplySpec::None) | None, _) => ReplyRule::None,
        (Some(ReplySpec::Name(pairs)), Codec::Sproto(SprotoCodec::Envelope(_))) => {
            ReplyRule::Name(NamePatterns::resolve(&pairs, &vocabulary(codec))?)
        }
        (Some(ReplySpec::Name(_)), _) => ReplyRule::Name(NamePatterns::default()),
    };
    match (&rule, codec) {
        (ReplyRule::Session, Codec::Sproto(SprotoCodec::Rpc(rpc))) if !rpc.has_session() => {
            Err(ProtocolError::NoSession)
        }
        (ReplyRule::Session | ReplyRule::Name(_), Codec::Raw(_))
        | (ReplyRule::Session, Codec::Sproto(SprotoCodec::Envelope(_)))
        | (ReplyRule::Name(_) | ReplyRule::Fifo, Codec::Sproto(SprotoCodec::Rpc(_))) => {
            Err(ProtocolError::ReplyRule { rule: rule.word(), codec: codec.word() })
        }
        _ => Ok(rule),
    }
}

fn vocabulary(codec: &Codec) -> Vocabulary<'_> {
    Vocabulary {
        count: codec.message_count() as usize,
        sent: names(codec, Direction::Sent).collect(),
        received: names(codec, Direction::Received).collect(),
    }
}

type Channels = (Option<Arc<ChannelSpec>>, Arc<ChannelSpec>);

/// The stream's and the WebSocket's channel with the same framing.
fn channels(
    framing: Option<Framing>,
    websocket: WebSocketSpec,
    codec: &Codec,
) -> Result<Channels, ProtocolError> {
    let framing = framing.unwrap_or(Framing::Message);
    framing.validate()?;
    if framing.header_in_payload() > 0 && !matches!(codec, Codec::Raw(_)) {
        return Err(ProtocolError::HeaderInPayload);
    }
    // Checked above: what fails here is only a stream without a framing of its own.
    let stream = ChannelSpec::stream(framing.clone()).ok().map(Arc::new);
    Ok((stream, Arc::new(ChannelSpec::websocket(websocket, framing)?)))
}

#[cfg(test)]
mod tests;
