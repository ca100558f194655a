//! The layout of one message: a count, that many 16-bit records, then the data blocks.
//! [`RecordWriter`] lays one out in place, [`RecordReader`] walks one without trusting it.

use std::ops::Range;

use crate::decode::{DecodeErrorKind, Fault};

/// The record that says "the value is the next data block".
pub(crate) const BLOCK: u16 = 0;

const COUNT: usize = 2;
const RECORD: usize = 2;
pub(crate) const LENGTH: usize = 4;

/// Returns the record of `value`; what does not fit one is appended to `out` as a block.
#[inline]
pub(crate) fn write_integer(value: i64, out: &mut Vec<u8>) -> u16 {
    // 0x7fff would need 0x10000.
    if (0..0x7fff).contains(&value) {
        return (value as u16 + 1) * 2;
    }
    if let Ok(small) = i32::try_from(value) {
        out.extend_from_slice(&4u32.to_le_bytes());
        out.extend_from_slice(&small.to_le_bytes());
    } else {
        out.extend_from_slice(&8u32.to_le_bytes());
        out.extend_from_slice(&value.to_le_bytes());
    }
    BLOCK
}

/// Writes the records of one message while its data blocks are appended behind them.
///
/// How many records there will be is known only afterwards, so room for the most there can be is left, and the data
/// moves down over what was not needed.
pub(crate) struct RecordWriter {
    start: usize,
    next: usize,
    data: usize,
    next_tag: u32,
}

impl RecordWriter {
    /// Begins a message at the end of `out` that takes at most `most` records, skips included.
    #[inline]
    pub(crate) fn begin(out: &mut Vec<u8>, most: u16) -> RecordWriter {
        let start = out.len();
        let data = start + COUNT + RECORD * usize::from(most);
        out.resize(data, 0);
        RecordWriter { start, next: start + COUNT, data, next_tag: 0 }
    }

    /// Adds the record of `tag`, which must be larger than the ones before.
    #[inline]
    pub(crate) fn record(&mut self, out: &mut [u8], tag: u16, record: u16) {
        let gap = u32::from(tag) - self.next_tag;
        if gap > 0 {
            self.put(out, (gap * 2 - 1) as u16);
        }
        self.put(out, record);
        self.next_tag = u32::from(tag) + 1;
    }

    /// Ends the message: the count is patched in and unused room is closed.
    #[inline]
    pub(crate) fn finish(self, out: &mut Vec<u8>) {
        let count = (self.next - self.start - COUNT) / RECORD;
        out[self.start..self.start + COUNT].copy_from_slice(&(count as u16).to_le_bytes());
        if self.next < self.data {
            let end = out.len();
            out.copy_within(self.data..end, self.next);
            out.truncate(end - (self.data - self.next));
        }
    }

    #[inline]
    fn put(&mut self, out: &mut [u8], record: u16) {
        out[self.next..self.next + RECORD].copy_from_slice(&record.to_le_bytes());
        self.next += RECORD;
    }
}

/// What a record holds.
pub(crate) enum Content {
    /// A value in the record itself, which stands at `offset`.
    Inline { value: u16, offset: usize },
    /// Where the block's bytes are, the length not included.
    Block(Range<usize>),
}

impl Content {
    /// The data block, for a type that needs one.
    #[inline]
    pub(crate) fn block(self) -> Result<Range<usize>, Fault> {
        match self {
            Content::Block(block) => Ok(block),
            Content::Inline { offset, .. } => Err(Fault::new(DecodeErrorKind::Inline, offset)),
        }
    }
}

/// Walks the records of one message in a larger buffer; positions are those of the buffer.
pub(crate) struct RecordReader<'a> {
    bytes: &'a [u8],
    next: usize,
    records_end: usize,
    data: usize,
    end: usize,
    next_tag: u32,
}

impl<'a> RecordReader<'a> {
    #[inline]
    pub(crate) fn open(bytes: &'a [u8], span: Range<usize>) -> Result<RecordReader<'a>, Fault> {
        let records = span.start + COUNT;
        if records > span.end {
            return Err(Fault::new(DecodeErrorKind::HeaderTruncated, span.start));
        }
        let count = u16::from_le_bytes([bytes[span.start], bytes[span.start + 1]]);
        let data = records + RECORD * usize::from(count);
        if data > span.end {
            return Err(Fault::new(DecodeErrorKind::HeaderTruncated, span.start));
        }
        Ok(RecordReader { bytes, next: records, records_end: data, data, end: span.end, next_tag: 0 })
    }

    /// The next record that holds something, with its tag.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Content)>, Fault> {
        while self.next < self.records_end {
            let record = u16::from_le_bytes([self.bytes[self.next], self.bytes[self.next + 1]]);
            self.next += RECORD;
            // At most 65,535 records that step 32,768 tags each: this stays below 2^31.
            let tag = self.next_tag;
            if record & 1 == 1 {
                self.next_tag = tag + u32::from(record).div_ceil(2);
                continue;
            }
            self.next_tag = tag + 1;
            return Ok(Some((tag, self.content(record)?)));
        }
        Ok(None)
    }

    /// Where the data that was walked ends.
    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.data
    }

    /// Refuses bytes behind the last data block.
    #[inline]
    pub(crate) fn finish(&self) -> Result<(), Fault> {
        match self.end - self.data {
            0 => Ok(()),
            count => Err(Fault::new(DecodeErrorKind::Trailing { count }, self.data)),
        }
    }

    #[inline]
    fn content(&mut self, record: u16) -> Result<Content, Fault> {
        if record != BLOCK {
            return Ok(Content::Inline { value: record / 2 - 1, offset: self.next - RECORD });
        }
        let block = block_at(self.bytes, self.data..self.end)?;
        self.data = block.end;
        Ok(Content::Block(block))
    }
}

/// The block whose length stands at the start of `span`.
#[inline]
pub(crate) fn block_at(bytes: &[u8], span: Range<usize>) -> Result<Range<usize>, Fault> {
    let Some(&length) = bytes[span.clone()].first_chunk::<LENGTH>() else {
        return Err(Fault::new(DecodeErrorKind::LengthTruncated, span.start));
    };
    let length = u32::from_le_bytes(length);
    let start = span.start + LENGTH;
    let left = span.end - start;
    // Compared with what is left, never added to a position: the reference's sum wraps.
    if length as usize > left {
        return Err(Fault::new(DecodeErrorKind::BlockTruncated { length, left }, span.start));
    }
    Ok(start..start + length as usize)
}
