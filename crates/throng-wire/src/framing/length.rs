//! Frames that say how long they are: a length field of one, two or four bytes or a varint.

use std::fmt;
use std::str::FromStr;

use super::{Cut, DEFAULT_MAX, DEFAULT_MAX_U16, FramingError, FramingSetupError};

const LONGEST_VARINT: usize = 5;

/// The order of a length field's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endian {
    /// Most significant byte first.
    Big,
    /// Least significant byte first.
    Little,
}

/// The shape of a length field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthWidth {
    /// One byte.
    U8,
    /// Two bytes.
    U16(Endian),
    /// Four bytes.
    U32(Endian),
    /// Base 128, least significant group first, at most five bytes (as protobuf writes its lengths).
    Varint,
}

/// A word that names no [`LengthWidth`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown length `{word}`; known are u8, u16be, u16le, u32be, u32le and varint")]
pub struct UnknownLengthWidth {
    /// The word that was given.
    pub word: String,
}

/// A frame with a length field, as Netty's `LengthFieldBasedFrameDecoder` has it.
///
/// Without an offset the field stands first, and is not part of the payload. With an offset, `offset` bytes of another
/// header stand before the field. As in Netty (with `initialBytesToStrip` 0) that header then belongs to the message, so
/// the payload is the *whole* frame: header, length field, body. A payload to send must have the same shape; the value of
/// its length field is filled in, whatever stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LengthFraming {
    /// The length field's shape.
    pub width: LengthWidth,
    /// Bytes of other header before the length field.
    pub offset: usize,
    /// Whether the length counts the whole frame from its first byte; else it counts what follows the length field.
    pub inclusive: bool,
    /// The largest payload, in bytes.
    pub max: usize,
}

impl LengthWidth {
    /// The words that [`LengthWidth::from_str`] knows.
    pub const NAMES: [&str; 6] = ["u8", "u16be", "u16le", "u32be", "u32le", "varint"];

    /// The field's value and size, or how many bytes are needed for it.
    #[inline]
    fn read(self, bytes: &[u8]) -> Result<Result<(u64, usize), usize>, FramingError> {
        Ok(match self {
            LengthWidth::U8 => bytes.first().map(|byte| (u64::from(*byte), 1)).ok_or(1),
            LengthWidth::U16(endian) => bytes.first_chunk().map(|field| (endian.u16(*field), 2)).ok_or(2),
            LengthWidth::U32(endian) => bytes.first_chunk().map(|field| (endian.u32(*field), 4)).ok_or(4),
            LengthWidth::Varint => return read_varint(bytes),
        })
    }

    /// Bytes that are reserved for the field before the payload's size is known.
    fn least_size(self) -> usize {
        match self {
            LengthWidth::U8 | LengthWidth::Varint => 1,
            LengthWidth::U16(_) => 2,
            LengthWidth::U32(_) => 4,
        }
    }

    fn greatest_size(self) -> usize {
        match self {
            LengthWidth::Varint => LONGEST_VARINT,
            fixed => fixed.least_size(),
        }
    }

    fn greatest_value(self) -> u64 {
        match self {
            LengthWidth::U8 => u64::from(u8::MAX),
            LengthWidth::U16(_) => u64::from(u16::MAX),
            LengthWidth::U32(_) | LengthWidth::Varint => u64::from(u32::MAX),
        }
    }
}

impl FromStr for LengthWidth {
    type Err = UnknownLengthWidth;

    fn from_str(word: &str) -> Result<Self, UnknownLengthWidth> {
        Ok(match word {
            "u8" => LengthWidth::U8,
            "u16be" => LengthWidth::U16(Endian::Big),
            "u16le" => LengthWidth::U16(Endian::Little),
            "u32be" => LengthWidth::U32(Endian::Big),
            "u32le" => LengthWidth::U32(Endian::Little),
            "varint" => LengthWidth::Varint,
            _ => return Err(UnknownLengthWidth { word: word.to_owned() }),
        })
    }
}

impl fmt::Display for LengthWidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LengthWidth::U8 => "u8",
            LengthWidth::U16(Endian::Big) => "u16be",
            LengthWidth::U16(Endian::Little) => "u16le",
            LengthWidth::U32(Endian::Big) => "u32be",
            LengthWidth::U32(Endian::Little) => "u32le",
            LengthWidth::Varint => "varint",
        })
    }
}

impl Endian {
    #[inline]
    fn u16(self, field: [u8; 2]) -> u64 {
        u64::from(match self {
            Endian::Big => u16::from_be_bytes(field),
            Endian::Little => u16::from_le_bytes(field),
        })
    }

    #[inline]
    fn u32(self, field: [u8; 4]) -> u64 {
        u64::from(match self {
            Endian::Big => u32::from_be_bytes(field),
            Endian::Little => u32::from_le_bytes(field),
        })
    }

    /// Writes the low bytes of `value` over the whole of `field`.
    #[inline]
    fn write(self, value: u32, field: &mut [u8]) {
        let size = field.len();
        match self {
            Endian::Big => field.copy_from_slice(&value.to_be_bytes()[4 - size..]),
            Endian::Little => field.copy_from_slice(&value.to_le_bytes()[..size]),
        }
    }
}

impl LengthFraming {
    /// A plain length prefix with the default maximum: 64 KiB behind two bytes, 1 MiB else.
    pub fn new(width: LengthWidth) -> LengthFraming {
        let max = match width {
            LengthWidth::U16(_) => DEFAULT_MAX_U16,
            _ => DEFAULT_MAX,
        };
        LengthFraming { width, offset: 0, inclusive: false, max }
    }

    #[inline]
    pub(super) fn cut(&self, bytes: &[u8]) -> Result<Cut, FramingError> {
        let field = bytes.get(self.offset..).unwrap_or_default();
        let (value, width) = match self.width.read(field)? {
            Ok(read) => read,
            Err(need) => return Ok(Cut::Need(self.offset + need)),
        };
        let header = self.offset + width;
        let body = match value.checked_sub(header as u64) {
            _ if !self.inclusive => value,
            Some(body) => body,
            None => return Err(FramingError::TooShort { length: value, header }),
        };
        let kept = if self.offset == 0 { 0 } else { header };
        let length = body + kept as u64;
        if length > self.max as u64 {
            return Err(FramingError::TooLong { length, max: self.max });
        }
        // The check above keeps the length within `max`, so it fits.
        let used = header + body as usize;
        if bytes.len() < used {
            return Ok(Cut::Need(used));
        }
        Ok(Cut::Frame { payload: header - kept..used, used })
    }

    #[inline]
    pub(super) fn reserve(&self, out: &mut Vec<u8>) {
        if self.offset == 0 {
            out.extend_from_slice(&[0; 4][..self.width.least_size()]);
        }
    }

    #[inline]
    pub(super) fn finish(&self, out: &mut Vec<u8>, start: usize) -> Result<(), FramingError> {
        let header = self.offset + self.width.least_size();
        let frame = out.len() - start;
        let body = frame.checked_sub(header).ok_or(FramingError::NoHeader { length: frame, header })?;
        let length = if self.offset == 0 { body } else { frame };
        if length > self.max {
            return Err(FramingError::TooLong { length: length as u64, max: self.max });
        }
        if self.width == LengthWidth::Varint {
            return self.finish_varint(out, start, body);
        }
        let value = self.checked_value(if self.inclusive { frame } else { body }, frame - body)?;
        let endian = match self.width {
            LengthWidth::U16(endian) | LengthWidth::U32(endian) => endian,
            LengthWidth::U8 | LengthWidth::Varint => Endian::Little,
        };
        endian.write(value, &mut out[start + self.offset..start + header]);
        Ok(())
    }

    /// Writes the varint in the one byte kept for it, or moves the payload up by what it takes more.
    fn finish_varint(&self, out: &mut Vec<u8>, start: usize, body: usize) -> Result<(), FramingError> {
        let counted = |size: usize| if self.inclusive { body + size } else { body };
        let size =
            (1..LONGEST_VARINT).find(|size| counted(*size) >> (7 * size) == 0).unwrap_or(LONGEST_VARINT);
        let mut value = self.checked_value(counted(size), size)?;
        let end = out.len();
        out.resize(end + size - 1, 0);
        out.copy_within(start + 1..end, start + size);
        for (place, byte) in out[start..start + size].iter_mut().enumerate() {
            let more = if place + 1 < size { 0x80 } else { 0 };
            *byte = (value & 0x7f) as u8 | more;
            value >>= 7;
        }
        Ok(())
    }

    fn checked_value(&self, value: usize, header: usize) -> Result<u32, FramingError> {
        let greatest = self.width.greatest_value();
        match u32::try_from(value) {
            Ok(fits) if u64::from(fits) <= greatest => Ok(fits),
            _ => {
                let uncounted = if self.inclusive { header } else { 0 };
                let max = usize::try_from(greatest).unwrap_or(usize::MAX).saturating_sub(uncounted);
                Err(FramingError::TooLong { length: (value - uncounted) as u64, max })
            }
        }
    }

    /// The bytes that stand before the body while a frame is written.
    pub(super) fn reserved(&self) -> usize {
        if self.offset == 0 { self.width.least_size() } else { self.header_in_payload() }
    }

    pub(super) fn limit(&self) -> usize {
        let outside = if self.offset == 0 { self.width.greatest_size() } else { 0 };
        self.max.saturating_add(outside)
    }

    pub(super) fn header_in_payload(&self) -> usize {
        if self.offset == 0 { 0 } else { self.offset.saturating_add(self.width.least_size()) }
    }

    pub(super) fn validate(&self) -> Result<(), FramingSetupError> {
        if self.width == LengthWidth::Varint && self.offset > 0 {
            return Err(FramingSetupError::VarintOffset);
        }
        let least = self.header_in_payload().max(1);
        if self.max < least {
            return Err(FramingSetupError::SmallMax { max: self.max, least });
        }
        Ok(())
    }
}

fn read_varint(bytes: &[u8]) -> Result<Result<(u64, usize), usize>, FramingError> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().take(LONGEST_VARINT).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Ok((value, place + 1)));
        }
    }
    if bytes.len() >= LONGEST_VARINT { Err(FramingError::LongVarint) } else { Ok(Err(bytes.len() + 1)) }
}
