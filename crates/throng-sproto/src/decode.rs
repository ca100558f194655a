//! The decoder: one pass over the bytes, the type's fields walked in step with the tags.

mod error;

pub use error::{DecodeError, DecodeErrorKind};

use crate::MAX_DEPTH;
use crate::encode::factor;
use crate::reader::{Content, Failure, Reader, cut, expect_end, widened};
use crate::schema::{Field, FieldType, Repeat, Schema, TypeDef, TypeId};
use crate::sink::Sink;
use crate::source::Place;

/// Decodes a message of type `ty` from the front of `bytes`; returns how many were used. Tags the type does not know
/// are stepped over, and bytes behind the message are left alone.
///
/// # Errors
/// Bytes that are no such message, or what the sink fails with.
pub fn decode<S: Sink>(schema: &Schema, ty: TypeId, bytes: &[u8], sink: &mut S) -> Result<usize, S::Error> {
    let decoder = Decoder { schema, input: bytes };
    let rest = decoder.message(schema.type_def(ty), None, bytes, 1, sink)?;
    Ok(bytes.len() - rest.len())
}

/// `input` is the whole of it, so that errors tell positions in it.
struct Decoder<'a> {
    schema: &'a Schema,
    input: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// A message as a finished struct; returns what follows it. With `key`, the index of a field, that field must be
    /// there.
    fn message<S: Sink>(
        &self,
        ty: &TypeDef,
        key: Option<u16>,
        bytes: &'a [u8],
        depth: u32,
        sink: &mut S,
    ) -> Result<&'a [u8], S::Error> {
        let failed = |failure| self.failed(failure, Place::message(ty));
        let mut reader = Reader::open(bytes).map_err(failed)?;
        let mut key_missing = key.is_some();
        let mut index = 0;
        sink.begin_struct(ty, reader.present().min(ty.fields.len()))?;
        while let Some((tag, content)) = reader.next().map_err(failed)? {
            while ty.fields.get(index).is_some_and(|field| u32::from(field.tag) < tag) {
                index += 1;
            }
            let Some(field) = ty.fields.get(index).filter(|field| u32::from(field.tag) == tag) else {
                continue;
            };
            // As in the reference, a struct one level too deep passes while it has no field of its own.
            if depth > MAX_DEPTH {
                return Err(failed(Failure::new(DecodeErrorKind::TooDeep, bytes)).into());
            }
            sink.begin_field(field)?;
            self.field(Place::field(ty, field), field, content, depth, sink)?;
            sink.set_field(field)?;
            key_missing &= key.map(usize::from) != Some(index);
        }
        if key_missing {
            return Err(failed(Failure::new(DecodeErrorKind::MissingKey, bytes)).into());
        }
        sink.end_struct()?;
        Ok(reader.rest())
    }

    #[inline(always)]
    fn field<S: Sink>(
        &self,
        at: Place<'_>,
        field: &Field,
        content: Content<'a>,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        match field.repeat {
            Repeat::One => self.one(at, field.ty, content, depth, sink),
            _ => self.many(at, field, content, depth, sink),
        }
    }

    #[inline(always)]
    fn one<S: Sink>(
        &self,
        at: Place<'_>,
        ty: FieldType,
        content: Content<'a>,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let failed = |failure| self.failed(failure, at);
        match ty {
            FieldType::Integer => sink.integer(content.integer().map_err(failed)?),
            FieldType::Fixed { digits } => {
                sink.double(content.integer().map_err(failed)? as f64 / factor(digits))
            }
            FieldType::Boolean => sink.boolean(content.boolean().map_err(failed)?),
            FieldType::Double => sink.double(content.double().map_err(failed)?),
            FieldType::String => sink.string(content.block().map_err(failed)?),
            FieldType::Binary => sink.binary(content.block().map_err(failed)?),
            FieldType::Struct(id) => self.nested(at, id, None, content.block().map_err(failed)?, depth, sink),
        }
    }

    #[inline(always)]
    fn nested<S: Sink>(
        &self,
        at: Place<'_>,
        id: TypeId,
        key: Option<u16>,
        block: &'a [u8],
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let rest = self.message(self.schema.type_def(id), key, block, depth + 1, sink)?;
        Ok(expect_end(rest).map_err(|failure| self.failed(failure, at))?)
    }

    fn many<S: Sink>(
        &self,
        at: Place<'_>,
        field: &Field,
        content: Content<'a>,
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let block = content.block().map_err(|failure| self.failed(failure, at))?;
        match (field.repeat, field.ty) {
            (Repeat::MapByKey { key }, FieldType::Struct(id)) => {
                self.check_key(at, id, key, block)?;
                sink.begin_map(field, self.count(at, block)?)?;
                self.elements(at, block, |at, _, element| {
                    self.nested(at, id, Some(key), element, depth, sink)?;
                    sink.set_entry(field)
                })?;
                sink.end_map()
            }
            (Repeat::MapPair { key, .. }, FieldType::Struct(id)) => {
                self.check_key(at, id, key, block)?;
                sink.begin_map(field, self.count(at, block)?)?;
                let entry = self.schema.type_def(id);
                self.elements(at, block, |at, _, element| {
                    self.pair(at, entry, element, depth + 1, sink)?;
                    sink.set_entry(field)
                })?;
                sink.end_map()
            }
            _ => {
                self.array(at, field, block, depth, sink)?;
                sink.end_array()
            }
        }
    }

    #[inline(always)]
    fn array<S: Sink>(
        &self,
        at: Place<'_>,
        field: &Field,
        block: &'a [u8],
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        match field.ty {
            FieldType::Integer => {
                self.numbers(at, field, block, sink, |sink, bytes| sink.integer(widened(bytes)))
            }
            FieldType::Fixed { digits } => self.numbers(at, field, block, sink, |sink, bytes| {
                sink.double(widened(bytes) as f64 / factor(digits))
            }),
            FieldType::Double => self.numbers(at, field, block, sink, |sink, bytes| {
                sink.double(f64::from_bits(widened(bytes) as u64))
            }),
            FieldType::Boolean => {
                sink.begin_array(field, block.len())?;
                for (index, byte) in block.iter().enumerate() {
                    sink.boolean(*byte != 0)?;
                    sink.push_element(index)?;
                }
                Ok(())
            }
            FieldType::String => self.blocks(at, field, block, sink, |_, element, sink| sink.string(element)),
            FieldType::Binary => self.blocks(at, field, block, sink, |_, element, sink| sink.binary(element)),
            FieldType::Struct(id) => self.blocks(at, field, block, sink, |at, element, sink| {
                self.nested(at, id, None, element, depth, sink)
            }),
        }
    }

    /// A width byte and elements of that width.
    #[inline(always)]
    fn numbers<S: Sink>(
        &self,
        at: Place<'_>,
        field: &Field,
        block: &[u8],
        sink: &mut S,
        mut number: impl FnMut(&mut S, &[u8]) -> Result<(), S::Error>,
    ) -> Result<(), S::Error> {
        let (width, elements) =
            number_array(field.ty, block).map_err(|kind| self.failed(Failure::new(kind, block), at))?;
        sink.begin_array(field, elements.len() / width)?;
        for (index, element) in elements.chunks_exact(width).enumerate() {
            number(sink, element)?;
            sink.push_element(index)?;
        }
        Ok(())
    }

    /// Elements in blocks of their own.
    #[inline(always)]
    fn blocks<S: Sink>(
        &self,
        at: Place<'_>,
        field: &Field,
        block: &'a [u8],
        sink: &mut S,
        mut body: impl FnMut(Place<'_>, &'a [u8], &mut S) -> Result<(), S::Error>,
    ) -> Result<(), S::Error> {
        sink.begin_array(field, self.count(at, block)?)?;
        self.elements(at, block, |at, index, element| {
            body(at, element, sink)?;
            sink.push_element(index)
        })
    }

    /// How many blocks `bytes` consist of: a sink makes room for all of them first.
    #[inline(always)]
    fn count(&self, at: Place<'_>, bytes: &'a [u8]) -> Result<usize, DecodeError> {
        let mut count = 0;
        self.elements::<DecodeError>(at, bytes, |_, _, _| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    /// The blocks that `bytes` consist of.
    #[inline(always)]
    fn elements<E: From<DecodeError>>(
        &self,
        at: Place<'_>,
        mut bytes: &'a [u8],
        mut element: impl FnMut(Place<'_>, usize, &'a [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut index = 0;
        while !bytes.is_empty() {
            let at = at.element(index);
            let (block, rest) = cut(bytes).map_err(|failure| self.failed(failure, at))?;
            element(at, index, block)?;
            bytes = rest;
            index += 1;
        }
        Ok(())
    }

    /// An entry of a `*T()`: a message of a key and a value, both of which must be there.
    fn pair<S: Sink>(
        &self,
        at: Place<'_>,
        entry: &TypeDef,
        bytes: &'a [u8],
        depth: u32,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let failed = |failure| self.failed(failure, at);
        let refused = |kind| failed(Failure::new(kind, bytes)).into();
        let mut reader = Reader::open(bytes).map_err(failed)?;
        let mut fields = entry.fields.iter().peekable();
        while let Some((tag, content)) = reader.next().map_err(failed)? {
            match fields.peek() {
                Some(field) if u32::from(field.tag) == tag => {
                    if depth > MAX_DEPTH {
                        return Err(refused(DecodeErrorKind::TooDeep));
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
            0 => Ok(expect_end(reader.rest()).map_err(failed)?),
            1 => Err(refused(DecodeErrorKind::MissingValue)),
            _ => Err(refused(DecodeErrorKind::MissingKey)),
        }
    }

    /// Refuses the first entry of a map whose key is an array.
    fn check_key(&self, at: Place<'_>, id: TypeId, key: u16, block: &[u8]) -> Result<(), DecodeError> {
        let key = self.schema.type_def(id).fields.get(usize::from(key));
        if block.is_empty() || key.is_none_or(|key| key.repeat == Repeat::One) {
            return Ok(());
        }
        let at = at.element(0);
        let (first, _) = cut(block).map_err(|failure| self.failed(failure, at))?;
        Err(self.failed(Failure::new(DecodeErrorKind::ArrayKey, first), at))
    }

    #[cold]
    #[allow(clippy::boxed_local)] // it comes in a box, so that the way here is a pointer
    fn failed(&self, failure: Box<Failure>, at: Place<'_>) -> DecodeError {
        failure.placed(self.input, at.to_string())
    }
}

/// The width and the elements of an array of numbers of type `ty`.
pub(crate) fn number_array(ty: FieldType, block: &[u8]) -> Result<(usize, &[u8]), DecodeErrorKind> {
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
