//! A socket that counts its bytes, passes the server's gate, and writes single bytes when told to.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::server::Server;

/// The transport below every connection, whatever it speaks.
pub(crate) struct Wire {
    stream: TcpStream,
    server: Arc<Server>,
    writing: Writing,
}

/// How much one write hands to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Whole,
    SingleBytes,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, server: Arc<Server>) -> Self {
        // Without it single bytes would leave as one segment; refused, they do.
        let _ = stream.set_nodelay(true);
        Self { stream, server, writing: Writing::Whole }
    }

    pub(crate) fn set_writing(&mut self, writing: Writing) {
        self.writing = writing;
    }

    /// Makes the coming drop a reset.
    pub(crate) fn reset_on_drop(&self) {
        // Fails only on a socket that is gone already.
        let _ = self.stream.set_zero_linger();
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.server.gate.poll_pass(context));
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.server.tally.received.add(buffer.filled().len() - before);
        Poll::Ready(result)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.server.gate.poll_pass(context));
        let bytes = match self.writing {
            Writing::Whole => bytes,
            Writing::SingleBytes => &bytes[..bytes.len().min(1)],
        };
        let result = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.server.tally.sent.add(*result.as_ref().unwrap_or(&0));
        Poll::Ready(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
