//! Why bytes could not be decoded.

use crate::MAX_DEPTH;

/// Why bytes could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset} ({place})")]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// Where in the input, in bytes from its start.
    pub offset: usize,
    /// `Message`, `Message.field` or `Message.field[index]`, the index from 1.
    pub place: Box<str>,
}

/// What can be wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// A varint without its last byte.
    #[error("a number is cut short")]
    VarintTruncated,
    /// A varint of more than 64 bits.
    #[error("a number of more than 64 bits")]
    VarintTooLong,
    /// Fewer than the 4 or 8 bytes of a fixed-size value.
    #[error("a fixed-size number is cut short")]
    FixedTruncated,
    /// A length that reaches past the message around it.
    #[error("a length of {length} bytes where {left} are left")]
    LengthTooLarge {
        /// The length.
        length: u64,
        /// The bytes there are.
        left: usize,
    },
    /// A field number that cannot be.
    #[error("field number {0}, which cannot be")]
    FieldNumber(u64),
    /// Wire type 6 or 7.
    #[error("wire type {0}, which does not exist")]
    UnknownWireType(u8),
    /// A value that stands in another way on the wire than its field's type asks for.
    #[error("{found} where field {number} needs {wanted}")]
    WireType {
        /// The field's number.
        number: u32,
        /// How it must stand there, with its article.
        wanted: &'static str,
        /// How it stands there, with its article.
        found: &'static str,
    },
    /// A packed array whose length is no multiple of its elements'.
    #[error("a packed array of {length} bytes, which are no elements of {width}")]
    PackedLength {
        /// Bytes of the array.
        length: usize,
        /// Bytes of an element.
        width: usize,
    },
    /// The end of a group that did not begin, or inside another.
    #[error("the end of group {0}, which is not open here")]
    GroupEnd(u32),
    /// A group without its end.
    #[error("group {0} has no end")]
    GroupTruncated(u32),
    /// Messages or groups nested too deeply.
    #[error("more than {MAX_DEPTH} nested messages")]
    TooDeep,
}
