//! The decoder: one pass over the bytes, a table of the type's fields by number beside it.

mod error;

pub use error::{DecodeError, DecodeErrorKind};

use crate::MAX_DEPTH;
use crate::bits::Bits;
use crate::schema::{DefaultValue, Field, Kind, MessageDef, MessageId, Repeat, Schema};
use crate::sink::Sink;
use crate::source::Place;
use crate::wire::{Failure, RawValue, Reader, WireType, count_varints, unzigzag};

/// What is told to a sink of fields that are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Defaults {
    /// Nothing.
    #[default]
    Leave,
    /// What they read as, where the schema writes a default or absence means zero (proto3 without `optional`).
    Scalars,
    /// The same, and empty arrays and maps.
    All,
}

/// What was met in a message beside its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decoded {
    /// Fields that the schema does not know; they were stepped over.
    pub unknown: u32,
    /// Required fields that were absent.
    pub missing: u32,
}

/// Decodes a message of type `message`, which is all of `bytes`.
///
/// As with most decoders, required fields may be absent and strings need not be UTF-8; arrays of numbers may be packed or
/// not whatever the schema says.
///
/// # Errors
/// Bytes that are no such message, or what the sink fails with.
pub fn decode<S: Sink>(
    schema: &Schema,
    message: MessageId,
    bytes: &[u8],
    defaults: Defaults,
    sink: &mut S,
) -> Result<Decoded, S::Error> {
    let mut decoder = Decoder { schema, input: bytes, defaults, decoded: Decoded::default() };
    let message = schema.message(message);
    sink.begin_message(message)?;
    decoder.fields(
        message,
        &mut Reader::new(bytes),
        Frame { depth: 1, group: None, resumed: false },
        sink,
    )?;
    sink.end_message()?;
    Ok(decoder.decoded)
}

/// `input` is the whole of it, so that errors tell positions in it.
struct Decoder<'a> {
    schema: &'a Schema,
    input: &'a [u8],
    defaults: Defaults,
    decoded: Decoded,
}

/// How a message stands in the one around it.
#[derive(Clone, Copy)]
struct Frame {
    depth: u32,
    /// The number of the group whose end ends it.
    group: Option<u32>,
    /// Whether it goes on where an earlier part of it ended, so that only the sink knows what is set.
    resumed: bool,
}

/// An array or map that goes on as long as the same field follows.
#[derive(Clone, Copy)]
struct Open<'s> {
    field: &'s Field,
    index: usize,
    /// Elements so far.
    count: usize,
}

impl<'a> Decoder<'a> {
    /// The fields of a message that the sink has open.
    fn fields<S: Sink>(
        &mut self,
        message: &'a MessageDef,
        reader: &mut Reader<'a>,
        frame: Frame,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let mut seen = Bits::new(message.fields.len() + message.oneofs.len());
        let mut open: Option<Open<'a>> = None;
        loop {
            let start = reader.rest();
            if start.is_empty() {
                match frame.group {
                    Some(group) => {
                        let failure = Failure::new(DecodeErrorKind::GroupTruncated(group), start);
                        return Err(self.failed(failure, Place::message(message)).into());
                    }
                    None => break,
                }
            }
            let (number, wire) =
                reader.key().map_err(|failure| self.failed(failure, Place::message(message)))?;
            if wire == WireType::GroupEnd {
                if frame.group == Some(number) {
                    break;
                }
                let failure = Failure::new(DecodeErrorKind::GroupEnd(number), start);
                return Err(self.failed(failure, Place::message(message)).into());
            }
            let Some(index) = message.index_of(number) else {
                close(&mut open, sink)?;
                self.unknown(message, number, wire, start, reader, sink)?;
                continue;
            };
            let field = &message.fields[index];
            match field.repeat {
                Repeat::One => {
                    close(&mut open, sink)?;
                    let was = seen.insert(index) || frame.resumed;
                    if let Some(oneof) = field.oneof {
                        clear_others(message, index, usize::from(oneof), frame, &mut seen, sink)?;
                    }
                    let at = Place::field(message, field);
                    self.expect(at, field, wire, start)?;
                    self.one(at, field, was, frame.depth, reader, sink)?;
                    sink.set_field(field)?;
                }
                Repeat::Array { .. } | Repeat::Map { .. } => {
                    let at = Place::field(message, field);
                    if open.as_ref().is_none_or(|open| open.index != index) {
                        close(&mut open, sink)?;
                        let was = seen.insert(index) || frame.resumed;
                        let count = self.open(field, was, start, wire, reader, sink)?;
                        open = Some(Open { field, index, count });
                    }
                    if let Some(open) = &mut open {
                        self.more(at, open, start, wire, frame.depth, reader, sink)?;
                    }
                }
            }
        }
        close(&mut open, sink)?;
        if !frame.resumed && (message.required > 0 || self.defaults != Defaults::Leave) {
            self.absent(message, &seen, sink)?;
        }
        Ok(())
    }

    /// A value of a field that holds one at most, as a finished value.
    #[inline]
    fn one<S: Sink>(
        &mut self,
        at: Place<'_>,
        field: &'a Field,
        was: bool,
        depth: u32,
        reader: &mut Reader<'a>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        match field.kind {
            Kind::Message(id) | Kind::Group(id) => {
                let resumed = was && sink.resume(field)?.is_some();
                self.nested(at, field.kind, id, field.number, resumed, depth, reader, sink)
            }
            kind => self.scalar(at, kind, reader, sink),
        }
    }

    /// A message or group behind its key, which the sink has open already if it is `resumed`.
    #[inline]
    #[allow(clippy::too_many_arguments)] // all but two are handed through
    fn nested<S: Sink>(
        &mut self,
        at: Place<'_>,
        kind: Kind,
        id: MessageId,
        number: u32,
        resumed: bool,
        depth: u32,
        reader: &mut Reader<'a>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        if depth >= MAX_DEPTH {
            return Err(self.failed(Failure::new(DecodeErrorKind::TooDeep, reader.rest()), at).into());
        }
        let message = self.schema.message(id);
        if !resumed {
            sink.begin_message(message)?;
        }
        let depth = depth + 1;
        if let Kind::Group(_) = kind {
            self.fields(message, reader, Frame { depth, group: Some(number), resumed }, sink)?;
        } else {
            let bytes = reader.bytes().map_err(|failure| self.failed(failure, at))?;
            self.fields(message, &mut Reader::new(bytes), Frame { depth, group: None, resumed }, sink)?;
        }
        sink.end_message()
    }

    #[inline]
    fn scalar<S: Sink>(
        &mut self,
        at: Place<'_>,
        kind: Kind,
        reader: &mut Reader<'a>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let failed = |failure| self.failed(failure, at);
        match kind {
            Kind::Int32 => sink.integer((reader.varint().map_err(failed)? as i32).into()),
            Kind::Int64 => sink.integer(reader.varint().map_err(failed)? as i64),
            Kind::Uint32 => sink.unsigned((reader.varint().map_err(failed)? as u32).into()),
            Kind::Uint64 => sink.unsigned(reader.varint().map_err(failed)?),
            Kind::Sint32 => sink.integer(unzigzag((reader.varint().map_err(failed)? as u32).into())),
            Kind::Sint64 => sink.integer(unzigzag(reader.varint().map_err(failed)?)),
            Kind::Fixed32 => sink.unsigned(reader.fixed32().map_err(failed)?.into()),
            Kind::Fixed64 => sink.unsigned(reader.fixed64().map_err(failed)?),
            Kind::Sfixed32 => sink.integer((reader.fixed32().map_err(failed)? as i32).into()),
            Kind::Sfixed64 => sink.integer(reader.fixed64().map_err(failed)? as i64),
            Kind::Float => sink.double(f32::from_bits(reader.fixed32().map_err(failed)?).into()),
            Kind::Double => sink.double(f64::from_bits(reader.fixed64().map_err(failed)?)),
            Kind::Bool => sink.boolean(reader.varint().map_err(failed)? != 0),
            Kind::String { .. } => sink.string(reader.bytes().map_err(failed)?),
            Kind::Bytes => sink.bytes(reader.bytes().map_err(failed)?),
            Kind::Enum(id) => {
                let number = reader.varint().map_err(failed)? as i32;
                let ty = self.schema.enumeration(id);
                sink.enumeration(ty, number, ty.value_of(number))
            }
            Kind::Message(_) | Kind::Group(_) => Ok(()),
        }
    }

    /// Opens an array or map for what stands behind the key that begins at `start`; returns how many elements it has.
    fn open<S: Sink>(
        &mut self,
        field: &'a Field,
        was: bool,
        start: &'a [u8],
        wire: WireType,
        reader: &Reader<'a>,
        sink: &mut S,
    ) -> Result<usize, S::Error> {
        if was && let Some(count) = sink.resume(field)? {
            return Ok(count);
        }
        match field.repeat {
            Repeat::Map { .. } => sink.begin_map(field)?,
            _ => sink.begin_array(field, count_elements(field, start, wire, *reader))?,
        }
        Ok(0)
    }

    /// What stands behind a key of the open array or map.
    #[inline]
    #[allow(clippy::too_many_arguments)] // all are handed through
    fn more<S: Sink>(
        &mut self,
        at: Place<'_>,
        open: &mut Open<'a>,
        start: &'a [u8],
        wire: WireType,
        depth: u32,
        reader: &mut Reader<'a>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let field = open.field;
        if let Repeat::Map { key } = field.repeat {
            self.expect_wire(at, WireType::Bytes, wire, field.number, start)?;
            self.entry(at.element(open.count), field, key, depth, reader, sink)?;
            open.count += 1;
            return sink.set_entry(field);
        }
        if wire == WireType::Bytes && field.kind.is_packable() {
            return self.packed(at, open, reader, sink);
        }
        let at = at.element(open.count);
        self.expect(at, field, wire, start)?;
        match field.kind {
            Kind::Message(id) | Kind::Group(id) => {
                self.nested(at, field.kind, id, field.number, false, depth, reader, sink)?;
            }
            kind => self.scalar(at, kind, reader, sink)?,
        }
        sink.push_element(open.count)?;
        open.count += 1;
        Ok(())
    }

    fn packed<S: Sink>(
        &mut self,
        at: Place<'_>,
        open: &mut Open<'a>,
        reader: &mut Reader<'a>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let bytes = reader.bytes().map_err(|failure| self.failed(failure, at))?;
        if let Some(width) = width(open.field.kind)
            && bytes.len() % width != 0
        {
            let kind = DecodeErrorKind::PackedLength { length: bytes.len(), width };
            return Err(self.failed(Failure::new(kind, bytes), at).into());
        }
        let mut elements = Reader::new(bytes);
        while !elements.is_empty() {
            self.scalar(at.element(open.count), open.field.kind, &mut elements, sink)?;
            sink.push_element(open.count)?;
            open.count += 1;
        }
        Ok(())
    }

    /// An entry of a map: a message of a key (1) and a value (2), either of which may be absent, in any order.
    fn entry<S: Sink>(
        &mut self,
        at: Place<'_>,
        field: &'a Field,
        key: Kind,
        depth: u32,
        reader: &mut Reader<'a>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let failed = |failure| self.failed(failure, at);
        let mut rest = Reader::new(reader.bytes().map_err(failed)?);
        let (mut key_at, mut value_at, mut unknown) = (None, None, 0);
        while !rest.is_empty() {
            let start = rest.rest();
            let (number, wire) = rest.key().map_err(failed)?;
            let value = rest;
            rest.value(number, wire, start).map_err(failed)?;
            match number {
                1 => key_at = Some((value, wire, start)),
                2 => value_at = Some((value, wire, start)),
                _ => unknown += 1,
            }
        }
        self.decoded.unknown = self.decoded.unknown.saturating_add(unknown);
        for (kind, part, number) in [(key, key_at, 1), (field.kind, value_at, 2)] {
            let Some((mut value, wire, start)) = part else {
                self.zero(kind, sink)?;
                continue;
            };
            self.expect_wire(at, kind.wire_type(), wire, number, start)?;
            match kind {
                Kind::Message(id) | Kind::Group(id) => {
                    self.nested(at, kind, id, number, false, depth, &mut value, sink)?;
                }
                kind => self.scalar(at, kind, &mut value, sink)?,
            }
        }
        Ok(())
    }

    /// The zero of a type as a finished value.
    fn zero<S: Sink>(&mut self, kind: Kind, sink: &mut S) -> Result<(), S::Error> {
        match kind {
            Kind::Double | Kind::Float => sink.double(0.0),
            Kind::Int32 | Kind::Int64 | Kind::Sint32 | Kind::Sint64 | Kind::Sfixed32 | Kind::Sfixed64 => {
                sink.integer(0)
            }
            Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64 => sink.unsigned(0),
            Kind::Bool => sink.boolean(false),
            Kind::String { .. } => sink.string(b""),
            Kind::Bytes => sink.bytes(b""),
            Kind::Enum(id) => {
                let ty = self.schema.enumeration(id);
                let first = ty.values.first();
                sink.enumeration(ty, first.map_or(0, |value| value.number), first)
            }
            Kind::Message(id) | Kind::Group(id) => {
                let message = self.schema.message(id);
                sink.begin_message(message)?;
                self.absent(message, &Bits::new(message.fields.len()), sink)?;
                sink.end_message()
            }
        }
    }

    /// Counts the required fields that are absent and tells the defaults of fields that are.
    fn absent<S: Sink>(
        &mut self,
        message: &'a MessageDef,
        seen: &Bits,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        for (index, field) in message.fields.iter().enumerate() {
            if seen.contains(index) {
                continue;
            }
            self.decoded.missing = self.decoded.missing.saturating_add(u32::from(field.required));
            if self.default(field, sink)? {
                sink.set_field(field)?;
            }
        }
        Ok(())
    }

    /// The default of an absent field as a finished value, if it is to be told.
    fn default<S: Sink>(&mut self, field: &'a Field, sink: &mut S) -> Result<bool, S::Error> {
        match field.repeat {
            Repeat::One if self.defaults < Defaults::Scalars => return Ok(false),
            Repeat::One if field.oneof.is_some() => return Ok(false),
            Repeat::One if field.presence && !field.has_written_default => return Ok(false),
            Repeat::One => {}
            Repeat::Array { .. } | Repeat::Map { .. } if self.defaults < Defaults::All => return Ok(false),
            Repeat::Array { .. } => {
                sink.begin_array(field, 0)?;
                sink.end_array()?;
                return Ok(true);
            }
            Repeat::Map { .. } => {
                sink.begin_map(field)?;
                sink.end_map()?;
                return Ok(true);
            }
        }
        match (&field.default, field.kind) {
            (Some(DefaultValue::Integer(value)), _) => sink.integer(*value)?,
            (Some(DefaultValue::Unsigned(value)), _) => sink.unsigned(*value)?,
            (Some(DefaultValue::Double(value)), _) => sink.double(*value)?,
            (Some(DefaultValue::Boolean(value)), _) => sink.boolean(*value)?,
            (Some(DefaultValue::String(value)), _) => sink.string(value)?,
            (Some(DefaultValue::Bytes(value)), _) => sink.bytes(value)?,
            (Some(DefaultValue::Enum(number)), Kind::Enum(id)) => {
                let ty = self.schema.enumeration(id);
                sink.enumeration(ty, *number, ty.value_of(*number))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[inline(never)]
    fn unknown<S: Sink>(
        &mut self,
        message: &MessageDef,
        number: u32,
        wire: WireType,
        start: &'a [u8],
        reader: &mut Reader<'a>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let value = reader.value(number, wire, start);
        let value: RawValue<'a> = value.map_err(|failure| self.failed(failure, Place::message(message)))?;
        self.decoded.unknown = self.decoded.unknown.saturating_add(1);
        sink.unknown_field(message, number, value)
    }

    #[inline(always)]
    fn expect(
        &self,
        at: Place<'_>,
        field: &Field,
        found: WireType,
        start: &'a [u8],
    ) -> Result<(), DecodeError> {
        self.expect_wire(at, field.kind.wire_type(), found, field.number, start)
    }

    #[inline(always)]
    fn expect_wire(
        &self,
        at: Place<'_>,
        wanted: WireType,
        found: WireType,
        number: u32,
        start: &'a [u8],
    ) -> Result<(), DecodeError> {
        if wanted == found {
            return Ok(());
        }
        let kind = DecodeErrorKind::WireType { number, wanted: wanted.name(), found: found.name() };
        Err(self.failed(Failure::new(kind, start), at))
    }

    #[cold]
    #[allow(clippy::boxed_local)] // it comes in a box, so that the way here is a pointer
    fn failed(&self, failure: Box<Failure>, at: Place<'_>) -> DecodeError {
        failure.placed(self.input, at.to_string())
    }
}

/// Ends the open array or map and sets its field.
#[inline(always)]
fn close<S: Sink>(open: &mut Option<Open<'_>>, sink: &mut S) -> Result<(), S::Error> {
    let Some(Open { field, .. }) = open.take() else { return Ok(()) };
    match field.repeat {
        Repeat::Map { .. } => sink.end_map()?,
        _ => sink.end_array()?,
    }
    sink.set_field(field)
}

/// Of a oneof the last field counts.
fn clear_others<S: Sink>(
    message: &MessageDef,
    index: usize,
    oneof: usize,
    frame: Frame,
    seen: &mut Bits,
    sink: &mut S,
) -> Result<(), S::Error> {
    if !seen.insert(message.fields.len() + oneof) && !frame.resumed {
        return Ok(());
    }
    for other in message.oneofs[oneof].fields.iter().map(|other| usize::from(*other)) {
        if other != index && (frame.resumed || seen.contains(other)) {
            seen.remove(other);
            sink.clear_field(&message.fields[other])?;
        }
    }
    Ok(())
}

/// Bytes of an element of fixed size.
fn width(kind: Kind) -> Option<usize> {
    match kind.wire_type() {
        WireType::Fixed32 => Some(4),
        WireType::Fixed64 => Some(8),
        _ => None,
    }
}

/// How many elements come next, without another field between them; `reader` is behind the first key. Wrong bytes end
/// the count, as they are told when they are decoded.
fn count_elements(field: &Field, start: &[u8], wire: WireType, mut reader: Reader<'_>) -> usize {
    if wire == WireType::Bytes && field.kind.is_packable() {
        let Ok(bytes) = reader.bytes() else { return 0 };
        return width(field.kind).map_or_else(|| count_varints(bytes), |width| bytes.len() / width);
    }
    let key = &start[..start.len() - reader.rest().len()];
    let mut count = 0;
    loop {
        if wire == WireType::GroupStart || reader.value(field.number, wire, start).is_err() {
            return count.max(1);
        }
        count += 1;
        let Some(rest) = reader.rest().strip_prefix(key) else { return count };
        reader = Reader::new(rest);
    }
}
