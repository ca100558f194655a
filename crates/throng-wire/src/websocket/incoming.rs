//! What of the peer's messages is half received.

use super::WebSocketError;
use super::frame::{Header, Opcode};
use super::utf8::Utf8;

/// A delivered buffer above this size is given back, so that one large message does not stay with an idle connection.
const KEPT_BUFFER: usize = 4096;

/// The message being received and the bytes that had to be copied for it.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// The message whose last frame has not ended yet.
    pub(super) message: Option<Kind>,
    /// Bytes of that message so far.
    length: usize,
    utf8: Utf8,
    /// The frame whose content is being read as a stream.
    pub(super) frame: Option<OpenFrame>,
    /// Fragments of a message, or the half frame that began in an earlier WebSocket frame.
    pub(super) buffer: Vec<u8>,
    /// Bytes from the last `Need` that are known to end no frame of the inner framing.
    pub(super) scanned: usize,
    /// Whether the buffer was lent out by the last cut.
    pub(super) delivered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct OpenFrame {
    pub(super) header: Header,
    /// Bytes of content already taken.
    pub(super) taken: usize,
    /// Bytes of content still to come.
    pub(super) remaining: usize,
}

impl Incoming {
    pub(super) fn at_rest(&self) -> bool {
        self.message.is_none() && (self.delivered || self.buffer.is_empty())
    }

    /// Empties the buffer if its content has been used up.
    #[inline]
    pub(super) fn drop_delivered(&mut self) {
        if std::mem::take(&mut self.delivered) {
            self.buffer.clear();
            self.buffer.shrink_to(KEPT_BUFFER);
        }
    }

    /// Whether a frame with content may come here.
    #[inline]
    pub(super) fn check_order(&self, header: &Header) -> Result<(), WebSocketError> {
        match (header.opcode, self.message) {
            (Opcode::Continuation, None) => Err(WebSocketError::NothingToContinue),
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(WebSocketError::UnfinishedMessage),
            _ => Ok(()),
        }
    }

    /// The message's length with this frame, if it is within the limit.
    #[inline]
    pub(super) fn check_length(&self, header: &Header, max: usize) -> Result<usize, WebSocketError> {
        let before = if self.message.is_some() { self.length } else { 0 };
        let length = header.length.saturating_add(before as u64);
        // Within `max`, so it fits.
        if length > max as u64 { Err(WebSocketError::TooLong { length, max }) } else { Ok(length as usize) }
    }

    /// Begins or continues the message with a frame whose header was checked.
    pub(super) fn enter(&mut self, header: &Header, length: usize) {
        match header.opcode {
            Opcode::Text => self.message = Some(Kind::Text),
            Opcode::Binary => self.message = Some(Kind::Binary),
            _ => {}
        }
        self.length = length;
    }

    /// Takes note of content read; `last` when the message ends with it.
    pub(super) fn check_text(&mut self, content: &[u8], last: bool) -> Result<(), WebSocketError> {
        if self.message == Some(Kind::Text) && !(self.utf8.feed(content) && (!last || self.utf8.finish())) {
            return Err(WebSocketError::TextNotUtf8);
        }
        if last {
            self.message = None;
        }
        Ok(())
    }
}
