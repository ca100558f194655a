//! Framing: where one message ends and the next begins in a stream of bytes.
//!
//! A [`Framing`] is immutable and shared; it keeps nothing of a stream. Whoever reads the stream keeps the incomplete
//! tail and offers it again with more bytes behind it. Start at [`Framing::cut`] for what arrives and at
//! [`Framing::begin`] for what leaves.

mod delimiter;
pub(crate) mod field;
pub(crate) mod header;
mod length;

use std::ops::Range;

use crate::Direction;

pub use delimiter::DelimiterFraming;
pub use field::{FieldError, FieldSpec, FieldType};
pub use header::{Covers, HeaderFraming};
pub use length::{Endian, LengthFraming, LengthWidth, UnknownLengthWidth};

/// The largest payload a framing accepts when nothing else is said: 1 MiB.
pub const DEFAULT_MAX: usize = 1 << 20;
/// The largest payload behind a two-byte length when nothing else is said: 64 KiB, which is all such a length can say.
pub const DEFAULT_MAX_U16: usize = 1 << 16;
/// The largest maximum and offset that can be asked for: 1 GiB.
pub const GREATEST_MAX: usize = 1 << 30;

/// How a stream of bytes is cut into frames.
#[derive(Debug, Clone)]
pub enum Framing {
    /// A length field tells how long the frame is.
    Length(LengthFraming),
    /// A byte sequence ends each frame.
    Delimiter(DelimiterFraming),
    /// A length among the fields of a header tells how long the frame is.
    Header(Box<HeaderFraming>),
    /// Every frame has this many bytes.
    Fixed(usize),
    /// The layer below has messages, and each is one frame; only possible inside WebSocket.
    Message,
    /// A function of the host's cuts the frames, of at most so many bytes. Here they are taken for whatever the layer below
    /// brings.
    Own(usize),
}

/// What the start of a stream holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// No whole frame yet: at least this many bytes in all are needed, always more than were offered.
    Need(usize),
    /// A whole frame stands at the start.
    Frame {
        /// Where its payload lies in the bytes offered.
        payload: Range<usize>,
        /// How many bytes the frame takes with its header or delimiter.
        used: usize,
    },
}

/// Where a frame that is being written begins in its output buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a begun frame is not valid before it is finished"]
pub struct Mark(pub(crate) usize);

/// Bytes that are no frame, or a payload that cannot become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// The frame is longer than the framing allows.
    #[error("a frame of {length} bytes is longer than the maximum of {max}")]
    TooLong {
        /// The length met, in bytes of payload.
        length: u64,
        /// The largest payload allowed, in bytes.
        max: usize,
    },
    /// An inclusive length is smaller than the header it counts.
    #[error("an inclusive length of {length} is smaller than the {header} bytes of its header")]
    TooShort {
        /// The value of the length field.
        length: u64,
        /// The size of the header, in bytes.
        header: usize,
    },
    /// A varint goes on for more than the five bytes of a length, or the ten of another field.
    #[error("a varint is longer than any number")]
    LongVarint,
    /// A header's constant is not what it always is: the stream is not made of such frames, or has lost its step.
    #[error("the header's `{field}` is {found}, not {wanted}")]
    Constant {
        /// The field.
        field: Box<str>,
        /// What it always is.
        wanted: i64,
        /// What came.
        found: i64,
    },
    /// No delimiter came within the maximum.
    #[error("no delimiter within {max} bytes")]
    NoDelimiter {
        /// The largest payload allowed, in bytes.
        max: usize,
    },
    /// The protocol's own function refuses what came.
    #[error("{0}")]
    Own(Box<str>),
    /// A function that is asked again and again about one frame.
    #[error(
        "{shown} bytes were shown for one frame of which {length} are there: let `framing` say how many it has at least"
    )]
    Shown {
        /// Bytes that were shown so far.
        shown: u64,
        /// Bytes of the frame that are there.
        length: usize,
    },
    /// The rest of a message of the layer below, which must hold whole frames.
    #[error("{length} bytes at the end of a message are no whole frame")]
    Leftover {
        /// How many.
        length: usize,
    },
    /// A payload to send holds the delimiter, so the peer would see two frames.
    #[error("the payload contains the delimiter")]
    DelimiterInside,
    /// A payload to send does not have the fixed size.
    #[error("a payload of {length} bytes where every frame has {size}")]
    WrongSize {
        /// The payload's size, in bytes.
        length: usize,
        /// The size every frame has, in bytes.
        size: usize,
    },
    /// A payload to send is shorter than the header it must begin with.
    #[error("a payload of {length} bytes is shorter than its header of {header}")]
    NoHeader {
        /// The payload's size, in bytes.
        length: usize,
        /// The size of the header, in bytes.
        header: usize,
    },
}

/// A framing that could never work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FramingSetupError {
    /// The delimiter has no bytes.
    #[error("the delimiter is empty")]
    EmptyDelimiter,
    /// The fixed size is zero.
    #[error("a fixed frame size of 0")]
    ZeroSize,
    /// The maximum is zero, or does not even hold the header that counts as payload.
    #[error("a maximum of {max} bytes does not hold the smallest frame of {least}")]
    SmallMax {
        /// The maximum given, in bytes.
        max: usize,
        /// The smallest sensible one, in bytes.
        least: usize,
    },
    /// A maximum, size or offset is larger than [`GREATEST_MAX`].
    #[error("{bytes} bytes are more than the {GREATEST_MAX} a frame may have")]
    TooLarge {
        /// The number given.
        bytes: usize,
    },
    /// A varint length field behind other header bytes has no fixed place to be written to.
    #[error("a varint length cannot have an offset")]
    VarintOffset,
    /// A header without a length does not say where its frame ends.
    #[error("the header has no field `len`")]
    NoLength,
    /// A length that is always the same is none.
    #[error("`len` cannot be a constant")]
    ConstantLength,
    /// Two fields have one name.
    #[error("two fields are called `{name}`")]
    SameName {
        /// The name.
        name: Box<str>,
    },
}

impl Framing {
    /// Cuts the frame at the start of `bytes`.
    ///
    /// # Errors
    /// When no continuation of `bytes` could make it a frame; the stream is lost then.
    #[inline]
    pub fn cut(&self, bytes: &[u8]) -> Result<Cut, FramingError> {
        self.cut_after(bytes, 0)
    }

    /// Like [`Framing::cut`] where the first `scanned` bytes are known to end no frame, so that a slow peer's long line is
    /// not searched again for each byte.
    #[inline]
    pub(crate) fn cut_after(&self, bytes: &[u8], scanned: usize) -> Result<Cut, FramingError> {
        match self {
            Framing::Length(length) => length.cut(bytes),
            Framing::Delimiter(delimiter) => delimiter.cut_after(bytes, scanned),
            Framing::Header(header) => header.cut(bytes),
            Framing::Fixed(size) if bytes.len() < *size => Ok(Cut::Need(*size)),
            Framing::Fixed(size) => Ok(Cut::Frame { payload: 0..*size, used: *size }),
            Framing::Message | Framing::Own(_) if bytes.is_empty() => Ok(Cut::Need(1)),
            Framing::Message | Framing::Own(_) => {
                Ok(Cut::Frame { payload: 0..bytes.len(), used: bytes.len() })
            }
        }
    }

    /// Begins a frame at the end of `out`; its payload is appended next.
    #[inline]
    pub fn begin(&self, out: &mut Vec<u8>) -> Mark {
        let mark = Mark(out.len());
        if let Framing::Length(length) = self {
            length.reserve(out);
        }
        mark
    }

    /// Finishes the frame begun at `mark`, whose payload is all that was appended since.
    ///
    /// # Errors
    /// When the payload cannot be a frame; `out` is then as it was at `begin`.
    #[inline]
    pub fn finish(&self, out: &mut Vec<u8>, mark: Mark) -> Result<(), FramingError> {
        let finished = match self {
            Framing::Length(length) => length.finish(out, mark.0),
            Framing::Delimiter(delimiter) => delimiter.finish(out, mark.0),
            Framing::Header(header) => header.finish(out, mark.0),
            Framing::Fixed(size) if out.len() - mark.0 == *size => Ok(()),
            Framing::Fixed(size) => Err(FramingError::WrongSize { length: out.len() - mark.0, size: *size }),
            Framing::Message | Framing::Own(_) => Ok(()),
        };
        if finished.is_err() {
            out.truncate(mark.0);
        }
        finished
    }

    /// The most bytes a frame takes with its header or delimiter: what a reader must be ready to keep.
    pub fn limit(&self) -> usize {
        match self {
            Framing::Length(length) => length.limit(),
            Framing::Delimiter(delimiter) => delimiter.limit(),
            Framing::Header(header) => header.limit(),
            Framing::Fixed(size) => *size,
            Framing::Message => usize::MAX,
            Framing::Own(max) => *max,
        }
    }

    /// Where the body begins in a payload that was cut, or in a frame that is not finished yet.
    pub(crate) fn body_start(&self, frame: &[u8], direction: Direction) -> usize {
        let start = match (self, direction) {
            (Framing::Header(header), direction) => header.size(frame, direction),
            (Framing::Length(length), Direction::Sent) => length.reserved(),
            (Framing::Length(length), Direction::Received) => length.header_in_payload(),
            (Framing::Delimiter(_) | Framing::Fixed(_) | Framing::Message | Framing::Own(_), _) => 0,
        };
        start.min(frame.len())
    }

    /// The bytes before a frame's body that are handed over as part of the payload: none but with a length at an offset.
    pub fn header_in_payload(&self) -> usize {
        match self {
            Framing::Length(length) => length.header_in_payload(),
            _ => 0,
        }
    }

    /// Whether this framing can work at all.
    ///
    /// # Errors
    /// See [`FramingSetupError`].
    pub fn validate(&self) -> Result<(), FramingSetupError> {
        let asked = match self {
            Framing::Length(length) => length.validate().map(|()| length.max.max(length.offset)),
            Framing::Delimiter(delimiter) => delimiter.validate().map(|()| delimiter.max()),
            Framing::Header(header) => header.validate().map(|()| header.max),
            Framing::Fixed(0) => Err(FramingSetupError::ZeroSize),
            Framing::Fixed(size) => Ok(*size),
            Framing::Message => Ok(0),
            Framing::Own(0) => Err(FramingSetupError::ZeroSize),
            Framing::Own(max) => Ok(*max),
        }?;
        if asked > GREATEST_MAX { Err(FramingSetupError::TooLarge { bytes: asked }) } else { Ok(()) }
    }
}

#[cfg(test)]
pub(crate) mod tests;
