//! Writing: the room is measured first, so that nothing can be wrong or too long afterwards.
#![allow(missing_docs)] // all of it is hidden from readers of the documentation

use crate::MAX_DEPTH;
use crate::encode::{EncodeError, scale};
use crate::records::LENGTH;
use crate::typed::Message;

/// What every write relies on.
const MEASURED: &str = "the room was measured";

type Refused = Box<EncodeError>;

/// The records of a message that is written, in the order of their tags.
pub struct Records<'o> {
    count: &'o mut [u8; 2],
    rest: &'o mut [u8],
    room: usize,
    next_tag: u16,
}

impl<'o> Records<'o> {
    #[inline(always)]
    pub fn begin(out: &'o mut [u8]) -> Records<'o> {
        let (count, rest) = out.split_first_chunk_mut().expect(MEASURED);
        let room = rest.len();
        Records { count, rest, room, next_tag: 0 }
    }

    /// The value of `tag` is a block.
    #[inline(always)]
    pub fn block(&mut self, tag: u16) {
        self.record(tag, 0);
    }

    #[inline(always)]
    pub fn boolean(&mut self, tag: u16, value: bool) {
        self.record(tag, (u16::from(value) + 1) * 2);
    }

    /// A value in the record, or a block if it does not fit.
    #[inline(always)]
    pub fn integer(&mut self, tag: u16, value: i64) {
        self.record(tag, if is_inline(value) { (value as u16 + 1) * 2 } else { 0 });
    }

    #[inline(always)]
    pub fn fixed(&mut self, tag: u16, value: f64, digits: u8) {
        self.integer(tag, scaled(value, digits));
    }

    /// Ends the records; the blocks follow.
    #[inline(always)]
    pub fn end(self) -> &'o mut [u8] {
        let count = (self.room - self.rest.len()) / 2;
        *self.count = (count as u16).to_le_bytes();
        self.rest
    }

    #[inline(always)]
    fn record(&mut self, tag: u16, record: u16) {
        if tag != self.next_tag {
            self.put((tag - self.next_tag) * 2 - 1);
        }
        self.put(record);
        self.next_tag = tag + 1;
    }

    #[inline(always)]
    fn put(&mut self, record: u16) {
        self.rest = put(std::mem::take(&mut self.rest), record.to_le_bytes());
    }
}

#[inline(always)]
fn put<const N: usize>(out: &mut [u8], bytes: [u8; N]) -> &mut [u8] {
    let (slot, rest) = out.split_first_chunk_mut().expect(MEASURED);
    *slot = bytes;
    rest
}

/// A length, and as many bytes as `body` uses.
#[inline(always)]
fn block<'o>(out: &'o mut [u8], body: impl FnOnce(&'o mut [u8]) -> &'o mut [u8]) -> &'o mut [u8] {
    let (length, out) = out.split_first_chunk_mut::<LENGTH>().expect(MEASURED);
    let room = out.len();
    let rest = body(out);
    *length = ((room - rest.len()) as u32).to_le_bytes();
    rest
}

/// A string or binary.
#[inline(always)]
pub fn write_block<'o>(out: &'o mut [u8], bytes: &[u8]) -> &'o mut [u8] {
    let out = put(out, (bytes.len() as u32).to_le_bytes());
    let (slot, rest) = out.split_at_mut(bytes.len());
    slot.copy_from_slice(bytes);
    rest
}

/// The block of an integer that is not in its record.
#[inline(always)]
pub fn write_integer(out: &mut [u8], value: i64) -> &mut [u8] {
    if is_inline(value) {
        return out;
    }
    match i32::try_from(value) {
        Ok(small) => put(put(out, 4u32.to_le_bytes()), small.to_le_bytes()),
        Err(_) => put(put(out, 8u32.to_le_bytes()), value.to_le_bytes()),
    }
}

#[inline(always)]
fn is_inline(value: i64) -> bool {
    (0..0x7fff).contains(&value)
}

#[inline(always)]
pub fn write_fixed(out: &mut [u8], value: f64, digits: u8) -> &mut [u8] {
    write_integer(out, scaled(value, digits))
}

#[inline(always)]
pub fn write_double(out: &mut [u8], value: f64) -> &mut [u8] {
    put(put(out, 8u32.to_le_bytes()), value.to_le_bytes())
}

#[inline(always)]
pub fn write_nested<'b, 'o, T: Message<'b>>(out: &'o mut [u8], value: &T) -> &'o mut [u8] {
    block(out, |out| value.write(out))
}

#[inline(always)]
pub fn write_list<'b, 'o, T: Message<'b>>(out: &'o mut [u8], list: &[T]) -> &'o mut [u8] {
    block(out, |out| list.iter().fold(out, |out, element| write_nested(out, element)))
}

pub fn write_blocks<'o, T: AsRef<[u8]>>(out: &'o mut [u8], list: &[T]) -> &'o mut [u8] {
    block(out, |out| list.iter().fold(out, |out, element| write_block(out, element.as_ref())))
}

pub fn write_booleans<'o>(out: &'o mut [u8], list: &[bool]) -> &'o mut [u8] {
    block(out, |out| list.iter().fold(out, |out, value| put(out, [u8::from(*value)])))
}

pub fn write_integers<'o>(out: &'o mut [u8], list: &[i64]) -> &'o mut [u8] {
    write_numbers(out, list, |value| *value)
}

pub fn write_fixeds<'o>(out: &'o mut [u8], list: &[f64], digits: u8) -> &'o mut [u8] {
    write_numbers(out, list, |value| scaled(*value, digits))
}

/// Four bytes each, or eight if one of them needs that many.
fn write_numbers<'o, T>(out: &'o mut [u8], list: &[T], integer: impl Fn(&T) -> i64) -> &'o mut [u8] {
    block(out, |out| {
        if list.is_empty() {
            return out;
        }
        if list.iter().all(|value| i32::try_from(integer(value)).is_ok()) {
            return list
                .iter()
                .fold(put(out, [4]), |out, value| put(out, (integer(value) as i32).to_le_bytes()));
        }
        list.iter().fold(put(out, [8]), |out, value| put(out, integer(value).to_le_bytes()))
    })
}

pub fn write_doubles<'o>(out: &'o mut [u8], list: &[f64]) -> &'o mut [u8] {
    block(out, |out| {
        if list.is_empty() {
            return out;
        }
        list.iter().fold(put(out, [8]), |out, value| put(out, value.to_le_bytes()))
    })
}

/// What was checked to fit when the message was measured.
#[inline(always)]
fn scaled(value: f64, digits: u8) -> i64 {
    scale(value, digits).unwrap_or(0)
}

/// Refuses a struct that stands too deep.
#[inline(always)]
pub fn measure_depth(depth: u32) -> Result<(), Refused> {
    if depth > MAX_DEPTH { Err(too_deep()) } else { Ok(()) }
}

#[cold]
fn too_deep() -> Refused {
    Box::new(EncodeError::TooDeep)
}

#[inline(always)]
pub fn measure_list<'b, T: Message<'b>>(list: &[T], depth: u32) -> Result<usize, Refused> {
    list.iter().try_fold(LENGTH, |room, element| Ok(room + LENGTH + element.measure(depth + 1)?))
}

pub fn measure_blocks<T: AsRef<[u8]>>(list: &[T]) -> usize {
    LENGTH + list.iter().map(|element| LENGTH + element.as_ref().len()).sum::<usize>()
}

/// A map whose entries are nothing without their keys.
#[inline(always)]
pub fn measure_keyed_map<'b, T: Message<'b>>(
    list: &[T],
    depth: u32,
    field: &'static str,
    has_key: impl Fn(&T) -> bool,
) -> Result<usize, Refused> {
    match list.iter().position(|entry| !has_key(entry)) {
        Some(index) => Err(missing(field, index, "key")),
        None => measure_list(list, depth),
    }
}

/// A map whose entries are nothing without keys and values.
#[inline(always)]
pub fn measure_pair_map<'b, T: Message<'b>>(
    list: &[T],
    depth: u32,
    field: &'static str,
    has_key: impl Fn(&T) -> bool,
    has_value: impl Fn(&T) -> bool,
) -> Result<usize, Refused> {
    match list.iter().position(|entry| !has_value(entry)) {
        Some(index) if has_key(&list[index]) => Err(missing(field, index, "value")),
        _ => measure_keyed_map(list, depth, field, has_key),
    }
}

#[cold]
fn missing(field: &'static str, index: usize, part: &'static str) -> Refused {
    let place = Some(format!("{field}[{}]", index + 1).into());
    Box::new(EncodeError::EntryWithout { place, part })
}

#[inline(always)]
pub fn measure_fixed(value: f64, digits: u8, field: &'static str) -> Result<(), Refused> {
    scale(value, digits).map(|_| ()).map_err(|error| placed(error, field.to_owned()))
}

pub fn measure_fixeds(list: &[f64], digits: u8, field: &'static str) -> Result<usize, Refused> {
    for (index, value) in list.iter().enumerate() {
        scale(*value, digits).map_err(|error| placed(error, format!("{field}[{}]", index + 1)))?;
    }
    Ok(LENGTH + 1 + list.len() * 8)
}

#[cold]
fn placed(error: EncodeError, at: String) -> Refused {
    Box::new(error.placed(|| at.into()))
}
