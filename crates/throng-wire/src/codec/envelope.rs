//! Sproto messages in an outer type with two fields that matter: the inner type's name and its encoded bytes.
//!
//! The outer type is read and written by hand: a decoder would copy both fields, and here they are lent from the payload.

use std::sync::Arc;

use throng_sproto::{FieldType, Repeat, Schema, TypeDef, TypeId};

use super::messages::Messages;
use super::sides::{Packing, Sides, type_names};
use super::{Head, HeadError, HeadKind, WriteError};
use crate::MessageId;
use crate::spec::{ProtocolError, Schemas};

/// An encoded message without fields: what an absent body stands for.
const NO_FIELDS: &[u8] = &[0, 0];
/// The record that says that the value is the next data block.
const BLOCK: u16 = 0;

/// The envelope shape of Sproto.
#[derive(Debug, Clone)]
pub struct EnvelopeCodec {
    pub(super) messages: Messages,
    pub(super) sides: Sides<Side>,
    pub(super) packing: Packing,
}

/// An envelope that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The payload ends inside the envelope.
    #[error("the envelope is cut short")]
    Truncated,
    /// A number where the name or the body should be.
    #[error("the envelope has a number where its name or body should be")]
    NotBytes,
    /// The envelope has no name.
    #[error("the envelope has no message name")]
    NoName,
    /// The envelope's name is not UTF-8.
    #[error("the envelope's message name is not UTF-8")]
    NameNotText,
}

/// What the envelope and its fields are called.
pub(super) struct FieldNames<'a> {
    pub(super) ty: &'a str,
    pub(super) name: &'a str,
    pub(super) body: &'a str,
}

/// One direction.
#[derive(Debug, Clone)]
pub(super) struct Side {
    schema: Arc<Schema>,
    layout: Layout,
    types: Vec<Option<TypeId>>,
}

impl Side {
    fn new(schema: Arc<Schema>, names: &FieldNames<'_>, messages: &Messages) -> Result<Side, ProtocolError> {
        let envelope = envelope_type(&schema, names)?;
        let layout = Layout::new(schema.type_def(envelope), names)?;
        let types = messages.table(|name| schema.type_id(name));
        Ok(Side { schema, layout, types })
    }

    #[inline]
    pub(super) fn body_type(&self, message: MessageId) -> Option<(&Schema, TypeId)> {
        let ty = self.types.get(message.0 as usize).copied().flatten()?;
        Some((&self.schema, ty))
    }
}

impl EnvelopeCodec {
    pub(super) fn new(
        schemas: Schemas,
        names: &FieldNames<'_>,
        packed: bool,
    ) -> Result<EnvelopeCodec, ProtocolError> {
        let types = schemas.sent.types().chain(schemas.received.types());
        let inner = types.map(|(_, ty)| &*ty.name).filter(|name| *name != names.ty);
        let messages = Messages::new(inner);
        let sent = Side::new(Arc::clone(&schemas.sent), names, &messages)?;
        let received = Side::new(Arc::clone(&schemas.received), names, &messages)?;
        Ok(EnvelopeCodec { messages, sides: Sides { sent, received }, packing: Packing::new(packed) })
    }

    #[inline]
    pub(super) fn write(
        &self,
        message: MessageId,
        body: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let sent = &self.sides.sent;
        let name = match (sent.body_type(message), self.messages.name(message)) {
            (Some(_), Some(name)) => name,
            _ => return Err(self.messages.not_sent(message)),
        };
        if u32::try_from(body.len()).is_err() {
            return Err(WriteError::TooLong { length: body.len() });
        }
        self.packing.write(scratch, out, |payload| sent.layout.write(name.as_bytes(), body, payload));
        Ok(())
    }

    #[inline]
    pub(super) fn read<'a>(
        &self,
        payload: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<Head<'a>, HeadError> {
        self.packing.unpack(payload, scratch)?;
        self.read_content(self.packing.content(payload, scratch))
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.packing, Packing::Packed { .. })
    }

    /// Reads an envelope that is not packed, or no more.
    #[inline]
    pub(super) fn read_content<'a>(&self, content: &'a [u8]) -> Result<Head<'a>, HeadError> {
        let received = &self.sides.received;
        let Content { name, body } = received.layout.read(content)?;
        let name = std::str::from_utf8(name.ok_or(EnvelopeError::NoName)?)
            .map_err(|_| EnvelopeError::NameNotText)?;
        let message = self.messages.find(name).filter(|message| received.body_type(*message).is_some());
        let unknown_name = message.is_none().then_some(name);
        let body = body.unwrap_or(NO_FIELDS);
        Ok(Head { kind: HeadKind::Any, message, unknown_name, body, refused: None })
    }
}

fn envelope_type(schema: &Schema, names: &FieldNames<'_>) -> Result<TypeId, ProtocolError> {
    schema.type_id(names.ty).ok_or_else(|| ProtocolError::UnknownEnvelope {
        name: names.ty.to_owned(),
        candidates: type_names(schema),
    })
}

/// Where an envelope's two fields are.
#[derive(Debug, Clone)]
struct Layout {
    name_tag: u16,
    body_tag: u16,
    /// The count and the records, which are the same for all messages.
    head: Box<[u8]>,
}

impl Layout {
    fn new(envelope: &TypeDef, names: &FieldNames<'_>) -> Result<Layout, ProtocolError> {
        let name_tag = bytes_field(envelope, names.name)?;
        let body_tag = bytes_field(envelope, names.body)?;
        if name_tag == body_tag {
            return Err(ProtocolError::SameField {
                ty: envelope.name.to_string(),
                field: names.name.to_owned(),
            });
        }
        let mut records = Vec::new();
        let mut next = 0;
        for tag in [name_tag.min(body_tag), name_tag.max(body_tag)] {
            if tag > next {
                records.push(2 * (tag - next) - 1);
            }
            records.push(BLOCK);
            next = tag + 1;
        }
        let count = [records.len() as u16];
        let head = count.iter().chain(&records).flat_map(|word| word.to_le_bytes()).collect();
        Ok(Layout { name_tag, body_tag, head })
    }

    #[inline]
    fn write(&self, name: &[u8], body: &[u8], out: &mut Vec<u8>) {
        let blocks = if self.name_tag < self.body_tag { [name, body] } else { [body, name] };
        out.reserve(self.head.len() + 8 + name.len() + body.len());
        out.extend_from_slice(&self.head);
        for block in blocks {
            out.extend_from_slice(&(block.len() as u32).to_le_bytes());
            out.extend_from_slice(block);
        }
    }

    /// Finds the name and the body in an encoded envelope; bytes behind it are no fault, other fields are passed over.
    #[inline]
    fn read<'a>(&self, bytes: &'a [u8]) -> Result<Content<'a>, EnvelopeError> {
        let (count, rest) = bytes.split_first_chunk().ok_or(EnvelopeError::Truncated)?;
        let count = usize::from(u16::from_le_bytes(*count));
        let (records, mut blocks) = rest.split_at_checked(2 * count).ok_or(EnvelopeError::Truncated)?;
        let mut content = Content::default();
        // At most 65,535 records that step 32,768 tags each: this stays below 2^31.
        let mut next = 0;
        for record in records.as_chunks::<2>().0 {
            let record = u16::from_le_bytes(*record);
            if record & 1 == 1 {
                next += u32::from(record).div_ceil(2);
                continue;
            }
            let field = match next {
                tag if tag == u32::from(self.name_tag) => Some(&mut content.name),
                tag if tag == u32::from(self.body_tag) => Some(&mut content.body),
                _ => None,
            };
            next += 1;
            let block = if record == BLOCK { Some(take_block(&mut blocks)?) } else { None };
            match field {
                Some(_) if block.is_none() => return Err(EnvelopeError::NotBytes),
                Some(field) => *field = block,
                None => {}
            }
        }
        Ok(content)
    }
}

/// What an envelope carries.
#[derive(Default)]
struct Content<'a> {
    name: Option<&'a [u8]>,
    body: Option<&'a [u8]>,
}

/// Takes a block off the front.
#[inline]
fn take_block<'a>(blocks: &mut &'a [u8]) -> Result<&'a [u8], EnvelopeError> {
    let (length, rest) = blocks.split_first_chunk().ok_or(EnvelopeError::Truncated)?;
    // On a machine where a length does not fit, it is longer than the rest anyway.
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (block, rest) = rest.split_at_checked(length).ok_or(EnvelopeError::Truncated)?;
    *blocks = rest;
    Ok(block)
}

/// The tag of a field that holds a string or bytes.
fn bytes_field(envelope: &TypeDef, name: &str) -> Result<u16, ProtocolError> {
    let field = envelope.fields.iter().find(|field| &*field.name == name).ok_or_else(|| {
        ProtocolError::UnknownField {
            ty: envelope.name.to_string(),
            name: name.to_owned(),
            candidates: envelope.fields.iter().map(|field| field.name.to_string()).collect(),
        }
    })?;
    match (field.ty, field.repeat) {
        (FieldType::String | FieldType::Binary, Repeat::One) => Ok(field.tag),
        _ => Err(ProtocolError::NotBytes { ty: envelope.name.to_string(), field: name.to_owned() }),
    }
}
