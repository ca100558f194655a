//! The bytes of a message as lines with their offsets, so that a wrong byte can be found.

use crate::MAX_DEPTH;
use crate::decode::{DecodeError, DecodeErrorKind};
use crate::schema::{Field, Kind, MessageDef, MessageId, Repeat, Schema};
use crate::wire::{Failure, RawValue, Reader, WireType, unzigzag};

/// The most bytes of a string that a line shows.
const SHOWN: usize = 64;

/// A field of a message, on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where its key stands, in bytes from the start of the outermost message.
    pub offset: usize,
    /// How many bytes it takes, key and all.
    pub length: usize,
    /// How many messages are around it.
    pub depth: usize,
    /// The field's name and value, as in `hp (3, int32) = 5`.
    pub text: String,
    /// Whether its message has no such field in the schema; not those within it.
    pub unknown: bool,
}

/// The fields in `bytes`, a message of type `message`, and what is wrong with the first that cannot be read. Of a field that
/// the schema does not know, or that stands there in another way than it says, the line tells what the wire does.
#[must_use]
pub fn dump(schema: &Schema, message: MessageId, bytes: &[u8]) -> (Vec<Line>, Option<DecodeError>) {
    let mut dumper = Dumper { schema, input: bytes, lines: Vec::new() };
    let error = dumper.message(Some(schema.message(message)), bytes, 0).err();
    (dumper.lines, error)
}

struct Dumper<'a> {
    schema: &'a Schema,
    input: &'a [u8],
    lines: Vec<Line>,
}

impl<'a> Dumper<'a> {
    fn message(
        &mut self,
        message: Option<&'a MessageDef>,
        bytes: &'a [u8],
        depth: usize,
    ) -> Result<(), DecodeError> {
        let place = message.map_or("an unknown group", |message| &message.name);
        if depth >= MAX_DEPTH as usize {
            return Err(Failure::new(DecodeErrorKind::TooDeep, bytes).placed(self.input, place));
        }
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let start = reader.rest();
            let (number, value) = reader.field().map_err(|failure| failure.placed(self.input, place))?;
            let length = start.len() - reader.rest().len();
            let field = message.and_then(|message| message.field_by_number(number));
            let within_unknown = message.is_none();
            self.field((field, within_unknown), number, value, start, length, depth)?;
        }
        Ok(())
    }

    fn field(
        &mut self,
        (field, within_unknown): (Option<&'a Field>, bool),
        number: u32,
        value: RawValue<'a>,
        start: &'a [u8],
        length: usize,
        depth: usize,
    ) -> Result<(), DecodeError> {
        let name = field.map_or_else(|| format!("?{number}"), |field| self.named(field));
        let unknown = field.is_none() && !within_unknown;
        let line = |text| Line { offset: offset(self.input, start), length, depth, text, unknown };
        match (field.map(|field| (field, field.kind, field.repeat)), value) {
            (Some((field, _, Repeat::Map { key })), RawValue::Bytes(bytes)) => {
                self.lines.push(line(name));
                self.entry(field, key, bytes, depth + 1)
            }
            (Some((_, Kind::Message(id), _)), RawValue::Bytes(bytes))
            | (Some((_, Kind::Group(id), _)), RawValue::Group(bytes)) => {
                self.lines.push(line(name));
                self.message(Some(self.schema.message(id)), bytes, depth + 1)
            }
            (_, RawValue::Group(bytes)) => {
                self.lines.push(line(format!("{name}: a group")));
                self.message(None, bytes, depth + 1)
            }
            (Some((_, kind, Repeat::Array { .. })), RawValue::Bytes(bytes)) if kind.is_packable() => {
                self.lines.push(line(format!("{name} = {}", self.packed(kind, bytes))));
                Ok(())
            }
            (Some((_, kind, _)), value) => {
                let shown = self.scalar(kind, value);
                self.lines.push(line(match shown {
                    Some(shown) => format!("{name} = {shown}"),
                    None => format!("{name} = {}, which is no {}", raw(value), kind.name(self.schema)),
                }));
                Ok(())
            }
            (None, value) => {
                self.lines.push(line(format!("{name} = {}", raw(value))));
                Ok(())
            }
        }
    }

    fn entry(
        &mut self,
        field: &'a Field,
        key: Kind,
        bytes: &'a [u8],
        depth: usize,
    ) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let start = reader.rest();
            let (number, value) =
                reader.field().map_err(|failure| failure.placed(self.input, &*field.name))?;
            let (name, kind) = match number {
                1 => ("key", Some(key)),
                2 => ("value", Some(field.kind)),
                _ => ("?", None),
            };
            let shown = kind.and_then(|kind| self.scalar(kind, value));
            let text = match shown {
                Some(shown) => format!("{name} = {shown}"),
                None => format!("{name} = {}", raw(value)),
            };
            let nested = kind.and_then(Kind::message).zip(match value {
                RawValue::Bytes(bytes) => Some(bytes),
                _ => None,
            });
            let text = if nested.is_some() { name.to_owned() } else { text };
            let length = start.len() - reader.rest().len();
            let unknown = kind.is_none();
            self.lines.push(Line { offset: offset(self.input, start), length, depth, text, unknown });
            if let Some((id, bytes)) = nested {
                self.message(Some(self.schema.message(id)), bytes, depth + 1)?;
            }
        }
        Ok(())
    }

    fn named(&self, field: &Field) -> String {
        let kind = field.kind.name(self.schema);
        format!("{} ({}, {kind})", field.name, field.number)
    }

    /// A value of the type, if it stands on the wire as that type does.
    fn scalar(&self, kind: Kind, value: RawValue<'_>) -> Option<String> {
        Some(match (kind, value) {
            (Kind::Int32, RawValue::Varint(value)) => (value as i32).to_string(),
            (Kind::Int64, RawValue::Varint(value)) => (value as i64).to_string(),
            (Kind::Uint32, RawValue::Varint(value)) => (value as u32).to_string(),
            (Kind::Uint64, RawValue::Varint(value)) => value.to_string(),
            (Kind::Sint32, RawValue::Varint(value)) => unzigzag((value as u32).into()).to_string(),
            (Kind::Sint64, RawValue::Varint(value)) => unzigzag(value).to_string(),
            (Kind::Bool, RawValue::Varint(value)) => (value != 0).to_string(),
            (Kind::Enum(id), RawValue::Varint(value)) => {
                let number = value as i32;
                match self.schema.enumeration(id).value_of(number) {
                    Some(value) => format!("{} ({number})", value.name),
                    None => format!("{number}, which the enum does not name"),
                }
            }
            (Kind::Fixed32, RawValue::Fixed32(value)) => value.to_string(),
            (Kind::Sfixed32, RawValue::Fixed32(value)) => (value as i32).to_string(),
            (Kind::Float, RawValue::Fixed32(value)) => format!("{:?}", f32::from_bits(value)),
            (Kind::Fixed64, RawValue::Fixed64(value)) => value.to_string(),
            (Kind::Sfixed64, RawValue::Fixed64(value)) => (value as i64).to_string(),
            (Kind::Double, RawValue::Fixed64(value)) => format!("{:?}", f64::from_bits(value)),
            (Kind::String { .. } | Kind::Bytes, RawValue::Bytes(bytes)) => text(bytes),
            _ => return None,
        })
    }

    fn packed(&self, kind: Kind, bytes: &[u8]) -> String {
        let mut reader = Reader::new(bytes);
        let mut shown = Vec::new();
        while !reader.is_empty() {
            let wire = kind.wire_type();
            let element = match wire {
                WireType::Fixed32 => reader.fixed32().map(RawValue::Fixed32),
                WireType::Fixed64 => reader.fixed64().map(RawValue::Fixed64),
                _ => reader.varint().map(RawValue::Varint),
            };
            match element {
                Ok(element) => shown.push(self.scalar(kind, element).unwrap_or_default()),
                Err(_) => {
                    shown.push(format!("and {} bytes that are none", reader.rest().len()));
                    break;
                }
            }
        }
        format!("[{}]", shown.join(", "))
    }
}

fn offset(input: &[u8], start: &[u8]) -> usize {
    start.as_ptr().addr() - input.as_ptr().addr()
}

fn raw(value: RawValue<'_>) -> String {
    match value {
        RawValue::Varint(value) => format!("varint {value}"),
        RawValue::Fixed64(value) => format!("8 bytes {value:#018x}"),
        RawValue::Fixed32(value) => format!("4 bytes {value:#010x}"),
        RawValue::Bytes(bytes) | RawValue::Group(bytes) => format!("{} bytes {}", bytes.len(), text(bytes)),
    }
}

fn text(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let more = if shown.len() < bytes.len() { "..." } else { "" };
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{:?}{more}", text.chars().take(SHOWN).collect::<String>()),
        Err(_) => format!("\"{}\"{more}", shown.escape_ascii()),
    }
}
