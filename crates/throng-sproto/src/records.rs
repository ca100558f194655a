//! The layout of one message: a count, that many 16-bit records, then the data blocks.
//! [`RecordWriter`] lays one out in place.

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
        // The length below, the value above: one write instead of two.
        let block = u64::from(small as u32) << 32 | 4;
        out.extend_from_slice(&block.to_le_bytes());
    } else {
        write_eight(value.to_le_bytes(), out);
    }
    BLOCK
}

/// Appends `value` as a block.
#[inline]
pub(crate) fn write_double(value: f64, out: &mut Vec<u8>) {
    write_eight(value.to_le_bytes(), out);
}

#[inline]
fn write_eight(bytes: [u8; 8], out: &mut Vec<u8>) {
    let block = u128::from(u64::from_le_bytes(bytes)) << 32 | 8;
    out.extend_from_slice(&block.to_le_bytes()[..12]);
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
