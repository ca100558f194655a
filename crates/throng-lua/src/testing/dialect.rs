//! The server's side of a protocol: what robots send is read, replies and pushes are written.
//!
//! `throng-wire` knows a protocol as robots speak it. With the directions of its schemas exchanged the same code reads and
//! writes the server's half; only the sessions of RPC, which a client makes and a server returns, are handled here.

use std::rc::Rc;
use std::sync::Arc;
use throng_engine::OwnHead;
use throng_sproto::rpc::{Header, Package};
use throng_sproto::{Response, Schema, SourceFile, TypeId, pack, unpack};
use throng_wire::{
    Codec, CodecSpec, Direction, GivenField, HeadKind, MessageId, Outgoing, Protocol, ProtocolError,
    ProtocolSpec, RawCodec, ReplyRule, SchemaSpec, SourceText, SprotoShape, SprotoSpec,
};

/// The most bytes a packed request may unpack to.
const UNPACK_LIMIT: usize = 1 << 24;

/// A protocol, both sides of it.
#[derive(Debug)]
pub(super) struct Dialect {
    /// As robots speak it.
    pub(super) protocol: Arc<Protocol>,
    /// As the server does: what it sends is what robots receive.
    pub(super) mirror: Arc<Protocol>,
    rpc: Option<Rpc>,
    /// What is spoken before it, with how many messages of each direction.
    first: Option<(Rc<Dialect>, u32)>,
}

/// Which of a protocol's rules a message goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What is spoken first.
    First,
    /// The protocol's own.
    Whole,
}

/// The headers of RPC.
#[derive(Debug)]
struct Rpc {
    /// What robots send.
    schema: Schema,
    sent: Package,
    received: Package,
    packed: bool,
}

/// What a robot said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    Message(Asked<'a>),
    /// The answer to what the server asked with this session.
    Answer {
        session: i64,
        body: &'a [u8],
    },
}

/// A message of a robot's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    /// The message, by the mirror's id; `None` where the schema has none of that name.
    pub(super) message: Option<MessageId>,
    /// Its name, or what stands for one.
    pub(super) name: String,
    pub(super) session: Option<i64>,
    pub(super) body: &'a [u8],
}

/// What a reply to a message is.
pub(super) enum ReplyForm<'d> {
    /// Bytes.
    Bytes,
    /// A message of its own, by the mirror's id.
    Message(MessageId),
    /// A message of the same name, or the one that most likely answers it, by the mirror's id, with the session if there is one.
    Same(MessageId),
    /// The response to a session, with its content's type if it has any.
    Response(Option<(&'d Schema, TypeId)>),
    /// There is none.
    None,
}

impl ReplyForm<'_> {
    /// The message that the reply is, and its session, where a protocol's own functions make it.
    pub(super) fn message(&self, session: Option<i64>) -> Option<(MessageId, Option<i64>)> {
        match self {
            ReplyForm::Bytes => Some((MessageId(0), None)),
            ReplyForm::Message(message) => Some((*message, None)),
            ReplyForm::Same(message) => Some((*message, session)),
            ReplyForm::Response(_) | ReplyForm::None => None,
        }
    }
}

impl Dialect {
    /// The dialect of a protocol that was built from `spec`.
    pub(super) fn new(spec: &ProtocolSpec, protocol: Arc<Protocol>) -> Result<Dialect, ProtocolError> {
        let rpc = match &spec.codec {
            CodecSpec::Sproto(sproto) => Rpc::new(sproto)?,
            CodecSpec::Raw | CodecSpec::Document(_) | CodecSpec::Protobuf(_) | CodecSpec::Own => None,
        };
        let first = match spec.first_spec() {
            Some((first, count)) => {
                Some((Rc::new(Dialect::new(&first, Arc::clone(protocol.after(0)))?), count))
            }
            None => None,
        };
        Ok(Dialect { protocol, mirror: Arc::new(Protocol::build(spec.mirrored())?), rpc, first })
    }

    /// Which rules hold for the next message of a direction in which so many went before.
    pub(super) fn part_after(&self, messages: u32) -> Part {
        match &self.first {
            Some((_, count)) if messages < *count => Part::First,
            _ => Part::Whole,
        }
    }

    /// The dialect of a part.
    pub(super) fn part(self: &Rc<Self>, part: Part) -> &Rc<Dialect> {
        match (&self.first, part) {
            (Some((first, _)), Part::First) => first,
            _ => self,
        }
    }

    /// Whether what is spoken first has a message of that name in this direction, seen from the server.
    pub(super) fn first_has(&self, name: &str, direction: Direction) -> bool {
        let first = self.first.as_ref().map(|(first, _)| first).filter(|first| !first.is_raw());
        first.is_some_and(|first| first.message(name, direction).is_some())
    }

    /// Whether something is spoken before it.
    pub(super) fn has_first(&self) -> bool {
        self.first.is_some()
    }

    /// Whether messages are bytes without names.
    pub(super) fn is_raw(&self) -> bool {
        self.mirror.codec.names_are_open()
    }

    /// The fields around what a robot sent.
    pub(super) fn fields_of(&self, payload: &[u8]) -> Vec<(String, i64)> {
        let fields = self.mirror.fields(payload, Direction::Received);
        fields.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The message of that name that goes in this direction, seen from the server.
    pub(super) fn message(&self, name: &str, direction: Direction) -> Option<MessageId> {
        self.mirror.message(name).filter(|message| self.mirror.codec.goes(*message, direction))
    }

    /// The names of the messages that go in this direction, seen from the server.
    pub(super) fn names(&self, direction: Direction) -> impl Iterator<Item = &str> {
        self.mirror
            .messages()
            .filter(move |(id, _)| self.mirror.codec.goes(*id, direction))
            .map(|(_, name)| name)
    }

    /// Reads what a robot sent.
    pub(super) fn read<'a>(&self, payload: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<Said<'a>, String> {
        match &self.rpc {
            Some(rpc) => self.read_rpc(rpc, payload, scratch),
            None => {
                let head = self.mirror.read(payload, scratch).map_err(|error| error.to_string())?;
                let name = match (head.message, head.unknown_name) {
                    (Some(message), _) => self.mirror.message_name(message),
                    (None, unknown) => unknown.unwrap_or_default(),
                };
                let (message, name) = (head.message, name.to_owned());
                let session = match head.kind {
                    HeadKind::Reply { session } => Some(session),
                    HeadKind::Push | HeadKind::Request { .. } | HeadKind::Any => None,
                };
                Ok(Said::Message(Asked { message, name, session, body: head.body }))
            }
        }
    }

    /// What a robot said, by the word of the protocol's own function.
    pub(super) fn own_message<'a>(&self, head: &OwnHead, payload: &'a [u8]) -> Asked<'a> {
        let message = head.message.or_else(|| self.mirror.message(RawCodec::RECEIVED));
        let session = match head.kind {
            HeadKind::Reply { session } => Some(session),
            HeadKind::Push | HeadKind::Request { .. } | HeadKind::Any => None,
        };
        let name = message.map_or_else(String::new, |message| self.mirror.message_name(message).to_owned());
        Asked { message, name, session, body: payload.get(head.body..).unwrap_or_default() }
    }

    fn read_rpc<'a>(
        &self,
        rpc: &Rpc,
        payload: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<Said<'a>, String> {
        let bytes: &[u8] = if rpc.packed {
            scratch.clear();
            unpack(payload, UNPACK_LIMIT, scratch).map_err(|error| error.to_string())?;
            scratch
        } else {
            payload
        };
        let (header, used) = rpc.sent.read(bytes).map_err(|error| error.to_string())?;
        let Some(tag) = header.ty else {
            // An answer's header is of the server's own package.
            let (header, used) = rpc.received.read(bytes).map_err(|error| error.to_string())?;
            let session = header.session.ok_or("a header with neither a type nor a session")?;
            return Ok(Said::Answer { session, body: &bytes[used..] });
        };
        let name = rpc
            .schema
            .protocol_by_tag(tag)
            .map_or_else(|| tag.to_string(), |protocol| protocol.name.to_string());
        let message = self.message(&name, Direction::Received);
        Ok(Said::Message(Asked { message, name, session: header.session, body: &bytes[used..] }))
    }

    /// What the reply to a robot's message is.
    pub(super) fn reply_form(&self, message: MessageId, session: Option<i64>) -> ReplyForm<'_> {
        let Some(request) = self.protocol.message(self.mirror.message_name(message)) else {
            return self.bytes_or_none();
        };
        match (&self.protocol.reply, session) {
            (ReplyRule::Session, Some(_)) if self.rpc.is_none() => {
                ReplyForm::Same(self.likely_reply(message))
            }
            (ReplyRule::Fifo, _) if !self.is_raw() => ReplyForm::Same(self.likely_reply(message)),
            (ReplyRule::Session, Some(_)) => {
                ReplyForm::Response(self.protocol.reply_body_type(request, None))
            }
            (ReplyRule::Name(patterns), _) => {
                let reply = patterns.reply_to(request).map(|reply| self.protocol.message_name(reply));
                match reply.and_then(|name| self.message(name, Direction::Sent)) {
                    Some(reply) => ReplyForm::Message(reply),
                    None => ReplyForm::None,
                }
            }
            _ => self.bytes_or_none(),
        }
    }

    /// The message that answers one: by the schema, or by its number where that is another message's this way; else the same.
    fn likely_reply(&self, message: MessageId) -> MessageId {
        let by_schema = match &self.mirror.codec {
            Codec::Protobuf(codec) => codec.likely_reply(message),
            Codec::Raw(_) | Codec::Sproto(_) | Codec::Document(_) | Codec::Own(_) => None,
        };
        by_schema.or_else(|| self.mirror.counterpart(message)).unwrap_or(message)
    }

    fn bytes_or_none(&self) -> ReplyForm<'_> {
        if self.is_raw() { ReplyForm::Bytes } else { ReplyForm::None }
    }

    /// Whether the schema says that a response has nothing in it, so that there is nothing a handler could return.
    pub(super) fn confirms(&self, message: MessageId, session: Option<i64>) -> bool {
        matches!(self.reply_form(message, session), ReplyForm::Response(None))
    }

    /// Whether a robot that sends this waits for a reply.
    pub(super) fn expects_reply(&self, message: MessageId, session: Option<i64>) -> bool {
        let declared = |rpc: &Rpc| {
            let protocol = rpc.schema.protocol(self.mirror.message_name(message));
            protocol.is_some_and(|protocol| protocol.response != Response::None)
        };
        match &self.rpc {
            Some(rpc) => session.is_some() || declared(rpc),
            None => matches!(self.reply_form(message, session), ReplyForm::Message(_) | ReplyForm::Same(_)),
        }
    }

    /// Appends the payload of a message, with the session of what it answers and values for fields around it.
    pub(super) fn write(
        &self,
        (message, session): (MessageId, Option<i64>),
        given: &[GivenField],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let outgoing = Outgoing { message, session, given };
        self.mirror.write_with(outgoing, body, &mut Vec::new(), out).map_err(|error| error.to_string())
    }

    /// Appends the payload of a message that asks with a session.
    pub(super) fn ask(
        &self,
        message: MessageId,
        session: i64,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        if self.rpc.is_none() {
            let name = &self.protocol.name;
            return Err(format!(
                "[protocols.{name}] has no sessions to ask with: use client:push(name, fields)"
            ));
        }
        let written = self.mirror.write(message, Some(session), body, &mut Vec::new(), out);
        written.map_err(|error| error.to_string())
    }

    /// Appends the payload of the response to a session.
    pub(super) fn respond(&self, session: i64, body: &[u8], out: &mut Vec<u8>) {
        let Some(rpc) = &self.rpc else { return out.extend_from_slice(body) };
        let header = Header { ty: None, session: Some(session), ud: None };
        if rpc.packed {
            let mut plain = Vec::new();
            rpc.received.write(header, &mut plain);
            plain.extend_from_slice(body);
            pack(&plain, out);
        } else {
            rpc.received.write(header, out);
            out.extend_from_slice(body);
        }
    }
}

impl Rpc {
    fn new(spec: &SprotoSpec) -> Result<Option<Rpc>, ProtocolError> {
        let SprotoShape::Rpc { package } = &spec.shape else { return Ok(None) };
        let (send, receive) = match &spec.schema {
            SchemaSpec::Both(both) => (both, both),
            SchemaSpec::Separate { send, receive } => (send, receive),
        };
        let (schema, other) = (parse(send)?, parse(receive)?);
        let header = |schema: &Schema| Package::new(schema, package).map_err(ProtocolError::Package);
        Ok(Some(Rpc {
            sent: header(&schema)?,
            received: header(&other)?,
            schema,
            packed: spec.packed.unwrap_or(true),
        }))
    }
}

fn parse(texts: &[SourceText]) -> Result<Schema, ProtocolError> {
    let files: Vec<SourceFile<'_>> =
        texts.iter().map(|file| SourceFile { name: &file.name, text: &file.text }).collect();
    Ok(Schema::parse(&files)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use throng_wire::ReplySpec;

    const SENT: &str = "
        .package { type 0 : integer session 1 : integer }
        get 2 { request { what 0 : string } response { result 0 : string } }
        set 7 { request { what 0 : string } }
        save 9 { response nil }";
    const RECEIVED: &str =
        ".package { type 3 : integer session 5 : integer } moved 2 { request { id 0 : integer } }";
    const GAME: &str = "
        .Msg { Name 0 : string Bin 1 : binary }
        .EchoRequest { Text 0 : string } .EchoResponse { Text 0 : string } .Note { n 0 : integer }";

    fn texts(text: &str) -> Vec<SourceText> {
        vec![SourceText { name: "test.sproto".to_owned(), text: text.to_owned() }]
    }

    fn dialect(schema: SchemaSpec, shape: SprotoShape, packed: bool, reply: ReplySpec) -> Dialect {
        let codec = CodecSpec::Sproto(SprotoSpec { schema, shape, packed: Some(packed) });
        let spec = ProtocolSpec { reply: Some(reply), ..ProtocolSpec::new("test", codec) };
        let protocol = Protocol::build(spec.clone()).expect("a protocol");
        Dialect::new(&spec, Arc::new(protocol)).expect("a dialect")
    }

    fn rpc(packed: bool) -> Dialect {
        let schema = SchemaSpec::Separate { send: texts(SENT), receive: texts(RECEIVED) };
        dialect(schema, SprotoShape::Rpc { package: "package".to_owned() }, packed, ReplySpec::Session)
    }

    fn envelope(packed: bool) -> Dialect {
        let shape =
            SprotoShape::Envelope { ty: "Msg".to_owned(), name: "Name".to_owned(), body: "Bin".to_owned() };
        let reply = ReplySpec::Name(vec![("*Request".to_owned(), "*Response".to_owned())]);
        dialect(SchemaSpec::Both(texts(GAME)), shape, packed, reply)
    }

    /// What a robot writes is read; packed bodies are followed by zeros.
    fn check_request(dialect: &Dialect, name: &str, session: Option<i64>, body: &[u8]) {
        let message = dialect.protocol.message(name).expect("a message");
        let mut payload = Vec::new();
        dialect.protocol.write(message, session, body, &mut Vec::new(), &mut payload).expect("a request");
        let mut scratch = Vec::new();
        let said = dialect.read(&payload, &mut scratch).expect("what was written");
        let Said::Message(asked) = said else { panic!("no answer was written: {said:?}") };
        assert_eq!((asked.name.as_str(), asked.session), (name, session));
        assert_eq!(asked.message, dialect.message(name, Direction::Received));
        assert!(asked.body.starts_with(body) && asked.body[body.len()..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn replies_have_the_form_that_the_protocol_foresees() {
        let (rpc, envelope) = (rpc(true), envelope(false));
        let asked =
            |dialect: &Dialect, name: &str| dialect.message(name, Direction::Received).expect("a message");
        assert!(matches!(rpc.reply_form(asked(&rpc, "get"), Some(1)), ReplyForm::Response(Some(_))));
        assert!(matches!(rpc.reply_form(asked(&rpc, "get"), None), ReplyForm::None));
        assert!(rpc.confirms(asked(&rpc, "save"), Some(1)) && rpc.confirms(asked(&rpc, "set"), Some(1)));
        assert!(!rpc.confirms(asked(&rpc, "get"), Some(1)) && !rpc.expects_reply(asked(&rpc, "set"), None));
        let reply = envelope.reply_form(asked(&envelope, "EchoRequest"), None);
        assert!(
            matches!(reply, ReplyForm::Message(id) if envelope.mirror.message_name(id) == "EchoResponse")
        );
        assert!(matches!(envelope.reply_form(asked(&envelope, "Note"), None), ReplyForm::None));
        assert_eq!(rpc.message("moved", Direction::Received), None);
        assert_eq!(rpc.names(Direction::Sent).collect::<Vec<_>>(), ["moved"]);
    }

    proptest! {
        #[test]
        fn what_robots_write_is_read(body in prop::collection::vec(any::<u8>(), 0..40), session in 0..i64::MAX, packed: bool) {
            check_request(&rpc(packed), "get", Some(session), &body);
            check_request(&rpc(packed), "set", None, &body);
            check_request(&envelope(packed), "EchoRequest", None, &body);
        }

        #[test]
        fn what_servers_write_is_read_by_robots(body in prop::collection::vec(1u8.., 0..40), session in 0..i64::MAX, packed: bool) {
            let rpc = rpc(packed);
            let (mut payload, mut scratch) = (Vec::new(), Vec::new());
            rpc.respond(session, &body, &mut payload);
            let head = rpc.protocol.read(&payload, &mut scratch).expect("a response");
            prop_assert_eq!(head.kind, HeadKind::Reply { session });
            prop_assert!(head.body.starts_with(&body));
            payload.clear();
            let moved = rpc.message("moved", Direction::Sent).expect("a push");
            rpc.write((moved, None), &[], &body, &mut payload).expect("a push");
            let head = rpc.protocol.read(&payload, &mut scratch).expect("a push");
            prop_assert_eq!((head.kind, head.message), (HeadKind::Push, rpc.protocol.message("moved")));
        }

        #[test]
        fn what_servers_ask_is_answered_under_its_session(body in prop::collection::vec(1u8.., 0..40), session in 0..i64::MAX, packed: bool) {
            let rpc = rpc(packed);
            let (mut payload, mut scratch) = (Vec::new(), Vec::new());
            rpc.ask(rpc.message("moved", Direction::Sent).expect("a message"), session, &body, &mut payload).expect("a question");
            let head = rpc.protocol.read(&payload, &mut scratch).expect("a question");
            prop_assert_eq!((head.kind, head.message), (HeadKind::Request { session }, rpc.protocol.message("moved")));
            payload.clear();
            rpc.protocol.write_answer(session, &body, &mut Vec::new(), &mut payload).expect("an answer");
            let said = rpc.read(&payload, &mut scratch).expect("an answer");
            let Said::Answer { session: found, body: read } = said else { panic!("{said:?} is no answer") };
            prop_assert!(found == session && read.starts_with(&body));
        }

        #[test]
        fn any_bytes_are_read_or_refused(payload in prop::collection::vec(any::<u8>(), 0..64), packed: bool) {
            let mut scratch = Vec::new();
            let _ = rpc(packed).read(&payload, &mut scratch);
            let _ = envelope(packed).read(&payload, &mut scratch);
        }
    }
}
