//! Frames that end with a byte sequence, such as lines.

use memchr::memmem::Finder;

use super::{Cut, FramingError, FramingSetupError};

/// A frame that ends with a delimiter, which is not part of the payload.
#[derive(Debug, Clone)]
pub struct DelimiterFraming {
    /// Large, and only one of the framings has it.
    finder: Box<Finder<'static>>,
    max: usize,
}

impl DelimiterFraming {
    /// Frames that end with `delimiter` and have at most `max` bytes before it.
    pub fn new(delimiter: &[u8], max: usize) -> DelimiterFraming {
        DelimiterFraming { finder: Box::new(Finder::new(delimiter).into_owned()), max }
    }

    /// The bytes that end a frame.
    pub fn delimiter(&self) -> &[u8] {
        self.finder.needle()
    }

    /// The largest payload, in bytes.
    pub fn max(&self) -> usize {
        self.max
    }

    #[inline]
    pub(super) fn cut_after(&self, bytes: &[u8], scanned: usize) -> Result<Cut, FramingError> {
        let window = &bytes[..bytes.len().min(self.limit())];
        // A delimiter may have begun in the bytes already searched.
        let from = scanned.min(window.len()).saturating_sub(self.delimiter().len().saturating_sub(1));
        match self.find(&window[from..]) {
            Some(at) => Ok(Cut::Frame { payload: 0..from + at, used: from + at + self.delimiter().len() }),
            None if bytes.len() >= self.limit() => Err(FramingError::NoDelimiter { max: self.max }),
            None => Ok(Cut::Need(bytes.len() + 1)),
        }
    }

    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match self.delimiter() {
            [byte] => memchr::memchr(*byte, bytes),
            _ => self.finder.find(bytes),
        }
    }

    pub(super) fn finish(&self, out: &mut Vec<u8>, start: usize) -> Result<(), FramingError> {
        let length = out.len() - start;
        if length > self.max {
            return Err(FramingError::TooLong { length: length as u64, max: self.max });
        }
        out.extend_from_slice(self.delimiter());
        // Searched with the delimiter in place: "a\n" before "\n\n" ends one byte early.
        match self.find(&out[start..]) {
            Some(at) if at == length => Ok(()),
            _ => Err(FramingError::DelimiterInside),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.max.saturating_add(self.delimiter().len())
    }

    pub(super) fn validate(&self) -> Result<(), FramingSetupError> {
        if self.delimiter().is_empty() {
            return Err(FramingSetupError::EmptyDelimiter);
        }
        if self.max == 0 {
            return Err(FramingSetupError::SmallMax { max: 0, least: 1 });
        }
        Ok(())
    }
}
