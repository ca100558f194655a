//! The decoder: one pass over the bytes, the type's fields walked in step with the tags.

mod error;

use std::ops::Range;

pub(crate) use error::Fault;
pub use error::{DecodeError, DecodeErrorKind};

use crate::MAX_DEPTH;
use crate::encode::factor;
use crate::records::{Content, LENGTH, RecordReader, block_at};
use crate::schema::{Field, FieldType, Repeat, Schema, TypeDef, TypeId};
use crate::sink::Sink;
use crate::source::Place;

/// Decodes a message of type `ty` from the front of `bytes`; returns how many were used. Tags the type does not know
/// are stepped over, and bytes behind the message are left alone.
///
/// # Errors
/// Bytes that are no such message, or what the sink fails with.
pub fn decode<S: Sink>(schema: &Schema, ty: TypeId, bytes: &[u8], sink: &mut S) -> Result<usize, S::Error> {
    let decoder = Decoder { schema, bytes };
    let records = decoder.message(schema.type_def(ty), None, 0..bytes.len(), 1, sink)?;
    Ok(records.position())
}

/// `bytes` is the whole input, so that spans in it are the positions errors tell.
struct Decoder<'a> {
    schema: &'a Schema,
    bytes: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// A message as a finished struct. With `key`, the index of a field, that field must be there.
    fn message<S: Sink>(
        &self,
        ty: &TypeDef,
        key: Option<u16>,
        span: Range<usize>,
        depth: u32,
        sink: &mut S,
    ) -> Result<RecordReader<'a>, S::Error> {
        let start = span.start;
        let failed = |fault: Fault| fault.at(&Place::message(ty));
        let mut records = RecordReader::open(self.bytes, span).map_err(failed)?;
        let mut key_missing = key.is_some();
        let mut index = 0;
        sink.begin_struct(ty)?;
        while let Some((tag, content)) = records.next().map_err(failed)? {
            while ty.fields.get(index).is_some_and(|field| u32::from(field.tag) < tag) {
                index += 1;
            }
            let Some(field) = ty.fields.get(index).filter(|field| u32::from(field.tag) == tag) else {
                continue;
            };
            // As in the reference, a struct one level too deep passes while it has no field of its own.
            if depth > MAX_DEPTH {
                return Err(failed(Fault::new(DecodeErrorKind::TooDeep, start)).into());
            }
            self.field(Place::field(ty, field), field, content, depth, sink)?;
            sink.set_field(field)?;
            key_missing &= key.map(usize::from) != Some(index);
        }
        if key_missing {
            return Err(failed(Fault::new(DecodeErrorKind::MissingKey, start)).into());
        }
        sink.end_struct()?;
        Ok(records)
    }

    #[inline]
    fn field<S: Sink>(
        &self,
        at: Place<'_>,
        field: &Field,
        content: Content,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        match field.repeat {
            Repeat::One => return self.one(at, field.ty, content, depth, sink),
            Repeat::Array | Repeat::MapByKey { .. } | Repeat::MapPair { .. } => {}
        }
        let block = content.block().map_err(|fault| fault.at(&at))?;
        match field.repeat {
            Repeat::MapByKey { key } => self.keyed_map(at, field, key, block, depth, sink),
            Repeat::MapPair { .. } => self.pair_map(at, field, block, depth, sink),
            Repeat::Array | Repeat::One => self.array(at, field, block, depth, sink),
        }
    }

    #[inline]
    fn one<S: Sink>(
        &self,
        at: Place<'_>,
        ty: FieldType,
        content: Content,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        match ty {
            FieldType::Integer => sink.integer(self.integer(content).map_err(|fault| fault.at(&at))?),
            FieldType::Fixed { digits } => {
                let scaled = self.integer(content).map_err(|fault| fault.at(&at))?;
                sink.double(scaled as f64 / factor(digits))
            }
            FieldType::Boolean => match content {
                Content::Inline { value, .. } => sink.boolean(value != 0),
                Content::Block(block) => Err(Fault::new(DecodeErrorKind::Block, block.start).at(&at).into()),
            },
            FieldType::Double => {
                let value = self.double(content).map_err(|fault| fault.at(&at))?;
                sink.double(value)
            }
            FieldType::String | FieldType::Binary | FieldType::Struct(_) => {
                let block = content.block().map_err(|fault| fault.at(&at))?;
                self.body(at, ty, block, depth, sink)
            }
        }
    }

    /// A string, binary or struct that fills `block`.
    #[inline]
    fn body<S: Sink>(
        &self,
        at: Place<'_>,
        ty: FieldType,
        block: Range<usize>,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        match ty {
            FieldType::Struct(id) => self.nested(at, id, None, block, depth, sink),
            FieldType::Binary => sink.binary(&self.bytes[block]),
            _ => sink.string(&self.bytes[block]),
        }
    }

    fn nested<S: Sink>(
        &self,
        at: Place<'_>,
        id: TypeId,
        key: Option<u16>,
        block: Range<usize>,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let records = self.message(self.schema.type_def(id), key, block, depth + 1, sink)?;
        records.finish().map_err(|fault| fault.at(&at).into())
    }

    fn array<S: Sink>(
        &self,
        at: Place<'_>,
        field: &Field,
        block: Range<usize>,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        match field.ty {
            FieldType::Integer => {
                self.numbers(at, field, block, sink, |sink, bytes| sink.integer(widened(bytes)))?
            }
            FieldType::Fixed { digits } => self.numbers(at, field, block, sink, |sink, bytes| {
                sink.double(widened(bytes) as f64 / factor(digits))
            })?,
            FieldType::Double => self.numbers(at, field, block, sink, |sink, bytes| {
                sink.double(f64::from_bits(widened(bytes) as u64))
            })?,
            FieldType::Boolean => self.booleans(field, block, sink)?,
            FieldType::String | FieldType::Binary | FieldType::Struct(_) => {
                let count = self.count_elements(&block).map_err(|fault| fault.at(&at))?;
                sink.begin_array(field, count)?;
                self.elements(at, block, |at, index, element| {
                    self.body(at, field.ty, element, depth, sink)?;
                    sink.push_element(index)
                })?;
            }
        }
        sink.end_array()
    }

    fn booleans<S: Sink>(&self, field: &Field, block: Range<usize>, sink: &mut S) -> Result<(), S::Error> {
        sink.begin_array(field, block.len())?;
        for (index, byte) in self.bytes[block].iter().enumerate() {
            sink.boolean(*byte != 0)?;
            sink.push_element(index)?;
        }
        Ok(())
    }

    /// A width byte and elements of that width.
    #[inline]
    fn numbers<S: Sink>(
        &self,
        at: Place<'_>,
        field: &Field,
        block: Range<usize>,
        sink: &mut S,
        mut number: impl FnMut(&mut S, &[u8]) -> Result<(), S::Error>,
    ) -> Result<(), S::Error> {
        let (width, elements) = number_array(field.ty, &self.bytes[block.clone()])
            .map_err(|kind| Fault::new(kind, block.start).at(&at))?;
        sink.begin_array(field, elements.len() / width)?;
        for (index, element) in elements.chunks_exact(width).enumerate() {
            number(sink, element)?;
            sink.push_element(index)?;
        }
        Ok(())
    }

    /// `*T(key)`: structs, of which each must hold its key.
    fn keyed_map<S: Sink>(
        &self,
        at: Place<'_>,
        field: &Field,
        key: u16,
        block: Range<usize>,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        sink.begin_map(field)?;
        if let FieldType::Struct(id) = field.ty {
            self.elements(at, block, |at, _, element| {
                self.check_key(at, id, key, element.start)?;
                self.nested(at, id, Some(key), element, depth, sink)?;
                sink.set_entry(field)
            })?;
        }
        sink.end_map()
    }

    /// `*T()`: messages of a key and a value, both of which must be there.
    fn pair_map<S: Sink>(
        &self,
        at: Place<'_>,
        field: &Field,
        block: Range<usize>,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        sink.begin_map(field)?;
        if let FieldType::Struct(id) = field.ty {
            self.elements(at, block, |at, _, element| {
                self.check_key(at, id, 0, element.start)?;
                self.pair(at, self.schema.type_def(id), element, depth + 1, sink)?;
                sink.set_entry(field)
            })?;
        }
        sink.end_map()
    }

    fn pair<S: Sink>(
        &self,
        at: Place<'_>,
        entry: &TypeDef,
        span: Range<usize>,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let start = span.start;
        let failed = |kind| Fault::new(kind, start).at(&at);
        let mut records = RecordReader::open(self.bytes, span).map_err(|fault| fault.at(&at))?;
        let mut fields = entry.fields.iter().peekable();
        while let Some((tag, content)) = records.next().map_err(|fault| fault.at(&at))? {
            match fields.peek() {
                Some(field) if u32::from(field.tag) == tag => {
                    if depth > MAX_DEPTH {
                        return Err(failed(DecodeErrorKind::TooDeep).into());
                    }
                    self.field(Place::field(entry, field), field, content, depth, sink)?;
                    fields.next();
                }
                // The tag of a field was passed by: it is missing.
                Some(field) if u32::from(field.tag) < tag => break,
                _ => {}
            }
        }
        match fields.len() {
            0 => records.finish().map_err(|fault| fault.at(&at).into()),
            1 => Err(failed(DecodeErrorKind::MissingValue).into()),
            _ => Err(failed(DecodeErrorKind::MissingKey).into()),
        }
    }

    fn check_key(&self, at: Place<'_>, id: TypeId, key: u16, offset: usize) -> Result<(), DecodeError> {
        let key = self.schema.type_def(id).fields.get(usize::from(key));
        if key.is_some_and(|key| key.repeat != Repeat::One) {
            return Err(Fault::new(DecodeErrorKind::ArrayKey, offset).at(&at));
        }
        Ok(())
    }

    /// The blocks `span` consists of.
    #[inline]
    fn elements<E: From<DecodeError>>(
        &self,
        at: Place<'_>,
        mut span: Range<usize>,
        mut element: impl FnMut(Place<'_>, usize, Range<usize>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut index = 0;
        while !span.is_empty() {
            let at = at.element(index);
            let block = block_at(self.bytes, span.clone()).map_err(|fault| fault.at(&at))?;
            span.start = block.end;
            element(at, index, block)?;
            index += 1;
        }
        Ok(())
    }

    fn count_elements(&self, span: &Range<usize>) -> Result<usize, Fault> {
        let mut span = span.clone();
        let mut count = 0;
        while !span.is_empty() {
            span.start = block_at(self.bytes, span.clone())?.end;
            count += 1;
        }
        Ok(count)
    }

    #[inline]
    fn integer(&self, content: Content) -> Result<i64, Fault> {
        integer_of(self.bytes, content)
    }

    #[inline]
    fn double(&self, content: Content) -> Result<f64, Fault> {
        let block = content.block()?;
        let offset = block.start - LENGTH;
        match self.bytes[block.clone()].try_into() {
            Ok(bytes) => Ok(f64::from_le_bytes(bytes)),
            // The reference reads the bits of a sign-extended integer there, which is no number anyone wrote.
            Err(_) if block.len() == 4 => Err(Fault::new(DecodeErrorKind::ShortDouble, offset)),
            Err(_) => Err(Fault::new(DecodeErrorKind::NumberLength(block.len()), offset)),
        }
    }
}

/// An integer: inline, or a block of 4 or 8 bytes.
#[inline]
pub(crate) fn integer_of(bytes: &[u8], content: Content) -> Result<i64, Fault> {
    match content {
        Content::Inline { value, .. } => Ok(i64::from(value)),
        Content::Block(block) => match block.len() {
            4 | 8 => Ok(widened(&bytes[block])),
            length => Err(Fault::new(DecodeErrorKind::NumberLength(length), block.start - LENGTH)),
        },
    }
}

/// 4 or 8 bytes as an integer.
#[inline]
fn widened(bytes: &[u8]) -> i64 {
    match bytes.try_into() {
        Ok(bytes) => i64::from_le_bytes(bytes),
        Err(_) => bytes.first_chunk().map_or(0, |bytes| i64::from(i32::from_le_bytes(*bytes))),
    }
}

/// The width and the elements of an array of numbers of type `ty`.
fn number_array(ty: FieldType, block: &[u8]) -> Result<(usize, &[u8]), DecodeErrorKind> {
    // An empty array has no width byte, or nothing but one, of whatever value.
    let Some((width, elements)) = block.split_first().filter(|(_, elements)| !elements.is_empty()) else {
        return Ok((8, &[]));
    };
    let width = match *width {
        4 if ty == FieldType::Double => return Err(DecodeErrorKind::ShortDouble),
        width @ (4 | 8) => usize::from(width),
        width => return Err(DecodeErrorKind::ElementWidth(width)),
    };
    if elements.len() % width != 0 {
        return Err(DecodeErrorKind::ArrayLength { length: elements.len(), width });
    }
    Ok((width, elements))
}
