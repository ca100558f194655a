//! Reading one message without trusting it: a count, that many 16-bit records, then the data blocks.
//!
//! The walk takes blocks as slices and carries no positions; where something was wrong is told by its address, which is
//! turned into a position once there is an error to tell.
#![allow(missing_docs)] // public for generated code only, in a hidden module

use crate::decode::{DecodeError, DecodeErrorKind};
use crate::records::LENGTH;

/// What stands in a message where there should be something else.
#[derive(Debug)]
pub struct Failure {
    kind: DecodeErrorKind,
    /// Of the byte where it stands.
    address: usize,
    ty: Option<&'static str>,
    field: Option<&'static str>,
    index: Option<usize>,
}

pub(crate) type Done<T = ()> = Result<T, Box<Failure>>;

impl Failure {
    /// `at` begins where it stands.
    #[cold]
    pub(crate) fn new(kind: DecodeErrorKind, at: &[u8]) -> Box<Failure> {
        Box::new(Failure { kind, address: at.as_ptr().addr(), ty: None, field: None, index: None })
    }

    /// A failure that is told by where a block's length stands.
    #[cold]
    pub(crate) fn of_block(kind: DecodeErrorKind, block: &[u8]) -> Box<Failure> {
        let mut failure = Failure::new(kind, block);
        failure.address -= LENGTH;
        failure
    }

    /// Fills in the type and its field, unless the failure is deeper inside.
    #[cold]
    #[must_use]
    pub fn at(mut self: Box<Self>, ty: &'static str, field: Option<&'static str>) -> Box<Failure> {
        if self.ty.is_none() {
            self.ty = Some(ty);
            self.field = field;
        }
        self
    }

    #[cold]
    pub(crate) fn element(mut self: Box<Self>, index: usize) -> Box<Failure> {
        if self.ty.is_none() {
            self.index = Some(index);
        }
        self
    }

    pub(crate) fn into_parts(self) -> (DecodeErrorKind, usize) {
        (self.kind, self.address)
    }

    /// The position in the input it was found in.
    fn offset(&self, input: &[u8]) -> usize {
        self.address.saturating_sub(input.as_ptr().addr())
    }

    /// The error, of the input it was found in, by the place that generated code filled in.
    #[cold]
    pub(crate) fn into_error(self, input: &[u8]) -> DecodeError {
        let mut place = self.ty.unwrap_or_default().to_owned();
        if let Some(field) = self.field {
            place = format!("{place}.{field}");
        }
        if let Some(index) = self.index {
            place = format!("{place}[{}]", index + 1);
        }
        let offset = self.offset(input);
        DecodeError { kind: self.kind, offset, place: place.into() }
    }

    /// The error at a place that is known otherwise.
    #[cold]
    pub(crate) fn placed(self, input: &[u8], place: impl Into<Box<str>>) -> DecodeError {
        let offset = self.offset(input);
        DecodeError { kind: self.kind, offset, place: place.into() }
    }
}

/// What a record holds.
#[derive(Clone, Copy)]
pub enum Content<'b> {
    /// A value, and the record it stands in.
    Inline(u16, &'b [u8; 2]),
    /// The block's bytes, its length not included.
    Block(&'b [u8]),
}

impl<'b> Content<'b> {
    /// The data block, for a type that needs one.
    #[inline(always)]
    pub(crate) fn block(self) -> Done<&'b [u8]> {
        match self {
            Content::Block(block) => Ok(block),
            Content::Inline(_, record) => Err(Failure::new(DecodeErrorKind::Inline, record)),
        }
    }

    /// An integer: inline, or a block of 4 or 8 bytes.
    #[inline(always)]
    pub(crate) fn integer(self) -> Done<i64> {
        match self {
            Content::Inline(value, _) => Ok(i64::from(value)),
            Content::Block(block) => match block.len() {
                4 | 8 => Ok(widened(block)),
                length => Err(Failure::of_block(DecodeErrorKind::NumberLength(length), block)),
            },
        }
    }

    /// A double: a block of 8 bytes.
    #[inline(always)]
    pub(crate) fn double(self) -> Done<f64> {
        let block = self.block()?;
        match block.try_into() {
            Ok(bytes) => Ok(f64::from_le_bytes(bytes)),
            // The reference reads the bits of a sign-extended integer there, which is no number anyone wrote.
            Err(_) if block.len() == 4 => Err(Failure::of_block(DecodeErrorKind::ShortDouble, block)),
            Err(_) => Err(Failure::of_block(DecodeErrorKind::NumberLength(block.len()), block)),
        }
    }

    /// A boolean: inline, true if not zero.
    #[inline(always)]
    pub(crate) fn boolean(self) -> Done<bool> {
        match self {
            Content::Inline(value, _) => Ok(value != 0),
            Content::Block(block) => Err(Failure::new(DecodeErrorKind::Block, block)),
        }
    }
}

/// 4 or 8 bytes as an integer.
#[inline(always)]
pub(crate) fn widened(bytes: &[u8]) -> i64 {
    match bytes.try_into() {
        Ok(bytes) => i64::from_le_bytes(bytes),
        Err(_) => bytes.first_chunk().map_or(0, |bytes| i64::from(i32::from_le_bytes(*bytes))),
    }
}

/// Walks the records of a message.
pub struct Reader<'b> {
    records: &'b [u8],
    data: &'b [u8],
    next_tag: u32,
}

impl<'b> Reader<'b> {
    #[inline(always)]
    pub fn open(bytes: &'b [u8]) -> Done<Reader<'b>> {
        let open = || {
            let (count, rest) = bytes.split_first_chunk()?;
            rest.split_at_checked(usize::from(u16::from_le_bytes(*count)) * 2)
        };
        match open() {
            Some((records, data)) => Ok(Reader { records, data, next_tag: 0 }),
            None => Err(Failure::new(DecodeErrorKind::HeaderTruncated, bytes)),
        }
    }

    /// How many records hold something.
    #[inline(always)]
    pub(crate) fn present(&self) -> usize {
        self.records.chunks_exact(2).filter(|record| record[0] & 1 == 0).count()
    }

    /// The next record that holds something, with its tag.
    #[inline(always)]
    #[allow(clippy::should_implement_trait)] // it can fail, and ends only once
    pub fn next(&mut self) -> Done<Option<(u32, Content<'b>)>> {
        while let Some((record, rest)) = self.records.split_first_chunk() {
            self.records = rest;
            let value = u16::from_le_bytes(*record);
            // At most 65,535 records that step 32,768 tags each: this stays below 2^31.
            let tag = self.next_tag;
            if value & 1 == 1 {
                self.next_tag = tag + u32::from(value).div_ceil(2);
                continue;
            }
            self.next_tag = tag + 1;
            if value != 0 {
                return Ok(Some((tag, Content::Inline(value / 2 - 1, record))));
            }
            let (block, rest) = cut(self.data)?;
            self.data = rest;
            return Ok(Some((tag, Content::Block(block))));
        }
        Ok(None)
    }

    /// What follows the blocks that were walked.
    #[inline(always)]
    pub fn rest(&self) -> &'b [u8] {
        self.data
    }
}

/// The block whose length stands at the front of `bytes`, and what follows it.
#[inline(always)]
pub(crate) fn cut(bytes: &[u8]) -> Done<(&[u8], &[u8])> {
    let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() else {
        return Err(Failure::new(DecodeErrorKind::LengthTruncated, bytes));
    };
    // Compared with what is left, never added to a position: the reference's sum wraps.
    let length = u32::from_le_bytes(*length);
    match rest.split_at_checked(length as usize) {
        Some(parts) => Ok(parts),
        None => Err(Failure::new(DecodeErrorKind::BlockTruncated { length, left: rest.len() }, bytes)),
    }
}

/// Refuses bytes that are left over at the end of a nested message.
#[inline(always)]
pub(crate) fn expect_end(rest: &[u8]) -> Done {
    match rest {
        [] => Ok(()),
        _ => Err(Failure::new(DecodeErrorKind::Trailing { count: rest.len() }, rest)),
    }
}
