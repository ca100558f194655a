//! A protocol ready for use: codec, framing and reply rule, checked against each other.

mod build;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use throng_sproto::{Schema, TypeId, Value, decode_value};

use crate::MessageId;
use crate::channel::ChannelSpec;
use crate::codec::{Codec, Direction, Head, HeadError, HeadKind, OwnParts, SprotoCodec, WriteError};
use crate::ends::{Ends, GivenError, GivenField, Outgoing};
use crate::kcp::KcpSpec;
use crate::pending::ReplyKey;
use crate::reply::ReplyRule;
use crate::spec::{Limits, OnClose, OnMalformed};
use refusal::BodyRefusal;

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
    /// What becomes of a connection on which a message came that cannot be read.
    pub on_malformed: OnMalformed,
    /// How long a request waits for its reply.
    pub request_timeout: Duration,
    pub(crate) limits: Limits,
    /// Which parts are functions of the host's.
    own: OwnParts,
    /// What stands around bodies.
    ends: Option<Box<Ends>>,
    first: Option<First>,
    body_refusal: Option<Box<BodyRefusal>>,
    channels: Channels,
    kcp: KcpSpec,
}

/// What connections over each transport speak.
#[derive(Debug)]
struct Channels {
    stream: Option<Arc<ChannelSpec>>,
    websocket: Arc<ChannelSpec>,
    udp: Arc<ChannelSpec>,
    kcp: Option<Arc<ChannelSpec>>,
}

/// What is spoken before a protocol's own rules hold.
#[derive(Debug)]
struct First {
    protocol: Arc<Protocol>,
    count: u32,
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
    /// What a connection over a plain byte stream speaks; `None` when the protocol has no framing for it.
    pub fn stream_channel(&self) -> Option<&Arc<ChannelSpec>> {
        self.channels.stream.as_ref()
    }

    /// What a connection over WebSocket speaks.
    pub fn websocket_channel(&self) -> &Arc<ChannelSpec> {
        &self.channels.websocket
    }

    /// What a connection over UDP speaks.
    pub fn udp_channel(&self) -> &Arc<ChannelSpec> {
        &self.channels.udp
    }

    /// What a connection over KCP speaks; `None` when KCP is told to be a stream and the protocol has no framing for it.
    pub fn kcp_channel(&self) -> Option<&Arc<ChannelSpec>> {
        self.channels.kcp.as_ref()
    }

    /// What KCP is told.
    pub fn kcp(&self) -> &KcpSpec {
        &self.kcp
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

    /// The body of a message on its way, decoded for those who look on, as in [`Protocol::body_type_seen`]; `None` where it has no
    /// fields, or is only bytes.
    pub fn body_seen(
        &self,
        direction: Direction,
        (message, request): (Option<MessageId>, Option<MessageId>),
        body: &[u8],
    ) -> Option<Result<Value, String>> {
        if self.own.framing && direction == Direction::Sent {
            // It is in a frame that only the host can take apart.
            return None;
        }
        if let Codec::Document(codec) = &self.codec {
            let value = || codec.form().value(body).map_err(|error| error.to_string());
            return (!body.is_empty()).then(value);
        }
        if let Codec::Protobuf(codec) = &self.codec {
            return codec.value(message?, body);
        }
        let (schema, ty) = self.body_type_seen(direction, message, request)?;
        Some(decode_value(schema, ty, body).map_err(|error| error.to_string()))
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
            ReplyRule::Session => {
                let carried = self.ends.as_ref().map_or(session, |ends| ends.session(session));
                Some(ReplyKey::Session(carried))
            }
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

    /// Which parts are functions of the host's.
    #[inline]
    pub fn own(&self) -> OwnParts {
        self.own
    }

    /// Appends the payload that carries `body`; see [`Codec::write`]. Where frames are the host's to make, `body` is all of one.
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
        self.write_with(Outgoing { message, session, given: &[] }, body, scratch, out)
    }

    /// The same, with values for fields of the header and trailer.
    ///
    /// # Errors
    /// As of [`Protocol::write`].
    #[inline]
    pub fn write_with(
        &self,
        outgoing: Outgoing<'_>,
        body: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        if self.own.framing {
            out.extend_from_slice(body);
            return Ok(());
        }
        self.payload(outgoing, body, scratch, out)
    }

    /// Appends the payload that carries `body`, also where the host makes a frame of it.
    ///
    /// # Errors
    /// A message that cannot be sent, or a body that is too long; nothing is appended then.
    #[inline]
    pub fn payload(
        &self,
        outgoing: Outgoing<'_>,
        body: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        match &self.ends {
            None => self.codec.write(outgoing.message, outgoing.session, body, scratch, out),
            Some(ends) => ends.write(&self.codec, outgoing, body, scratch, out),
        }
    }

    /// A value for a field of the header or trailer of a message that is sent, by the field's name.
    ///
    /// # Errors
    /// There is no such field, the protocol fills it itself, or the value does not fit.
    pub fn given(&self, name: &str, value: i64) -> Result<GivenField, GivenError> {
        match &self.ends {
            Some(ends) => ends.given(name, value),
            None => Err(GivenError::NoField { name: name.to_owned(), candidates: Vec::new() }),
        }
    }

    /// The fields of what is sent that [`Protocol::given`] takes.
    pub fn givable(&self) -> impl Iterator<Item = &str> {
        self.ends.iter().flat_map(|ends| ends.givable())
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
        match &self.ends {
            None => self.codec.write_answer(session, body, scratch, out),
            Some(ends) => ends.write_answer(&self.codec, session, body, scratch, out),
        }
    }

    /// Reads a payload's head; see [`Codec::read`].
    ///
    /// # Errors
    /// A payload that is not of this protocol.
    #[inline]
    pub fn read<'a>(&self, payload: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<Head<'a>, HeadError> {
        match &self.ends {
            None => self.codec.read(payload, scratch),
            Some(ends) => ends.read(&self.codec, payload, scratch),
        }
    }

    /// The value of a header's or trailer's field in a payload that came; unsigned 64-bit values above 2^63 are negative. `None`
    /// where the protocol has no such field.
    pub fn field(&self, payload: &[u8], name: &str) -> Option<i64> {
        self.ends.as_ref()?.field(payload, name)
    }

    /// All fields of headers and trailers in a payload, by name; padding is none.
    pub fn fields<'a>(
        &'a self,
        payload: &'a [u8],
        direction: Direction,
    ) -> impl Iterator<Item = (&'a str, i64)> {
        self.ends.iter().flat_map(move |ends| ends.fields(payload, direction))
    }

    /// The message that is sent with the number with which `received` comes, where messages have numbers. Nothing but tests
    /// goes by it.
    pub fn counterpart(&self, received: MessageId) -> Option<MessageId> {
        let ids = self.ends.as_ref().and_then(|ends| ends.ids());
        let own = match &self.codec {
            Codec::Document(codec) => codec.ids(),
            Codec::Raw(_) | Codec::Sproto(_) | Codec::Protobuf(_) | Codec::Own(_) => None,
        };
        ids.or(own)?.counterpart(received)
    }

    /// Whether there are headers or trailers.
    pub fn has_fields(&self) -> bool {
        self.ends.is_some()
    }

    /// The code with which the reply to `request` says no, where its protocol knows such codes.
    #[inline]
    pub fn refused(&self, request: MessageId, head: &Head<'_>) -> Option<i64> {
        let in_body = || {
            if let Codec::Protobuf(codec) = &self.codec {
                return codec.refused(head);
            }
            let refusal = self.body_refusal.as_ref()?;
            let (schema, ty) = self.reply_body_type(request, head.message)?;
            refusal.code(schema, ty, head.body)
        };
        head.refused.or_else(in_body)
    }

    /// What is spoken with the next message of a direction in which `messages` went before: what a protocol has said comes
    /// first, or the protocol itself.
    #[inline]
    pub fn after(self: &Arc<Self>, messages: u32) -> &Arc<Protocol> {
        match &self.first {
            Some(first) if messages < first.count => &first.protocol,
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests;
