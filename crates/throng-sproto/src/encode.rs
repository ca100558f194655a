//! The encoder: one pass over a [`Source`], straight into the output, lengths patched in afterwards.

use std::borrow::Cow;

use crate::records::{BLOCK, LENGTH, RecordWriter, write_double, write_integer};
use crate::schema::{Field, FieldType, Repeat, Schema, TypeDef, TypeId};
use crate::source::{Place, Source};
use crate::{MAX_DEPTH, MAX_MESSAGE};

/// Why a message could not be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A value of the wrong type.
    #[error("{} is not {wanted} (it is {found})", named(.place))]
    WrongType {
        /// `Type.field[index]`, the index from 1; none until the encoder has filled it in.
        place: Option<Box<str>>,
        /// What the schema asks for, with its article.
        wanted: &'static str,
        /// What was there, with its article.
        found: Cow<'static, str>,
    },
    /// A fixed-point number that no 64-bit integer holds after scaling.
    #[error("{} cannot hold {value} as fixed point with {digits} digits", named(.place))]
    OutOfRange {
        /// As in [`EncodeError::WrongType`].
        place: Option<Box<str>>,
        /// The number.
        value: Box<str>,
        /// Decimal digits of the field.
        digits: u8,
    },
    /// A map's entry that could not be decoded, as it lacks its key, or its value in a `*T()`.
    #[error("{} is a map's entry without its {part}", named(.place))]
    EntryWithout {
        /// As in [`EncodeError::WrongType`].
        place: Option<Box<str>>,
        /// `key` or `value`.
        part: &'static str,
    },
    /// Structs nested too deeply, as in a tree that holds itself.
    #[error("the message nests more than {MAX_DEPTH} structs")]
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

    /// Fills in where the refused value stands, unless that is known already.
    #[must_use]
    pub fn at(self, at: &Place<'_>) -> EncodeError {
        self.placed(|| at.to_string().into())
    }

    pub(crate) fn placed(mut self, at: impl FnOnce() -> Box<str>) -> EncodeError {
        if let EncodeError::WrongType { place, .. }
        | EncodeError::OutOfRange { place, .. }
        | EncodeError::EntryWithout { place, .. } = &mut self
        {
            place.get_or_insert_with(at);
        }
        self
    }
}

fn named(place: &Option<Box<str>>) -> &str {
    place.as_deref().unwrap_or("the value")
}

/// Appends the message of type `ty` that `source` holds to `out`. On an error `out` is as it was.
///
/// # Errors
/// A value the schema does not allow, a message that is too deep or too large, or what the source fails with.
pub fn encode<S: Source>(
    schema: &Schema,
    ty: TypeId,
    source: &mut S,
    out: &mut Vec<u8>,
) -> Result<(), S::Error> {
    let start = out.len();
    let mut encoder = Encoder { schema, out, start, depth: 0 };
    let ty = schema.type_def(ty);
    let done = encoder.message(&Place::message(ty), ty, None, source);
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

impl<'s> Encoder<'s, '_> {
    /// The current value as a message of type `ty`; `at` is the place it stands in. With `key`, the index of a field,
    /// that field must be there.
    fn message<S: Source>(
        &mut self,
        at: &Place<'_>,
        ty: &'s TypeDef,
        key: Option<u16>,
        source: &mut S,
    ) -> Result<(), S::Error> {
        source.expect_struct().map_err(|error| S::locate(error, at))?;
        self.depth += 1;
        // The reference looks at the depth when it asks for a field, so a type without fields passes.
        if self.depth > MAX_DEPTH && !ty.fields.is_empty() {
            return Err(EncodeError::TooDeep.into());
        }
        let mut records = RecordWriter::begin(self.out, ty.most_records);
        let mut key_missing = key.is_some();
        for (index, field) in ty.fields.iter().enumerate() {
            if source.enter_field(field)? {
                let record = self.field(ty, field, source)?;
                source.leave();
                records.record(self.out, field.tag, record);
                key_missing &= key.map(usize::from) != Some(index);
            }
        }
        if key_missing {
            return Err(EncodeError::EntryWithout { place: None, part: "key" }.at(at).into());
        }
        records.finish(self.out);
        self.depth -= 1;
        self.check_size().map_err(S::Error::from)
    }

    /// The current value as the value of `field`; returns its record.
    #[inline(always)]
    fn field<S: Source>(
        &mut self,
        ty: &'s TypeDef,
        field: &'s Field,
        source: &mut S,
    ) -> Result<u16, S::Error> {
        if field.repeat != Repeat::One {
            self.many(ty, field, source)?;
            return Ok(BLOCK);
        }
        let at = &Place::field(ty, field);
        match field.ty {
            FieldType::Integer | FieldType::Fixed { .. } => {
                let value = integer_of(at, field.ty, source)?;
                Ok(write_integer(value, self.out))
            }
            FieldType::Boolean => {
                let value = source.boolean().map_err(|error| S::locate(error, at))?;
                Ok((u16::from(value) + 1) * 2)
            }
            FieldType::Double => {
                let value = source.double().map_err(|error| S::locate(error, at))?;
                write_double(value, self.out);
                Ok(BLOCK)
            }
            FieldType::String | FieldType::Binary | FieldType::Struct(_) => {
                self.block(|encoder| encoder.body(at, field, source))?;
                Ok(BLOCK)
            }
        }
    }

    fn many<S: Source>(&mut self, ty: &'s TypeDef, field: &'s Field, source: &mut S) -> Result<(), S::Error> {
        let at = &Place::field(ty, field);
        source.expect_array().map_err(|error| S::locate(error, at))?;
        self.block(|encoder| match (field.repeat, field.ty) {
            (Repeat::MapByKey { key }, FieldType::Struct(id)) => encoder.keyed_map(at, id, key, source),
            (Repeat::MapPair { .. }, FieldType::Struct(id)) => encoder.pair_map(at, id, source),
            _ => encoder.array(at, field, source),
        })
    }

    /// The bytes of a string, binary or struct, without their length.
    #[inline(always)]
    fn body<S: Source>(&mut self, at: &Place<'_>, field: &'s Field, source: &mut S) -> Result<(), S::Error> {
        match field.ty {
            FieldType::Struct(id) => self.message(at, self.schema.type_def(id), None, source),
            _ => source.bytes(self.out).map_err(|error| S::locate(error, at)),
        }
    }

    fn array<S: Source>(&mut self, at: &Place<'_>, field: &'s Field, source: &mut S) -> Result<(), S::Error> {
        match field.ty {
            FieldType::Integer | FieldType::Fixed { .. } => self.integers(at, field.ty, source),
            FieldType::Boolean => self.elements(at, source, |encoder, source, index| {
                let value = source.boolean().map_err(|error| S::locate(error, &at.element(index)))?;
                encoder.out.push(u8::from(value));
                Ok(())
            }),
            FieldType::Double => self.elements(at, source, |encoder, source, index| {
                let value = source.double().map_err(|error| S::locate(error, &at.element(index)))?;
                if index == 0 {
                    encoder.out.push(8);
                }
                encoder.out.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }),
            FieldType::String | FieldType::Binary | FieldType::Struct(_) => {
                self.elements(at, source, |encoder, source, index| {
                    encoder.block(|encoder| encoder.body(&at.element(index), field, source))
                })
            }
        }
    }

    /// Four bytes an element, until one needs eight and all before it are widened.
    fn integers<S: Source>(&mut self, at: &Place<'_>, ty: FieldType, source: &mut S) -> Result<(), S::Error> {
        let width = self.out.len();
        let mut wide = false;
        self.elements(at, source, |encoder, source, index| {
            let value = integer_of(&at.element(index), ty, source)?;
            if index == 0 {
                encoder.out.push(4);
            }
            match i32::try_from(value) {
                Ok(small) if !wide => {
                    encoder.out.extend_from_slice(&small.to_le_bytes());
                    return Ok(());
                }
                Err(_) if !wide => {
                    widen(encoder.out, width);
                    wide = true;
                }
                _ => {}
            }
            encoder.out.extend_from_slice(&value.to_le_bytes());
            Ok(())
        })
    }

    #[inline(always)]
    fn elements<S: Source>(
        &mut self,
        at: &Place<'_>,
        source: &mut S,
        mut element: impl FnMut(&mut Self, &mut S, usize) -> Result<(), S::Error>,
    ) -> Result<(), S::Error> {
        let mut index = 0;
        while source.enter_element(index).map_err(|error| S::locate(error, at))? {
            element(self, source, index)?;
            source.leave();
            // A source may have no end; its scalars are not checked one by one elsewhere.
            self.check_size()?;
            index += 1;
        }
        Ok(())
    }

    /// `*T(key)`: only the values go on the wire, the key is one of their fields.
    fn keyed_map<S: Source>(
        &mut self,
        at: &Place<'_>,
        id: TypeId,
        key: u16,
        source: &mut S,
    ) -> Result<(), S::Error> {
        let ty = self.schema.type_def(id);
        let mut index = 0;
        while source.next_entry(index == 0).map_err(|error| S::locate(error, at))? {
            source.enter_entry_value()?;
            self.block(|encoder| encoder.message(&at.element(index), ty, Some(key), source))?;
            source.leave();
            index += 1;
        }
        source.leave_entries();
        Ok(())
    }

    /// `*T()`: each entry is a message of T's two fields.
    fn pair_map<S: Source>(&mut self, at: &Place<'_>, id: TypeId, source: &mut S) -> Result<(), S::Error> {
        let entry = self.schema.type_def(id);
        let mut first = true;
        while source.next_entry(first).map_err(|error| S::locate(error, at))? {
            self.block(|encoder| encoder.pair(entry, source))?;
            first = false;
        }
        source.leave_entries();
        Ok(())
    }

    fn pair<S: Source>(&mut self, entry: &'s TypeDef, source: &mut S) -> Result<(), S::Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(EncodeError::TooDeep.into());
        }
        let mut records = RecordWriter::begin(self.out, entry.most_records);
        for (index, field) in entry.fields.iter().enumerate() {
            // The schema gives such a type two fields, of which the key has the lower tag.
            match index {
                0 => source.enter_entry_key()?,
                _ => source.enter_entry_value()?,
            }
            let record = self.field(entry, field, source)?;
            source.leave();
            records.record(self.out, field.tag, record);
        }
        records.finish(self.out);
        self.depth -= 1;
        Ok(())
    }

    /// A block: room for its length, then what `body` writes, then the length.
    #[inline(always)]
    fn block<E: From<EncodeError>>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let at = self.out.len();
        self.out.extend_from_slice(&[0; LENGTH]);
        body(self)?;
        self.check_size()?;
        let length = (self.out.len() - at - LENGTH) as u32;
        self.out[at..at + LENGTH].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn check_size(&self) -> Result<(), EncodeError> {
        if self.out.len() - self.start > MAX_MESSAGE { Err(EncodeError::TooLarge) } else { Ok(()) }
    }
}

/// The current value as the integer that goes on the wire.
#[inline(always)]
fn integer_of<S: Source>(at: &Place<'_>, ty: FieldType, source: &mut S) -> Result<i64, S::Error> {
    match ty {
        FieldType::Fixed { digits } => {
            let value = source.double().map_err(|error| S::locate(error, at))?;
            scale(value, digits).map_err(|error| error.at(at).into())
        }
        _ => source.integer().map_err(|error| S::locate(error, at)),
    }
}

/// `value * 10^digits`, rounded half away from zero.
pub(crate) fn scale(value: f64, digits: u8) -> Result<i64, EncodeError> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let scaled = (value * factor(digits)).round();
    if (-LIMIT..LIMIT).contains(&scaled) {
        Ok(scaled as i64)
    } else {
        Err(EncodeError::OutOfRange { place: None, value: format!("{value:?}").into(), digits })
    }
}

/// `10^digits`; the schema allows 9 digits at most.
#[inline]
pub(crate) fn factor(digits: u8) -> f64 {
    const POWERS: [f64; 16] =
        [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    POWERS[usize::from(digits & 15)]
}

/// Turns the 4-byte integers behind the width byte at `width` into 8-byte ones.
fn widen(out: &mut Vec<u8>, width: usize) {
    let first = width + 1;
    let count = (out.len() - first) / 4;
    out.resize(first + count * 8, 0);
    out[width] = 8;
    for index in (0..count).rev() {
        let from = first + index * 4;
        let small = i32::from_le_bytes([out[from], out[from + 1], out[from + 2], out[from + 3]]);
        let to = first + index * 8;
        out[to..to + 8].copy_from_slice(&i64::from(small).to_le_bytes());
    }
}
