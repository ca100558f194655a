//! The encoder: one pass over a [`Source`], straight into the output, lengths patched in afterwards.

use std::borrow::Cow;

use crate::bits::Bits;
use crate::schema::{EnumDef, Field, Kind, MessageDef, MessageId, Repeat, Schema};
use crate::source::{Place, Source};
use crate::wire::{WireType, begin_length, finish_length, write_varint, zigzag};
use crate::{MAX_DEPTH, MAX_MESSAGE};

/// Why a message could not be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A value of the wrong type.
    #[error("{} is not {wanted} (it is {found})", named(.place))]
    WrongType {
        /// `Message.field[index]`, the index from 1; none until the encoder has filled it in.
        place: Option<Box<str>>,
        /// What the schema asks for, with its article.
        wanted: &'static str,
        /// What was there, with its article.
        found: Cow<'static, str>,
    },
    /// An integer that its field cannot hold.
    #[error("{} cannot hold {value}: it is {kind}", named(.place))]
    OutOfRange {
        /// As in [`EncodeError::WrongType`].
        place: Option<Box<str>>,
        /// The number.
        value: i128,
        /// The type of the field.
        kind: &'static str,
    },
    /// A name that an enum does not have.
    #[error("{} has no value `{name}` in {ty}{}", named(.place), crate::schema::suggested(.nearest))]
    UnknownName {
        /// As in [`EncodeError::WrongType`].
        place: Option<Box<str>>,
        /// The name.
        name: Box<str>,
        /// The enum's full name.
        ty: Box<str>,
        /// A name of it that may be meant.
        nearest: Option<Box<str>>,
    },
    /// A string that must be UTF-8.
    #[error("{} is no UTF-8 text: a field of type bytes may hold it", named(.place))]
    NotUtf8 {
        /// As in [`EncodeError::WrongType`].
        place: Option<Box<str>>,
    },
    /// A required field that is absent.
    #[error("{place} is required, but absent")]
    Required {
        /// `Message.field`.
        place: Box<str>,
    },
    /// Two fields of a oneof.
    #[error("{place} is set, but another field of oneof `{oneof}` is too")]
    OneofTwice {
        /// `Message.field`.
        place: Box<str>,
        /// The oneof.
        oneof: Box<str>,
    },
    /// Messages nested too deeply, as in a tree that holds itself.
    #[error("the message nests more than {MAX_DEPTH} messages")]
    TooDeep,
    /// The message is too long.
    #[error("the message is larger than {MAX_MESSAGE} bytes")]
    TooLarge,
}

impl EncodeError {
    /// A refusal by a [`Source`]; both names carry their article (`an integer`, `a string`).
    #[must_use]
    pub fn wrong_type(wanted: &'static str, found: impl Into<Cow<'static, str>>) -> EncodeError {
        EncodeError::WrongType { place: None, wanted, found: found.into() }
    }

    /// A refusal by a [`Source`] of a name that `ty` does not have.
    #[must_use]
    pub fn unknown_name(ty: &EnumDef, name: &[u8]) -> EncodeError {
        let name = String::from_utf8_lossy(name);
        let nearest = ty.nearest(&name).map(Into::into);
        EncodeError::UnknownName { place: None, name: name.into(), ty: ty.name.clone(), nearest }
    }

    /// A refusal of an integer that does not fit.
    #[must_use]
    pub fn out_of_range(value: impl Into<i128>, kind: &'static str) -> EncodeError {
        EncodeError::OutOfRange { place: None, value: value.into(), kind }
    }

    /// Fills in where the refused value stands, unless that is known already.
    #[must_use]
    pub fn at(mut self, at: &Place<'_>) -> EncodeError {
        if let EncodeError::WrongType { place, .. }
        | EncodeError::OutOfRange { place, .. }
        | EncodeError::UnknownName { place, .. }
        | EncodeError::NotUtf8 { place } = &mut self
        {
            place.get_or_insert_with(|| at.to_string().into());
        }
        self
    }
}

fn named(place: &Option<Box<str>>) -> &str {
    place.as_deref().unwrap_or("the value")
}

/// Appends the message of type `message` that `source` holds to `out`. On an error `out` is as it was.
///
/// # Errors
/// A value the schema does not allow, a message that is too deep or too large, or what the source fails with.
pub fn encode<S: Source>(
    schema: &Schema,
    message: MessageId,
    source: &mut S,
    out: &mut Vec<u8>,
) -> Result<(), S::Error> {
    let start = out.len();
    let mut encoder = Encoder { schema, out, start, depth: 0 };
    let message = schema.message(message);
    let done = encoder.message(Place::message(message), message, source);
    if done.is_err() {
        out.truncate(start);
    }
    done
}

struct Encoder<'s, 'o> {
    schema: &'s Schema,
    out: &'o mut Vec<u8>,
    start: usize,
    depth: u32,
}

// Unoptimised builds do not inline, as the frames of messages within messages would fill a thread's stack.
impl<'s> Encoder<'s, '_> {
    /// The fields of the current value, a message of type `message` that stands at `at`.
    fn message<S: Source>(
        &mut self,
        at: Place<'_>,
        message: &'s MessageDef,
        source: &mut S,
    ) -> Result<(), S::Error> {
        source.expect_message().map_err(|error| S::locate(error, &at))?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(EncodeError::TooDeep.into());
        }
        let mut set = Bits::new(message.oneofs.len());
        for field in &message.fields {
            if source.enter_field(field)? {
                if let Some(oneof) = field.oneof
                    && set.insert(usize::from(oneof))
                {
                    return Err(set_twice(message, field, usize::from(oneof)).into());
                }
                self.field(Place::field(message, field), field, source)?;
                source.leave();
            } else if field.required {
                let place = Place::field(message, field).to_string().into();
                return Err(EncodeError::Required { place }.into());
            }
        }
        self.depth -= 1;
        Ok(self.check_size()?)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn field<S: Source>(&mut self, at: Place<'_>, field: &'s Field, source: &mut S) -> Result<(), S::Error> {
        match field.repeat {
            Repeat::One if field.presence => {
                write_varint(field.key.into(), self.out);
                self.value(at, field.kind, field.number, source)
            }
            Repeat::One => self.unless_zero(at, field, source),
            Repeat::Array { packed: true } => self.packed(at, field, source),
            Repeat::Array { packed: false } => self.array(at, field, source),
            Repeat::Map { key } => self.map(at, field, key, source),
        }
    }

    /// A field that stands on the wire only if it is not its type's zero.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn unless_zero<S: Source>(
        &mut self,
        at: Place<'_>,
        field: &'s Field,
        source: &mut S,
    ) -> Result<(), S::Error> {
        let start = self.out.len();
        write_varint(field.key.into(), self.out);
        let value = self.out.len();
        self.value(at, field.kind, field.number, source)?;
        // A zero of any type has only zero bytes, and no other value has; a message is never without presence.
        if self.out[value..].iter().all(|byte| *byte == 0) {
            self.out.truncate(start);
        }
        Ok(())
    }

    /// The current value, without its key.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn value<S: Source>(
        &mut self,
        at: Place<'_>,
        kind: Kind,
        number: u32,
        source: &mut S,
    ) -> Result<(), S::Error> {
        let out = &mut *self.out;
        match kind {
            Kind::Int32 | Kind::Int64 => {
                let value = signed(at, kind, source)?;
                write_varint(value as u64, out);
            }
            Kind::Sint32 | Kind::Sint64 => {
                let value = signed(at, kind, source)?;
                write_varint(zigzag(value), out);
            }
            Kind::Uint32 | Kind::Uint64 => {
                let value = unsigned(at, kind, source)?;
                write_varint(value, out);
            }
            Kind::Sfixed32 => out.extend_from_slice(&(signed(at, kind, source)? as i32).to_le_bytes()),
            Kind::Sfixed64 => out.extend_from_slice(&signed(at, kind, source)?.to_le_bytes()),
            Kind::Fixed32 => out.extend_from_slice(&(unsigned(at, kind, source)? as u32).to_le_bytes()),
            Kind::Fixed64 => out.extend_from_slice(&unsigned(at, kind, source)?.to_le_bytes()),
            Kind::Double => {
                let value = source.double().map_err(|error| S::locate(error, &at))?;
                out.extend_from_slice(&value.to_le_bytes());
            }
            Kind::Float => {
                let value = source.double().map_err(|error| S::locate(error, &at))?;
                out.extend_from_slice(&(value as f32).to_le_bytes());
            }
            Kind::Bool => {
                let value = source.boolean().map_err(|error| S::locate(error, &at))?;
                out.push(u8::from(value));
            }
            Kind::Enum(id) => {
                let ty = self.schema.enumeration(id);
                let value = source.enumeration(ty).map_err(|error| S::locate(error, &at))?;
                write_varint(i64::from(value) as u64, out);
            }
            Kind::String { .. } | Kind::Bytes => {
                let start = begin_length(out);
                source.bytes(out).map_err(|error| S::locate(error, &at))?;
                if kind == (Kind::String { utf8: true }) && std::str::from_utf8(&out[start..]).is_err() {
                    return Err(EncodeError::NotUtf8 { place: None }.at(&at).into());
                }
                finish_length(start, out);
            }
            Kind::Message(id) => {
                let start = begin_length(out);
                self.message(at, self.schema.message(id), source)?;
                finish_length(start, self.out);
            }
            Kind::Group(id) => {
                self.message(at, self.schema.message(id), source)?;
                write_varint((number << 3 | WireType::GroupEnd.bits()).into(), self.out);
            }
        }
        Ok(())
    }

    fn packed<S: Source>(&mut self, at: Place<'_>, field: &'s Field, source: &mut S) -> Result<(), S::Error> {
        let start = self.out.len();
        write_varint(field.key.into(), self.out);
        let elements = begin_length(self.out);
        self.elements(at, source, |encoder, source, index| {
            encoder.value(at.element(index), field.kind, field.number, source)
        })?;
        if self.out.len() == elements {
            self.out.truncate(start);
        } else {
            finish_length(elements, self.out);
        }
        Ok(())
    }

    fn array<S: Source>(&mut self, at: Place<'_>, field: &'s Field, source: &mut S) -> Result<(), S::Error> {
        self.elements(at, source, |encoder, source, index| {
            write_varint(field.key.into(), encoder.out);
            encoder.value(at.element(index), field.kind, field.number, source)
        })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn elements<S: Source>(
        &mut self,
        at: Place<'_>,
        source: &mut S,
        mut element: impl FnMut(&mut Self, &mut S, usize) -> Result<(), S::Error>,
    ) -> Result<(), S::Error> {
        source.expect_array().map_err(|error| S::locate(error, &at))?;
        let mut index = 0;
        while source.enter_element(index).map_err(|error| S::locate(error, &at))? {
            element(self, source, index)?;
            source.leave();
            // A source may have no end.
            self.check_size()?;
            index += 1;
        }
        Ok(())
    }

    /// Each entry is a message of a key (1) and a value (2), both of which are always written.
    fn map<S: Source>(
        &mut self,
        at: Place<'_>,
        field: &'s Field,
        key: Kind,
        source: &mut S,
    ) -> Result<(), S::Error> {
        source.expect_map().map_err(|error| S::locate(error, &at))?;
        let mut index = 0;
        while source.next_entry(index == 0).map_err(|error| S::locate(error, &at))? {
            let at = at.element(index);
            write_varint(field.key.into(), self.out);
            let start = begin_length(self.out);
            self.out.push(1 << 3 | key.wire_type().bits() as u8);
            source.enter_entry_key()?;
            self.value(at, key, 1, source)?;
            source.leave();
            self.out.push(2 << 3 | field.kind.wire_type().bits() as u8);
            source.enter_entry_value()?;
            self.value(at, field.kind, 2, source)?;
            source.leave();
            finish_length(start, self.out);
            self.check_size()?;
            index += 1;
        }
        source.leave_entries();
        Ok(())
    }

    #[inline]
    fn check_size(&self) -> Result<(), EncodeError> {
        if self.out.len() - self.start > MAX_MESSAGE { Err(EncodeError::TooLarge) } else { Ok(()) }
    }
}

#[cold]
fn set_twice(message: &MessageDef, field: &Field, oneof: usize) -> EncodeError {
    EncodeError::OneofTwice {
        place: Place::field(message, field).to_string().into(),
        oneof: message.oneofs[oneof].name.clone(),
    }
}

#[inline(always)]
fn signed<S: Source>(at: Place<'_>, kind: Kind, source: &mut S) -> Result<i64, S::Error> {
    let value = source.integer().map_err(|error| S::locate(error, &at))?;
    let is_narrow = matches!(kind, Kind::Int32 | Kind::Sint32 | Kind::Sfixed32);
    if is_narrow && i32::try_from(value).is_err() {
        return Err(EncodeError::out_of_range(value, "a 32-bit integer").at(&at).into());
    }
    Ok(value)
}

#[inline(always)]
fn unsigned<S: Source>(at: Place<'_>, kind: Kind, source: &mut S) -> Result<u64, S::Error> {
    let value = source.unsigned().map_err(|error| S::locate(error, &at))?;
    let is_narrow = matches!(kind, Kind::Uint32 | Kind::Fixed32);
    if is_narrow && u32::try_from(value).is_err() {
        return Err(too_wide(value).at(&at).into());
    }
    Ok(value)
}

/// A tree with signed integers only gave a negative one as its bits, and that is how its user knows it.
#[cold]
fn too_wide(value: u64) -> EncodeError {
    let shown = if value > i64::MAX as u64 { i128::from(value as i64) } else { i128::from(value) };
    EncodeError::out_of_range(shown, "an unsigned 32-bit integer")
}
