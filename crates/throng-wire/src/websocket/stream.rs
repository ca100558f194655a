//! Messages as a stream: a framing cuts what the messages hold, wherever one ends and the next begins.
//!
//! A frame that lies whole in one WebSocket frame is lent from the input. One that spans WebSocket frames, or arrives
//! masked, is put together in the buffer; the buffer never keeps bytes behind that frame, so that an input used up leaves
//! nothing to be cut.

use super::incoming::{Incoming, OpenFrame};
use super::{Next, Step, WebSocket, WebSocketError};
use crate::framing::{Cut, Framing};

/// The first piece copied when a frame's length is not known yet, in bytes.
const FIRST_PIECE: usize = 64;

impl WebSocket {
    /// The next frame of the stream in `input`.
    pub(super) fn cut_stream(
        &mut self,
        max: usize,
        framing: &Framing,
        input: &[u8],
    ) -> Result<Step, WebSocketError> {
        let (open, at) = match self.incoming.frame {
            Some(open) => (open, 0),
            None => match self.next_frame(input)? {
                Next::Step(step) => return Ok(step),
                Next::Content(header) => {
                    let length = self.incoming.check_length(&header, max)?;
                    self.incoming.enter(&header, length);
                    // The length is within `max`, so it fits.
                    (OpenFrame { header, taken: 0, remaining: header.length as usize }, header.size)
                }
            },
        };
        let content = &input[at..];
        let content = &content[..content.len().min(open.remaining)];
        let step = self.incoming.cut_content(framing, open, content)?;
        Ok(match step {
            Step::Input { payload, used } => {
                Step::Input { payload: payload.start + at..payload.end + at, used: used + at }
            }
            Step::Buffer { payload, used } => Step::Buffer { payload, used: used + at },
            Step::Control(used) => Step::Control(used + at),
            // The frame's header is taken, so more is asked for only in the next call.
            Step::Need(_) if at > 0 => Step::Control(at),
            step => step,
        })
    }
}

impl Incoming {
    fn cut_content(
        &mut self,
        framing: &Framing,
        open: OpenFrame,
        content: &[u8],
    ) -> Result<Step, WebSocketError> {
        if open.remaining > 0 && content.is_empty() {
            self.frame = Some(open);
            return Ok(Step::Need(1));
        }
        if !self.buffer.is_empty() || open.header.mask.is_some() {
            return self.join(framing, open, content);
        }
        match framing.cut_after(content, self.scanned)? {
            Cut::Frame { payload, used } => {
                self.take(open, &content[..used])?;
                Ok(Step::Input { payload, used })
            }
            Cut::Need(need) if content.len() < open.remaining => {
                self.frame = Some(open);
                self.scanned = content.len();
                Ok(Step::Need(need.min(open.remaining)))
            }
            Cut::Need(_) => {
                self.take(open, content)?;
                self.buffer.extend_from_slice(content);
                self.scanned = content.len();
                Ok(Step::Control(content.len()))
            }
        }
    }

    /// Adds `content` to the half frame in the buffer until that is whole.
    ///
    /// Copies as much as the framing asks for, at least as much again as there is, and takes back what lies behind the frame:
    /// the work is in proportion to the frame, whatever else the WebSocket frame holds.
    fn join(&mut self, framing: &Framing, open: OpenFrame, content: &[u8]) -> Result<Step, WebSocketError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let before = buffer.len();
        let mut scanned = self.scanned.min(before);
        let frame = loop {
            let need = match framing.cut_after(&buffer, scanned)? {
                Cut::Frame { payload, used } => {
                    buffer.truncate(used);
                    break Some(payload);
                }
                Cut::Need(need) => need,
            };
            scanned = buffer.len();
            let copied = buffer.len() - before;
            if copied == content.len() {
                break None;
            }
            let most = framing.limit().saturating_sub(buffer.len()).max(1);
            let piece = (need - buffer.len()).max(buffer.len()).max(FIRST_PIECE).min(most);
            let piece = &content[copied..copied + piece.min(content.len() - copied)];
            buffer.extend_from_slice(piece);
            open.header.unmask(open.taken + copied, &mut buffer[before + copied..]);
        };
        let used = buffer.len() - before;
        self.take(open, &buffer[before..])?;
        self.buffer = buffer;
        match frame {
            Some(payload) => {
                self.delivered = true;
                Ok(Step::Buffer { payload, used })
            }
            None => {
                self.scanned = scanned;
                Ok(Step::Control(used))
            }
        }
    }

    /// Takes `content`, unmasked, out of the open frame.
    fn take(&mut self, mut open: OpenFrame, content: &[u8]) -> Result<(), WebSocketError> {
        open.taken += content.len();
        open.remaining -= content.len();
        self.scanned = 0;
        let ended = open.remaining == 0;
        self.frame = (!ended).then_some(open);
        self.check_text(content, ended && open.header.last)
    }
}
