//! Frames of a 2-byte big-endian length and that many bytes.

use std::{io, ops::Range};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{LONGEST_MESSAGE, Link, Received};
use crate::wire::Wire;

/// What is read at once, at least; it grows to hold a longer frame.
const READ_SIZE: usize = 4096;

/// Messages as frames over TCP.
pub(crate) struct FrameLink {
    wire: Wire,
    /// Bytes read; those in `unread` are not yet handed out.
    input: Vec<u8>,
    unread: Range<usize>,
    message: Range<usize>,
    output: Vec<u8>,
}

impl FrameLink {
    pub(crate) fn new(wire: Wire) -> Self {
        Self { wire, input: Vec::new(), unread: 0..0, message: 0..0, output: Vec::new() }
    }

    fn cut(&mut self) -> bool {
        let Some((&[high, low], rest)) = self.input[self.unread.clone()].split_first_chunk() else {
            return false;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if rest.len() < length {
            return false;
        }
        let start = self.unread.start + 2;
        self.message = start..start + length;
        self.unread.start = start + length;
        true
    }

    /// Moves what is unread to the front and leaves room behind it.
    fn make_room(&mut self) {
        self.input.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        self.message = 0..0;
        if self.input.len() - self.unread.end < READ_SIZE / 2 {
            // Bounded, because a frame that is complete is cut before more is read.
            self.input.resize((self.input.len() * 2).clamp(READ_SIZE, 2 * LONGEST_MESSAGE), 0);
        }
    }
}

impl Link for FrameLink {
    async fn receive(&mut self) -> Received {
        while !self.cut() {
            self.make_room();
            match self.wire.read(&mut self.input[self.unread.end..]).await {
                Ok(0) if self.unread.is_empty() => return Received::EndOfInput,
                Ok(0) => return Received::Violation,
                Ok(read) => self.unread.end += read,
                Err(_) => return Received::Broken,
            }
        }
        Received::Message
    }

    fn message(&self) -> &[u8] {
        &self.input[self.message.clone()]
    }

    async fn queue(&mut self, message: &[u8]) -> io::Result<()> {
        let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.output.extend_from_slice(&length.to_be_bytes());
        self.output.extend_from_slice(message);
        Ok(())
    }

    fn queued(&self) -> usize {
        self.output.len()
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.wire.write_all(&self.output).await?;
        self.output.clear();
        // TLS may have kept some of it.
        self.wire.flush().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.wire.shutdown().await
    }

    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }
}
