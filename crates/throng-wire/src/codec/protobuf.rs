//! Protocol Buffers: a header's number, or an envelope message, says which message a body is.

mod build;
mod value;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use throng_protobuf::{
    DecodeError, Defaults, Envelope, EnvelopeError, FieldPath, IdError, MessageId as TypeId, NameError,
    Schema, SchemaError,
};
use throng_sproto::Value;

use super::messages::Messages;
use super::{Direction, Head, HeadError, HeadKind, WriteError, plain};
use crate::MessageId;
use crate::ids::Pairs;
use crate::reply::Comparison;

/// What the head of an envelope without a message that the schema knows is called.
const NO_CASE: &str = "(none of the oneof)";

/// A codec whose bodies are messages of `.proto` files.
#[derive(Debug, Clone)]
pub struct ProtobufCodec {
    schema: Arc<Schema>,
    defaults: Defaults,
    messages: Messages,
    /// The types of the messages.
    types: Vec<TypeId>,
    shape: Shape,
    /// The envelope's field with the session.
    session: Option<FieldPath>,
    refusal: Option<Refusal>,
    /// The names of an enum that stand for no message.
    unmatched: Vec<Box<str>>,
    extent: Extent,
}

/// What the largest message of a schema comes to when nothing of it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// The most fields a message has.
    pub fields: usize,
    /// The most bytes that the defaults of a message's fields hold.
    pub bytes: usize,
}

/// Why a schema does not make a codec.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProtobufError {
    /// The texts are no schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The numbers of messages cannot be found.
    #[error(transparent)]
    Ids(#[from] IdError),
    /// The envelope is none.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The session's field holds no whole number.
    #[error("`{field}` holds no whole number, so it cannot be the session")]
    Session {
        /// The field.
        field: String,
    },
    /// The field of a name or body holds no bytes.
    #[error("`{field}` is neither a string nor bytes")]
    NotBytes {
        /// The field.
        field: String,
    },
    /// Without an envelope a header must say what a body is.
    #[error("Protocol Buffers without an envelope need `ids`, which say what a header's `id` means")]
    NoIds,
}

impl From<NameError> for ProtobufError {
    fn from(error: NameError) -> ProtobufError {
        ProtobufError::Envelope(error.into())
    }
}

/// How messages travel.
#[derive(Debug, Clone)]
enum Shape {
    /// As they are; a header has these numbers.
    Numbered {
        sent: Vec<(MessageId, i64)>,
        /// Where what is received has others.
        received: Option<Vec<(MessageId, i64)>>,
    },
    /// In a message that has their name and their bytes.
    Named {
        name: FieldPath,
        body: FieldPath,
        /// By full name, and by short name where that is unique.
        known: FxHashMap<Box<str>, MessageId>,
        /// What is written, by message.
        written: Vec<Box<str>>,
    },
    /// In a message that has one of them as a field; its cases are the messages, in the same order.
    Oneof(Envelope),
}

/// Which field says no, and when.
#[derive(Debug, Clone)]
struct Refusal {
    refused: Comparison,
    /// In the envelope.
    outer: Option<FieldPath>,
    /// In the bodies, by message.
    inner: Vec<Option<FieldPath>>,
}

impl Refusal {
    /// The code at a path, if it says no. Bytes that are no message say nothing: whoever wants them will find out.
    fn code(&self, path: Option<&FieldPath>, bytes: &[u8]) -> Option<i64> {
        let path = path?;
        let zero = path.absent_is_zero().then_some(0);
        path.integer(bytes).ok()?.or(zero).filter(|code| self.refused.holds(*code))
    }
}

impl ProtobufCodec {
    /// The messages and enums.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What a body is encoded and decoded with.
    #[inline]
    pub fn body_type(&self, message: MessageId) -> Option<(&Schema, TypeId)> {
        Some((&self.schema, *self.types.get(message.0 as usize)?))
    }

    /// What is told of fields that a body does not have.
    #[inline]
    pub fn defaults(&self) -> Defaults {
        self.defaults
    }

    /// What an empty message can come to.
    #[inline]
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// The names of the enum with the messages' numbers that stand for no message.
    pub fn unmatched(&self) -> &[Box<str>] {
        &self.unmatched
    }

    /// The message that most likely answers `request`: the one that a service says, or else the one of its name with another
    /// end. Nothing but tests goes by it.
    pub fn likely_reply(&self, request: MessageId) -> Option<MessageId> {
        let (_, ty) = self.body_type(request)?;
        let method = self.schema.methods().iter().find(|method| method.request == ty);
        let by_type = |ty| self.types.iter().position(|each| *each == ty);
        if let Some(place) = method.and_then(|method| by_type(method.response)) {
            return Some(MessageId(place as u32));
        }
        const ENDS: [(&str, &[&str]); 2] = [
            ("Request", &["Response", "Reply"]),
            ("Req", &["Resp", "Rsp", "Res", "Ack", "Reply", "Response"]),
        ];
        let name = self.messages.name(request)?;
        ENDS.iter().find_map(|(end, others)| {
            let stem = name.strip_suffix(end)?;
            others.iter().find_map(|other| self.messages.find(&format!("{stem}{other}")))
        })
    }

    pub(super) fn names(&self) -> &Messages {
        &self.messages
    }

    /// Whether messages have a session of their own.
    pub(crate) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// The numbers of the messages that are sent, and of those that are received where these have others; none where no
    /// header has them.
    pub(crate) fn numbers(&self) -> Option<(&Pairs, Option<&Pairs>)> {
        match &self.shape {
            Shape::Numbered { sent, received } => Some((sent, received.as_deref())),
            Shape::Named { .. } | Shape::Oneof(_) => None,
        }
    }

    /// Whether a message goes this way, as far as the numbers tell.
    pub(super) fn goes(&self, message: MessageId, direction: Direction) -> bool {
        let has = |pairs: &Pairs| pairs.iter().any(|(known, _)| *known == message);
        match (&self.shape, direction) {
            (Shape::Numbered { sent, received: Some(_) }, Direction::Sent) => has(sent),
            (Shape::Numbered { received: Some(received), .. }, Direction::Received) => has(received),
            _ => (message.0 as usize) < self.types.len(),
        }
    }

    pub(crate) fn name(&self, message: MessageId) -> Option<&str> {
        self.messages.name(message)
    }

    /// The code with which a body says no.
    #[inline]
    pub(crate) fn refused(&self, head: &Head<'_>) -> Option<i64> {
        let refusal = self.refusal.as_ref()?;
        let path = refusal.inner.get(head.message?.0 as usize)?;
        refusal.code(path.as_ref(), head.body)
    }

    /// A message's fields for those who look on.
    pub(crate) fn value(&self, message: MessageId, body: &[u8]) -> Option<Result<Value, String>> {
        let (schema, ty) = self.body_type(message)?;
        Some(value::decode(schema, ty, body).map_err(|error| error.to_string()))
    }

    /// Appends the payload that carries `body`.
    #[inline]
    pub(super) fn write(
        &self,
        message: MessageId,
        session: Option<i64>,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let index = message.0 as usize;
        if index >= self.types.len() {
            return Err(self.messages.not_sent(message));
        }
        if let (Some(path), Some(session)) = (&self.session, session.filter(|session| *session != 0)) {
            path.write_integer(session, out);
        }
        match &self.shape {
            Shape::Numbered { .. } => out.extend_from_slice(body),
            Shape::Named { name, body: path, written, .. } => {
                name.write_bytes(written[index].as_bytes(), out);
                path.write_bytes(body, out);
            }
            Shape::Oneof(envelope) => envelope.write(&envelope.cases()[index], body, out),
        }
        Ok(())
    }

    /// Reads a head.
    #[inline]
    pub(super) fn read<'a>(&self, payload: &'a [u8]) -> Result<Head<'a>, HeadError> {
        let mut head = plain(None, payload);
        if let Some(path) = &self.session {
            head.kind = match path.integer(payload)? {
                Some(session) if session != 0 => HeadKind::Reply { session },
                _ => HeadKind::Push,
            };
        }
        if let Some(refusal) = &self.refusal {
            head.refused = refusal.code(refusal.outer.as_ref(), payload);
        }
        match &self.shape {
            Shape::Numbered { .. } => {}
            Shape::Named { name, body, known, .. } => {
                let name = std::str::from_utf8(name.bytes(payload)?.unwrap_or_default()).unwrap_or_default();
                head.body = body.bytes(payload)?.unwrap_or_default();
                head.message = known.get(name).copied();
                head.unknown_name = head.message.is_none().then_some(name);
            }
            Shape::Oneof(envelope) => match envelope.read(payload)? {
                Some(opened) => {
                    let cases = envelope.cases();
                    let index = cases.binary_search_by_key(&opened.case.number, |case| case.number);
                    head.message = index.ok().map(|index| MessageId(index as u32));
                    head.body = opened.body;
                }
                None => (head.body, head.unknown_name) = (&[], Some(NO_CASE)),
            },
        }
        Ok(head)
    }
}

impl From<DecodeError> for HeadError {
    fn from(error: DecodeError) -> HeadError {
        HeadError::Protobuf(error.to_string().into())
    }
}

#[cfg(test)]
mod tests;
