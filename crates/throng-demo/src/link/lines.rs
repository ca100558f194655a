//! Lines of text, each with a line feed behind it.

use std::{io, ops::Range};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Link, Received};
use crate::wire::Wire;

/// The longest line that is read, in bytes; skynet's login server has the same limit.
const LONGEST_LINE: usize = 8192;

/// Messages as lines over TCP.
pub(crate) struct LineLink {
    wire: Wire,
    /// Bytes read; those before `unread` are handed out.
    input: Vec<u8>,
    unread: usize,
    line: Range<usize>,
    output: Vec<u8>,
}

impl LineLink {
    pub(crate) fn new(wire: Wire) -> Self {
        Self { wire, input: Vec::new(), unread: 0, line: 0..0, output: Vec::new() }
    }

    fn cut(&mut self) -> bool {
        let Some(length) = self.input[self.unread..].iter().position(|byte| *byte == b'\n') else {
            return false;
        };
        self.line = self.unread..self.unread + length;
        self.unread = self.line.end + 1;
        true
    }
}

impl Link for LineLink {
    async fn receive(&mut self) -> Received {
        while !self.cut() {
            self.input.drain(..self.unread);
            (self.unread, self.line) = (0, 0..0);
            if self.input.len() > LONGEST_LINE {
                return Received::Violation;
            }
            match self.wire.read_buf(&mut self.input).await {
                Ok(0) if self.input.is_empty() => return Received::EndOfInput,
                Ok(0) => return Received::Violation,
                Ok(_) => {}
                Err(_) => return Received::Broken,
            }
        }
        Received::Message
    }

    fn message(&self) -> &[u8] {
        &self.input[self.line.clone()]
    }

    async fn queue(&mut self, message: &[u8]) -> io::Result<()> {
        self.output.extend_from_slice(message);
        self.output.push(b'\n');
        Ok(())
    }

    fn queued(&self) -> usize {
        self.output.len()
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.wire.write_all(&self.output).await?;
        self.output.clear();
        Ok(())
    }

    async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.wire.shutdown().await
    }

    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }
}
