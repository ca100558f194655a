//! The wire format's parts: varints, keys, and reading them without trusting them.
//!
//! A [`Reader`] takes its bytes from the front of a slice and carries no positions; where something was wrong is told by its
//! address, which is turned into a position once there is an error to tell.

use crate::MAX_DEPTH;
use crate::decode::{DecodeError, DecodeErrorKind};

/// How a value stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireType {
    /// A number of 1 to 10 bytes.
    Varint,
    /// Eight bytes.
    Fixed64,
    /// A length and so many bytes.
    Bytes,
    /// Fields up to the group's end.
    GroupStart,
    /// The end of a group.
    GroupEnd,
    /// Four bytes.
    Fixed32,
}

impl WireType {
    /// The three bits of a key.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            WireType::Varint => 0,
            WireType::Fixed64 => 1,
            WireType::Bytes => 2,
            WireType::GroupStart => 3,
            WireType::GroupEnd => 4,
            WireType::Fixed32 => 5,
        }
    }

    /// What error texts call it, with its article.
    pub(crate) fn name(self) -> &'static str {
        match self {
            WireType::Varint => "a varint",
            WireType::Fixed64 => "8 bytes",
            WireType::Bytes => "a length and bytes",
            WireType::GroupStart => "a group",
            WireType::GroupEnd => "the end of a group",
            WireType::Fixed32 => "4 bytes",
        }
    }
}

/// A value as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawValue<'a> {
    /// The number, before any interpretation.
    Varint(u64),
    /// Eight bytes, little-endian.
    Fixed64(u64),
    /// The bytes behind the length.
    Bytes(&'a [u8]),
    /// The fields of a group, without its end.
    Group(&'a [u8]),
    /// Four bytes, little-endian.
    Fixed32(u32),
}

/// A field as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawField<'a> {
    /// The field's number.
    pub number: u32,
    /// Its value.
    pub value: RawValue<'a>,
    /// Where its key stands, in bytes from the start of the message.
    pub offset: usize,
}

/// The fields of `message` in the order of the wire, without a schema; ends after the first error.
pub fn raw_fields(message: &[u8]) -> impl Iterator<Item = Result<RawField<'_>, DecodeError>> {
    let mut reader = Reader::new(message);
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || reader.is_empty() {
            return None;
        }
        let offset = message.len() - reader.rest().len();
        let field = reader.field().map(|(number, value)| RawField { number, value, offset });
        failed = field.is_err();
        Some(field.map_err(|failure| failure.placed(message, "the message")))
    })
}

/// What stands in a message where there should be something else.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: DecodeErrorKind,
    /// Of the byte where it stands.
    address: usize,
}

pub(crate) type Done<T = ()> = Result<T, Box<Failure>>;

impl Failure {
    /// `at` begins where it stands.
    #[cold]
    pub(crate) fn new(kind: DecodeErrorKind, at: &[u8]) -> Box<Failure> {
        Box::new(Failure { kind, address: at.as_ptr().addr() })
    }

    /// The error at a place in the input it was found in.
    #[cold]
    pub(crate) fn placed(self, input: &[u8], place: impl Into<Box<str>>) -> DecodeError {
        let offset = self.address.saturating_sub(input.as_ptr().addr()).min(input.len());
        DecodeError { kind: self.kind, offset, place: place.into() }
    }
}

/// Bytes that are read from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline(always)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline(always)]
    pub(crate) fn varint(&mut self) -> Done<u64> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Done<u64> {
        let mut value = 0;
        for (index, byte) in self.rest.iter().take(10).enumerate() {
            // Nine bytes hold 63 bits, so the tenth has one.
            if index == 9 && *byte > 1 {
                return Err(Failure::new(DecodeErrorKind::VarintTooLong, self.rest));
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(Failure::new(DecodeErrorKind::VarintTruncated, self.rest))
    }

    /// The number and wire type of the next field.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Done<(u32, WireType)> {
        let at = self.rest;
        let key = self.varint()?;
        let wire = match key & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Bytes,
            3 => WireType::GroupStart,
            4 => WireType::GroupEnd,
            5 => WireType::Fixed32,
            bits => return Err(Failure::new(DecodeErrorKind::UnknownWireType(bits as u8), at)),
        };
        match u32::try_from(key) {
            Ok(key) if key >= 8 => Ok((key >> 3, wire)),
            _ => Err(Failure::new(DecodeErrorKind::FieldNumber(key >> 3), at)),
        }
    }

    #[inline(always)]
    pub(crate) fn bytes(&mut self) -> Done<&'a [u8]> {
        let at = self.rest;
        let length = self.varint()?;
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let Some((bytes, rest)) = split else {
            let left = self.rest.len();
            return Err(Failure::new(DecodeErrorKind::LengthTooLarge { length, left }, at));
        };
        self.rest = rest;
        Ok(bytes)
    }

    #[inline(always)]
    pub(crate) fn fixed32(&mut self) -> Done<u32> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(Failure::new(DecodeErrorKind::FixedTruncated, self.rest));
        };
        self.rest = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    #[inline(always)]
    pub(crate) fn fixed64(&mut self) -> Done<u64> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(Failure::new(DecodeErrorKind::FixedTruncated, self.rest));
        };
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// The next field whole.
    pub(crate) fn field(&mut self) -> Done<(u32, RawValue<'a>)> {
        let at = self.rest;
        let (number, wire) = self.key()?;
        Ok((number, self.value(number, wire, at)?))
    }

    /// The value behind a key, which begins at `at`.
    pub(crate) fn value(&mut self, number: u32, wire: WireType, at: &[u8]) -> Done<RawValue<'a>> {
        Ok(match wire {
            WireType::Varint => RawValue::Varint(self.varint()?),
            WireType::Fixed64 => RawValue::Fixed64(self.fixed64()?),
            WireType::Bytes => RawValue::Bytes(self.bytes()?),
            WireType::Fixed32 => RawValue::Fixed32(self.fixed32()?),
            WireType::GroupStart => RawValue::Group(self.group(number)?),
            WireType::GroupEnd => return Err(Failure::new(DecodeErrorKind::GroupEnd(number), at)),
        })
    }

    /// Steps over a group of which the key was read; the groups inside it must match.
    fn group(&mut self, number: u32) -> Done<&'a [u8]> {
        let start = self.rest;
        let mut open = [0; MAX_DEPTH as usize];
        open[0] = number;
        let mut depth = 1;
        while depth > 0 {
            let at = self.rest;
            if at.is_empty() {
                return Err(Failure::new(DecodeErrorKind::GroupTruncated(open[depth - 1]), at));
            }
            let (number, wire) = self.key()?;
            match wire {
                WireType::GroupStart if depth == open.len() => {
                    return Err(Failure::new(DecodeErrorKind::TooDeep, at));
                }
                WireType::GroupStart => {
                    open[depth] = number;
                    depth += 1;
                }
                WireType::GroupEnd if open[depth - 1] != number => {
                    return Err(Failure::new(DecodeErrorKind::GroupEnd(number), at));
                }
                WireType::GroupEnd => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(&start[..start.len() - at.len()]);
                    }
                }
                _ => {
                    self.value(number, wire, at)?;
                }
            }
        }
        Ok(&[])
    }
}

/// How many varints `bytes` hold.
pub(crate) fn count_varints(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte < 0x80).count()
}

#[inline(always)]
pub(crate) fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Room for the length of what is appended next: of one byte, as most nested messages are short.
#[inline(always)]
pub(crate) fn begin_length(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len()
}

/// Writes the length of what was appended behind `start`, which moves if the length takes more than a byte.
#[inline(always)]
pub(crate) fn finish_length(start: usize, out: &mut Vec<u8>) {
    let length = out.len() - start;
    if length < 0x80 {
        out[start - 1] = length as u8;
    } else {
        finish_long(start, length, out);
    }
}

fn finish_long(start: usize, length: usize, out: &mut Vec<u8>) {
    let mut bytes = [0; 10];
    let mut count = 0;
    let mut left = length;
    while left >= 0x80 {
        bytes[count] = left as u8 | 0x80;
        left >>= 7;
        count += 1;
    }
    bytes[count] = left as u8;
    let end = out.len();
    out.resize(end + count, 0);
    out.copy_within(start..end, start + count);
    out[start - 1..start + count].copy_from_slice(&bytes[..=count]);
}

#[inline(always)]
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline(always)]
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
