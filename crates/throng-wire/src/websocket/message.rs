//! Messages as frames: each WebSocket message is handed over whole.

use super::frame::Opcode;
use super::{Next, Step, WebSocket, WebSocketError};

impl WebSocket {
    /// The next message in `input`, from its own bytes where it is whole and unmasked there.
    #[inline]
    pub(super) fn cut_message(&mut self, max: usize, input: &[u8]) -> Result<Step, WebSocketError> {
        let header = match self.next_frame(input)? {
            Next::Content(header) => header,
            Next::Step(step) => return Ok(step),
        };
        let length = self.incoming.check_length(&header, max)?;
        // The length is within `max`, so it fits.
        let used = header.size + header.length as usize;
        let Some(content) = input.get(header.size..used) else { return Ok(Step::Need(used)) };
        if header.last && header.mask.is_none() && self.incoming.message.is_none() {
            if header.opcode == Opcode::Text && std::str::from_utf8(content).is_err() {
                return Err(WebSocketError::TextNotUtf8);
            }
            return Ok(Step::Input { payload: header.size..used, used });
        }
        let incoming = &mut self.incoming;
        incoming.enter(&header, length);
        let mut buffer = std::mem::take(&mut incoming.buffer);
        let before = buffer.len();
        buffer.extend_from_slice(content);
        header.unmask(0, &mut buffer[before..]);
        let checked = incoming.check_text(&buffer[before..], header.last);
        incoming.buffer = buffer;
        checked?;
        if !header.last {
            return Ok(Step::Control(used));
        }
        incoming.delivered = true;
        Ok(Step::Buffer { payload: 0..incoming.buffer.len(), used })
    }
}
