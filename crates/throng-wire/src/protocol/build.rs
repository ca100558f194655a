//! Makes a protocol of its description, or says why its parts do not go together.

use std::sync::Arc;

use super::refusal::BodyRefusal;
use super::{Channels, First, Heartbeat, Protocol};
use crate::MessageId;
use crate::channel::{ChannelSpec, LONGEST_DATAGRAM};
use crate::codec::{Codec, Direction, Listed, OwnParts, ProtobufCodec, SprotoCodec};
use crate::ends::{Ends, Plan};
use crate::framing::Framing;
use crate::ids::{Ids, Pairs, SameNumber};
use crate::kcp::KcpSpec;
use crate::names::open::OpenNames;
use crate::reply::{NamePatterns, OpenPatterns, ReplyRule, Vocabulary};
use crate::spec::{CodecSpec, Fields, HeartbeatSpec, ProtocolError, ProtocolSpec, RefusalSpec, ReplySpec};
use crate::websocket::WebSocketSpec;

impl Protocol {
    /// Checks a description and makes it ready for use.
    ///
    /// # Errors
    /// A schema that cannot be parsed, a name that does not exist, or parts that do not go together.
    pub fn build(spec: ProtocolSpec) -> Result<Protocol, ProtocolError> {
        if spec.request_timeout.is_zero() {
            return Err(ProtocolError::ZeroTime { what: "the request time-out" });
        }
        spec.kcp.validate()?;
        refuse_own_beside(&spec)?;
        let first = First::build(&spec)?;
        let envelope = spec.codec.envelope().map(str::to_owned);
        let listed = Listed { sent: spec.ids.as_deref(), received: spec.ids_received.as_deref() };
        let mut codec = Codec::build(spec.codec, listed)?;
        codec.limit_unpacked(spec.limits.unpacked);
        let ids = match &codec {
            Codec::Protobuf(codec) => own_ids(codec, spec.ids.is_some())?,
            codec => listed.sent.map(|sent| ids(sent, listed.received, codec)).transpose()?,
        };
        let ids = match (&mut codec, ids) {
            (Codec::Document(document), Some(ids)) if document.has_name() => {
                document.number(ids);
                None
            }
            (_, ids) => ids,
        };
        let plan = Plan {
            header: spec.header.as_ref(),
            trailer: &spec.trailer,
            framing: spec.framing.as_ref(),
            reply: spec.reply.as_ref(),
            refused: spec.refusal.as_ref().map(|refusal| (&*refusal.field, refusal.refused)),
            compression: spec.compression.as_ref(),
            ids,
        };
        let numbered = plan.ids.is_some();
        let ends = Ends::build(plan, &codec)?.map(Box::new);
        if numbered && ends.is_none() {
            return Err(ProtocolError::NoIdField);
        }
        let body_refusal =
            refuse_by(spec.refusal, ends.as_deref(), envelope.as_deref(), &mut codec)?.map(Box::new);
        let reply = reply_rule(spec.reply, &codec, ends.as_deref(), spec.own)?;
        let heartbeat = spec.heartbeat.map(|heartbeat| Heartbeat::build(heartbeat, &codec)).transpose()?;
        let channels = channels(spec.framing, spec.websocket, &spec.kcp, &codec)?;
        Ok(Protocol {
            name: spec.name.into(),
            codec,
            reply,
            heartbeat,
            on_close: spec.on_close,
            on_malformed: spec.on_malformed,
            limits: spec.limits,
            request_timeout: spec.request_timeout,
            own: spec.own,
            ends,
            first,
            body_refusal,
            channels,
            kcp: spec.kcp,
        })
    }
}

impl First {
    /// The protocol of the first messages.
    fn build(whole: &ProtocolSpec) -> Result<Option<First>, ProtocolError> {
        let Some((spec, count)) = whole.first_spec() else { return Ok(None) };
        let protocol = Protocol::build(spec).map_err(|error| ProtocolError::First(Box::new(error)))?;
        Ok(Some(First { protocol: Arc::new(protocol), count }))
    }
}

/// Functions of the host's take the place of parts of the description, so that these cannot be there too.
fn refuse_own_beside(spec: &ProtocolSpec) -> Result<(), ProtocolError> {
    let refuse = |why| Err(ProtocolError::Own(why));
    let OwnParts { framing, frame, head, encode, .. } = spec.own;
    let has_fields = spec.header.is_some() || spec.trailer != Fields::default();
    match () {
        () if framing && !matches!(spec.framing, Some(Framing::Own(_))) => {
            refuse("its Lua has the function `framing`, so it has no framing here but a `max`")
        }
        () if frame && !framing => {
            refuse("its Lua has `frame`, which goes with `framing`, and that is missing")
        }
        () if framing && !frame && !encode => {
            refuse("its Lua has `framing`, but neither `frame` nor `encode` makes the frames that are sent")
        }
        () if spec.own.has_codec() != matches!(spec.codec, CodecSpec::Own) => {
            refuse("its Lua has functions for what payloads are, so it has no codec here")
        }
        () if head
            && (has_fields || spec.ids.is_some() || matches!(spec.framing, Some(Framing::Header(_)))) =>
        {
            refuse("its Lua has the function `head`, so it has no fields of headers or trailers here")
        }
        () if spec.own != OwnParts::default() && spec.first.is_some() => {
            refuse("`first` does not go with functions in Lua: let these tell what comes first by `state`")
        }
        () if head && spec.compression.is_some() => {
            refuse("`compress` does not go with the function `head` in Lua")
        }
        () => Ok(()),
    }
}

/// The tables of `ids`, whose names must be messages; one table is of both directions.
fn ids(
    sent: &[(String, i64)],
    received: Option<&[(String, i64)]>,
    codec: &Codec,
) -> Result<Ids, ProtocolError> {
    if let Codec::Sproto(SprotoCodec::Envelope(_) | SprotoCodec::Rpc(_)) = codec {
        return Err(ProtocolError::NoIdField);
    }
    let found = |(name, number): &(String, i64)| match codec.message(name) {
        Some(message) => Ok((message, *number)),
        None => {
            let candidates = codec.messages().map(|(_, name)| name.to_owned()).collect();
            Err(ProtocolError::UnknownId { name: name.clone(), candidates })
        }
    };
    let known = |pairs: &[(String, i64)]| pairs.iter().map(found).collect::<Result<Vec<_>, _>>();
    let sent = known(sent)?;
    let received = received.map(known).transpose()?;
    both_ways(&sent, received.as_deref(), codec)
}

/// The numbers of messages of Protocol Buffers; those `given` mean nothing inside an envelope.
fn own_ids(codec: &ProtobufCodec, given: bool) -> Result<Option<Ids>, ProtocolError> {
    match codec.numbers() {
        Some((sent, received)) => {
            let same = |SameNumber(message, number)| same_id(codec.name(message), number);
            Ids::new(sent, received.unwrap_or(sent)).map(Some).map_err(same)
        }
        None if given => Err(ProtocolError::NoIdField),
        None => Ok(None),
    }
}

fn both_ways(sent: &Pairs, received: Option<&Pairs>, codec: &Codec) -> Result<Ids, ProtocolError> {
    let same = |SameNumber(message, number)| same_id(codec.message_name(message), number);
    Ids::new(sent, received.unwrap_or(sent)).map_err(same)
}

fn same_id(name: Option<&str>, number: i64) -> ProtocolError {
    ProtocolError::SameId { name: name.unwrap_or_default().to_owned(), number }
}

/// Has the codec look for the code of a refusal where no header or trailer has it; of Sproto, what is to be looked for in replies.
fn refuse_by(
    refusal: Option<RefusalSpec>,
    ends: Option<&Ends>,
    envelope: Option<&str>,
    codec: &mut Codec,
) -> Result<Option<BodyRefusal>, ProtocolError> {
    let Some(RefusalSpec { field, refused }) = refusal else { return Ok(None) };
    if ends.is_some_and(Ends::tests_refusal) {
        return Ok(None);
    }
    match codec {
        Codec::Document(document) => {
            document.refuse_by(&field, refused);
            Ok(None)
        }
        Codec::Protobuf(protobuf) => match protobuf.refuse_by(envelope, &field, refused) {
            true => Ok(None),
            false => Err(ProtocolError::UnknownRefusal { name: field, codec: codec.word() }),
        },
        codec if codec.receives_field(&field) => Ok(Some(BodyRefusal { field: field.into(), refused })),
        codec => Err(ProtocolError::UnknownRefusal { name: field, codec: codec.word() }),
    }
}

impl Heartbeat {
    fn build(spec: HeartbeatSpec, codec: &Codec) -> Result<Heartbeat, ProtocolError> {
        if spec.every.is_zero() {
            return Err(ProtocolError::ZeroTime { what: "the time between two heartbeats" });
        }
        if codec.names_are_open() {
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

fn reply_rule(
    spec: Option<ReplySpec>,
    codec: &Codec,
    ends: Option<&Ends>,
    own: OwnParts,
) -> Result<ReplyRule, ProtocolError> {
    let own_session = match codec {
        Codec::Sproto(SprotoCodec::Rpc(_)) => true,
        Codec::Document(document) => document.has_session(),
        Codec::Protobuf(protobuf) => protobuf.has_session(),
        Codec::Raw(_) | Codec::Sproto(_) | Codec::Own(_) => false,
    };
    let refuse = |rule| Err(ProtocolError::ReplyRule { rule, codec: codec.word() });
    match spec {
        Some(ReplySpec::Field { place, name }) => match ends {
            Some(ends) if ends.has_session() && !own_session => Ok(ReplyRule::Session),
            Some(ends) if ends.has_session() => refuse("a field"),
            _ => Err(ProtocolError::UnknownEnd { place, name, candidates: Vec::new() }),
        },
        None | Some(ReplySpec::Session) if own_session => match codec {
            Codec::Sproto(SprotoCodec::Rpc(rpc)) if !rpc.has_session() => Err(ProtocolError::NoSession),
            _ => Ok(ReplyRule::Session),
        },
        Some(ReplySpec::Session) if matches!(codec, Codec::Own(_)) && own.head => Ok(ReplyRule::Session),
        Some(ReplySpec::Session) => refuse("session"),
        Some(ReplySpec::Fifo) if own_session => refuse("fifo"),
        Some(ReplySpec::Fifo) => Ok(ReplyRule::Fifo),
        Some(ReplySpec::Name(_)) if own_session || codec.names_are_open() => refuse("a pattern map"),
        Some(ReplySpec::Name(pairs)) => match codec {
            Codec::Own(_) if !own.head && ends.is_none() => refuse("a pattern map"),
            Codec::Document(document) if !document.has_name() && open_names(codec).is_some() => {
                refuse("a pattern map")
            }
            codec => match open_names(codec) {
                Some(names) => {
                    Ok(ReplyRule::Name(NamePatterns::open(OpenPatterns::new(Arc::clone(names), &pairs)?)))
                }
                None => Ok(ReplyRule::Name(NamePatterns::resolve(&pairs, &vocabulary(codec))?)),
            },
        },
        None | Some(ReplySpec::None) => Ok(ReplyRule::None),
    }
}

fn open_names(codec: &Codec) -> Option<&Arc<OpenNames>> {
    match codec {
        Codec::Document(document) => document.open_names(),
        Codec::Own(codec) => Some(codec.open_names()),
        Codec::Raw(_) | Codec::Sproto(_) | Codec::Protobuf(_) => None,
    }
}

fn vocabulary(codec: &Codec) -> Vocabulary<'_> {
    Vocabulary {
        count: codec.message_count() as usize,
        sent: names(codec, Direction::Sent).collect(),
        received: names(codec, Direction::Received).collect(),
    }
}

/// The channels of every transport, with the same framing.
fn channels(
    framing: Option<Framing>,
    websocket: WebSocketSpec,
    kcp: &KcpSpec,
    codec: &Codec,
) -> Result<Channels, ProtocolError> {
    let framing = framing.unwrap_or(Framing::Message);
    framing.validate()?;
    if framing.header_in_payload() > 0 && !matches!(codec, Codec::Raw(_)) {
        return Err(ProtocolError::HeaderInPayload);
    }
    // Checked above: what fails here is only a stream without a framing of its own.
    let stream = ChannelSpec::stream(framing.clone()).ok().map(Arc::new);
    let datagrams = |longest| ChannelSpec::datagrams(framing.clone(), longest).map(Arc::new);
    Ok(Channels {
        udp: datagrams(LONGEST_DATAGRAM)?,
        kcp: if kcp.stream { stream.clone() } else { Some(datagrams(kcp.longest_message())?) },
        stream,
        websocket: Arc::new(ChannelSpec::websocket(websocket, framing)?),
    })
}
