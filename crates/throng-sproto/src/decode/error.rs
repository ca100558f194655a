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
    /// `Type`, `Type.field` or `Type.field[index]`, the index from 1.
    pub place: Box<str>,
}

/// What can be wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// Fewer bytes than the header, or than the records it promises.
    #[error("the message's header is cut short")]
    HeaderTruncated,
    /// Fewer than four bytes where a block's length must be.
    #[error("a data block's length is missing")]
    LengthTruncated,
    /// A data block that reaches past its surroundings.
    #[error("a data block of {length} bytes where {left} are left")]
    BlockTruncated {
        /// The length the block claims.
        length: u32,
        /// The bytes there are.
        left: usize,
    },
    /// A value in the record where the field's type needs a data block.
    #[error("an inline value where a data block is needed")]
    Inline,
    /// A data block where the field's type needs a value in the record.
    #[error("a data block where an inline value is needed")]
    Block,
    /// A number in a data block that is neither 4 nor 8 bytes long.
    #[error("a number of {0} bytes")]
    NumberLength(usize),
    /// A double of 4 bytes, which has no meaning.
    #[error("a double of 4 bytes")]
    ShortDouble,
    /// A number array whose width byte is neither 4 nor 8.
    #[error("an array of numbers of {0} bytes each")]
    ElementWidth(u8),
    /// A number array whose length is no multiple of its width.
    #[error("an array of {length} bytes that does not divide into elements of {width}")]
    ArrayLength {
        /// Bytes after the width byte.
        length: usize,
        /// Bytes an element.
        width: usize,
    },
    /// Bytes left over at the end of a nested message.
    #[error("{count} bytes left over in a nested message")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// Structs nested too deeply.
    #[error("more than {MAX_DEPTH} nested structs")]
    TooDeep,
    /// A map entry without its key.
    #[error("a map entry without its key")]
    MissingKey,
    /// A `*T()` entry without its value.
    #[error("a map entry without its value")]
    MissingValue,
    /// A map whose key field is an array: such maps can be written, but not read.
    #[error("a map whose key is an array")]
    ArrayKey,
    /// An RPC header whose type is no protocol tag.
    #[error("a package type of {0}")]
    PackageType(i64),
}
