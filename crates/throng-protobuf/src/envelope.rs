//! Envelope messages: which message is inside, and single fields beside it, found without decoding the rest.

use crate::decode::{DecodeError, DecodeErrorKind};
use crate::schema::{Field, Kind, MessageDef, MessageId, NameError, Repeat, Schema, suggested};
use crate::wire::{
    Failure, RawValue, WireType, begin_length, finish_length, raw_fields, unzigzag, write_varint, zigzag,
};

/// Why a message is no envelope, or a path leads to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The message is not in the schema.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The message does not have that oneof.
    #[error("message `{message}` has no oneof `{name}`{}", listed(.oneofs))]
    NoOneof {
        /// The message's full name.
        message: Box<str>,
        /// The oneof.
        name: Box<str>,
        /// The oneofs it has.
        oneofs: Vec<Box<str>>,
    },
    /// The message has several oneofs, so which one is meant has to be said.
    #[error("message `{message}` has several oneofs{}: name one", listed(.oneofs))]
    WhichOneof {
        /// The message's full name.
        message: Box<str>,
        /// The oneofs it has.
        oneofs: Vec<Box<str>>,
    },
    /// No field holds a message.
    #[error("no field of message `{message}` holds one message of several")]
    NoCases {
        /// The message's full name.
        message: Box<str>,
    },
    /// A path's part that is no field.
    #[error("message `{message}` has no field `{field}`{}", suggested(.nearest))]
    NoField {
        /// The message's full name.
        message: Box<str>,
        /// The field.
        field: Box<str>,
        /// A field that may be meant.
        nearest: Option<Box<str>>,
    },
    /// A path's part that is no single value of the right type.
    #[error("field `{field}` of message `{message}` is not {wanted}")]
    WrongField {
        /// The message's full name.
        message: Box<str>,
        /// The field.
        field: Box<str>,
        /// What it should be, with its article.
        wanted: &'static str,
    },
}

fn listed(oneofs: &[Box<str>]) -> String {
    match oneofs.is_empty() {
        true => String::new(),
        false => format!(" (it has {})", oneofs.join(", ")),
    }
}

/// An envelope message: one that holds one of several messages.
#[derive(Debug, Clone)]
pub struct Envelope {
    name: Box<str>,
    /// By number.
    cases: Box<[Case]>,
}

/// A field of an envelope that holds a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The field's name.
    pub name: Box<str>,
    /// The field's number.
    pub number: u32,
    /// The message it holds.
    pub message: MessageId,
}

/// What is inside an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'e, 'a> {
    /// The field it is in.
    pub case: &'e Case,
    /// The message's bytes.
    pub body: &'a [u8],
    /// Where these begin in the envelope.
    pub offset: usize,
}

impl Envelope {
    /// The message `name` (see [`Schema::find_message`]) as an envelope by one of its oneofs: the one called `oneof`, or the
    /// only one. A message without oneofs is one by all of its single message fields.
    ///
    /// # Errors
    /// No such message or oneof, or nothing in it that holds a message.
    pub fn new(schema: &Schema, name: &str, oneof: Option<&str>) -> Result<Envelope, EnvelopeError> {
        let message = schema.message(schema.find_message(name)?);
        let oneofs = || message.oneofs.iter().map(|oneof| oneof.name.clone()).collect();
        let chosen = match oneof {
            Some(oneof) => match message.oneofs.iter().position(|each| *each.name == *oneof) {
                Some(index) => Some(index as u16),
                None => {
                    let (message, name) = (message.name.clone(), oneof.into());
                    return Err(EnvelopeError::NoOneof { message, name, oneofs: oneofs() });
                }
            },
            None if message.oneofs.len() > 1 => {
                return Err(EnvelopeError::WhichOneof { message: message.name.clone(), oneofs: oneofs() });
            }
            None => (message.oneofs.len() == 1).then_some(0),
        };
        Envelope::of_fields(schema, message.id, |field| chosen.is_none() || field.oneof == chosen)
    }

    /// A message as an envelope by those of its single message fields that `is_case` chooses.
    ///
    /// # Errors
    /// There are none.
    pub fn of_fields(
        schema: &Schema,
        message: MessageId,
        is_case: impl Fn(&Field) -> bool,
    ) -> Result<Envelope, EnvelopeError> {
        let message = schema.message(message);
        let case = |field: &Field| match (field.kind, field.repeat) {
            (Kind::Message(id), Repeat::One) if is_case(field) => {
                Some(Case { name: field.name.clone(), number: field.number, message: id })
            }
            _ => None,
        };
        let cases: Box<[Case]> = message.fields.iter().filter_map(case).collect();
        match cases.is_empty() {
            true => Err(EnvelopeError::NoCases { message: message.name.clone() }),
            false => Ok(Envelope { name: message.name.clone(), cases }),
        }
    }

    /// What it can hold, by the fields' numbers.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The case of this field name.
    #[must_use]
    pub fn case(&self, name: &str) -> Option<&Case> {
        self.cases.iter().find(|case| *case.name == *name)
    }

    /// The case at this field number.
    #[must_use]
    pub fn case_by_number(&self, number: u32) -> Option<&Case> {
        let index = self.cases.binary_search_by_key(&number, |case| case.number).ok()?;
        self.cases.get(index)
    }

    /// Finds the message inside an envelope, of several the last one; none if there is none that the schema knows.
    ///
    /// # Errors
    /// Bytes that are no message, as far as their outermost fields tell.
    pub fn read<'e, 'a>(&'e self, bytes: &'a [u8]) -> Result<Option<Opened<'e, 'a>>, DecodeError> {
        let mut opened = None;
        for field in raw_fields(bytes) {
            let field = field?;
            let Some(case) = self.case_by_number(field.number) else { continue };
            let RawValue::Bytes(body) = field.value else {
                let place = format!("{}.{}", self.name, case.name);
                return Err(wrong_wire(
                    bytes,
                    field.offset,
                    case.number,
                    WireType::Bytes,
                    field.value,
                    place,
                ));
            };
            let offset = body.as_ptr().addr() - bytes.as_ptr().addr();
            opened = Some(Opened { case, body, offset });
        }
        Ok(opened)
    }

    /// Appends the envelope's field for `case`, with a message's bytes inside. What stands beside it may be appended before
    /// or after.
    pub fn write(&self, case: &Case, body: &[u8], out: &mut Vec<u8>) {
        write_varint((case.number << 3 | WireType::Bytes.bits()).into(), out);
        write_varint(body.len() as u64, out);
        out.extend_from_slice(body);
    }
}

/// One field of a message or of a message in it: `seq`, `head.seq`.
#[derive(Debug, Clone)]
pub struct FieldPath {
    name: Box<str>,
    /// The numbers of the fields that lead to it.
    around: Box<[u32]>,
    number: u32,
    kind: Kind,
    zero: bool,
}

impl FieldPath {
    /// The path `path` from `message`: names of single message fields, then that of a single field of any other type.
    ///
    /// # Errors
    /// A name that is no such field.
    pub fn new(schema: &Schema, message: MessageId, path: &str) -> Result<FieldPath, EnvelopeError> {
        let mut message = schema.message(message);
        let mut around = Vec::new();
        let mut parts = path.split('.').peekable();
        loop {
            let name = parts.next().unwrap_or_default();
            let field = message.field(name).ok_or_else(|| no_field(message, name))?;
            let wrong = |wanted| EnvelopeError::WrongField {
                message: message.name.clone(),
                field: name.into(),
                wanted,
            };
            match (field.repeat, field.kind, parts.peek().is_some()) {
                (Repeat::One, Kind::Message(id), true) => {
                    around.push(field.number);
                    message = schema.message(id);
                }
                (_, _, true) => return Err(wrong("a single message")),
                (Repeat::One, kind, false) if kind.message().is_none() => {
                    let (name, around) = (path.into(), around.into());
                    return Ok(FieldPath { name, around, number: field.number, kind, zero: !field.presence });
                }
                (_, _, false) => return Err(wrong("a single number, string, bytes or enum")),
            }
        }
    }

    /// The type of the field.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether an absent field means zero or nothing in it, as in proto3 without `optional`.
    #[must_use]
    pub fn absent_is_zero(&self) -> bool {
        self.zero
    }

    /// Whether the field holds an integer, an enum or a boolean: what [`integer`](FieldPath::integer) reads.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        !self.is_bytes() && !matches!(self.kind, Kind::Double | Kind::Float)
    }

    /// Whether the field holds a string or bytes: what [`bytes`](FieldPath::bytes) reads.
    #[must_use]
    pub fn is_bytes(&self) -> bool {
        matches!(self.kind, Kind::String { .. } | Kind::Bytes)
    }

    /// The field in the message that `bytes` are; none if it is absent. Of several the last one counts.
    ///
    /// # Errors
    /// Bytes that are no message, as far as the fields on the way tell, or another wire type than the field's.
    pub fn read<'a>(&self, bytes: &'a [u8]) -> Result<Option<RawValue<'a>>, DecodeError> {
        self.find(bytes, bytes, &self.around)
    }

    /// The integer, enum number or boolean (1 or 0) in the message that `bytes` are; of 64 unsigned bits the same bits.
    /// None if it is absent or of another type.
    ///
    /// # Errors
    /// As of [`read`](FieldPath::read).
    pub fn integer(&self, bytes: &[u8]) -> Result<Option<i64>, DecodeError> {
        Ok(self.read(bytes)?.and_then(|value| integer_of(self.kind, value)))
    }

    /// The string or bytes in the message that `bytes` are; none if it is absent or of another type.
    ///
    /// # Errors
    /// As of [`read`](FieldPath::read).
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, DecodeError> {
        Ok(self.read(bytes)?.and_then(|value| match value {
            RawValue::Bytes(bytes) => Some(bytes),
            _ => None,
        }))
    }

    /// Appends the field to a message's bytes, with the messages around it; decoders merge these with others of the same
    /// field. Nothing is appended if the field is no integer, enum or boolean.
    pub fn write_integer(&self, value: i64, out: &mut Vec<u8>) {
        if self.is_integer() {
            self.write(&self.around, out, &|out| append_integer(self.number, self.kind, value, out));
        }
    }

    /// Appends the field to a message's bytes, as [`write_integer`](FieldPath::write_integer) does, if it is a string or
    /// bytes.
    pub fn write_bytes(&self, value: &[u8], out: &mut Vec<u8>) {
        if self.is_bytes() {
            self.write(&self.around, out, &|out| append_bytes(self.number, value, out));
        }
    }

    fn write(&self, around: &[u32], out: &mut Vec<u8>, field: &dyn Fn(&mut Vec<u8>)) {
        let Some((number, inner)) = around.split_first() else { return field(out) };
        write_varint((number << 3 | WireType::Bytes.bits()).into(), out);
        let start = begin_length(out);
        self.write(inner, out, field);
        finish_length(start, out);
    }

    /// `input` is the whole, `bytes` the message in it that the rest of the path starts at.
    fn find<'a>(
        &self,
        input: &'a [u8],
        bytes: &'a [u8],
        around: &[u32],
    ) -> Result<Option<RawValue<'a>>, DecodeError> {
        let base = bytes.as_ptr().addr() - input.as_ptr().addr();
        let mut found = None;
        for field in raw_fields(bytes) {
            let field = field.map_err(|error| DecodeError { offset: error.offset + base, ..error })?;
            let (number, wanted) = match around.first() {
                Some(number) => (*number, WireType::Bytes),
                None => (self.number, self.kind.wire_type()),
            };
            if field.number != number {
                continue;
            }
            if wire_of(field.value) != wanted {
                let offset = base + field.offset;
                return Err(wrong_wire(input, offset, number, wanted, field.value, self.name.to_string()));
            }
            match (around.split_first(), field.value) {
                (Some((_, inner)), RawValue::Bytes(bytes)) => {
                    found = self.find(input, bytes, inner)?.or(found);
                }
                _ => found = Some(field.value),
            }
        }
        Ok(found)
    }
}

/// Appends a field with an integer, enum number or boolean; nothing for a field of another type.
pub fn write_integer(field: &Field, value: i64, out: &mut Vec<u8>) {
    append_integer(field.number, field.kind, value, out);
}

/// Appends a field with a string, bytes or a message's bytes; nothing for a field of another type.
pub fn write_bytes(field: &Field, value: &[u8], out: &mut Vec<u8>) {
    if field.kind.wire_type() == WireType::Bytes {
        append_bytes(field.number, value, out);
    }
}

fn append_integer(number: u32, kind: Kind, value: i64, out: &mut Vec<u8>) {
    let key = u64::from(number << 3 | kind.wire_type().bits());
    match kind {
        Kind::Sint32 | Kind::Sint64 => {
            write_varint(key, out);
            write_varint(zigzag(value), out);
        }
        Kind::Fixed32 | Kind::Sfixed32 => {
            write_varint(key, out);
            out.extend_from_slice(&(value as u32).to_le_bytes());
        }
        Kind::Fixed64 | Kind::Sfixed64 => {
            write_varint(key, out);
            out.extend_from_slice(&value.to_le_bytes());
        }
        kind if kind.wire_type() == WireType::Varint => {
            write_varint(key, out);
            write_varint(value as u64, out);
        }
        _ => {}
    }
}

fn append_bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    write_varint((number << 3 | WireType::Bytes.bits()).into(), out);
    write_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

fn integer_of(kind: Kind, value: RawValue<'_>) -> Option<i64> {
    Some(match (kind, value) {
        (Kind::Int32 | Kind::Enum(_), RawValue::Varint(value)) => (value as i32).into(),
        (Kind::Uint32, RawValue::Varint(value)) => (value as u32).into(),
        (Kind::Int64 | Kind::Uint64, RawValue::Varint(value)) => value as i64,
        (Kind::Sint32, RawValue::Varint(value)) => unzigzag((value as u32).into()),
        (Kind::Sint64, RawValue::Varint(value)) => unzigzag(value),
        (Kind::Bool, RawValue::Varint(value)) => i64::from(value != 0),
        (Kind::Fixed32, RawValue::Fixed32(value)) => value.into(),
        (Kind::Sfixed32, RawValue::Fixed32(value)) => (value as i32).into(),
        (Kind::Fixed64 | Kind::Sfixed64, RawValue::Fixed64(value)) => value as i64,
        _ => return None,
    })
}

fn wire_of(value: RawValue<'_>) -> WireType {
    match value {
        RawValue::Varint(_) => WireType::Varint,
        RawValue::Fixed64(_) => WireType::Fixed64,
        RawValue::Bytes(_) => WireType::Bytes,
        RawValue::Group(_) => WireType::GroupStart,
        RawValue::Fixed32(_) => WireType::Fixed32,
    }
}

#[cold]
fn wrong_wire(
    input: &[u8],
    offset: usize,
    number: u32,
    wanted: WireType,
    found: RawValue<'_>,
    place: String,
) -> DecodeError {
    let kind = DecodeErrorKind::WireType { number, wanted: wanted.name(), found: wire_of(found).name() };
    Failure::new(kind, &input[offset..]).placed(input, place)
}

#[cold]
fn no_field(message: &MessageDef, name: &str) -> EnvelopeError {
    let nearest = message.nearest(name).map(Into::into);
    EnvelopeError::NoField { message: message.name.clone(), field: name.into(), nearest }
}
