//! HTTP requests, each a message: its head and its body as they came. What is queued is a whole response.

use std::{io, ops::Range};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{LONGEST_MESSAGE, Link, Received};
use crate::wire::Wire;

/// What is read at once.
const READ_SIZE: usize = 4096;

/// What ends a request's head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Requests over one connection, one after the other.
pub(crate) struct HttpLink {
    wire: Wire,
    input: Vec<u8>,
    message: Range<usize>,
    output: Vec<u8>,
}

/// How far a request is.
enum Cut {
    Whole(usize),
    Partial,
    Wrong,
}

impl HttpLink {
    pub(crate) fn new(wire: Wire) -> Self {
        Self { wire, input: Vec::new(), message: 0..0, output: Vec::new() }
    }
}

/// Where the request at the front of `input` ends.
fn cut(input: &[u8]) -> Cut {
    let Some(head) = input.windows(HEAD_END.len()).position(|window| window == HEAD_END) else {
        return if input.len() > LONGEST_MESSAGE { Cut::Wrong } else { Cut::Partial };
    };
    let Ok(text) = std::str::from_utf8(&input[..head]) else { return Cut::Wrong };
    let length = text.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    match length.unwrap_or(Ok(0)) {
        Ok(length) if length > LONGEST_MESSAGE => Cut::Wrong,
        Ok(length) if input.len() < head + HEAD_END.len() + length => Cut::Partial,
        Ok(length) => Cut::Whole(head + HEAD_END.len() + length),
        Err(_) => Cut::Wrong,
    }
}

impl Link for HttpLink {
    async fn receive(&mut self) -> Received {
        self.input.drain(..self.message.end);
        self.message = 0..0;
        loop {
            match cut(&self.input) {
                Cut::Whole(end) => {
                    self.message = 0..end;
                    return Received::Message;
                }
                Cut::Wrong => return Received::Violation,
                Cut::Partial => {}
            }
            let mut bytes = [0; READ_SIZE];
            match self.wire.read(&mut bytes).await {
                Ok(0) if self.input.is_empty() => return Received::EndOfInput,
                Ok(0) => return Received::Violation,
                Ok(read) => self.input.extend_from_slice(&bytes[..read]),
                Err(_) => return Received::Broken,
            }
        }
    }

    fn message(&self) -> &[u8] {
        &self.input[self.message.clone()]
    }

    async fn queue(&mut self, message: &[u8]) -> io::Result<()> {
        self.output.extend_from_slice(message);
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
