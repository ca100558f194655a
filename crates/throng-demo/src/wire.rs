//! A connection's bytes on their way: single ones when told to, through TLS or not, counted at the socket, past the
//! server's gate.

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
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::server::Server;

/// The transport below every connection, whatever it speaks.
pub(crate) struct Wire {
    layer: Layer,
    writing: Writing,
}

enum Layer {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

/// A socket that counts its bytes and passes the server's gate.
pub(crate) struct Socket {
    stream: TcpStream,
    server: Arc<Server>,
}

/// How much one write hands to the layer below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Whole,
    SingleBytes,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, server: Arc<Server>) -> Self {
        // Without it single bytes would leave as one segment; refused, they do.
        let _ = stream.set_nodelay(true);
        Self { stream, server }
    }
}

impl Wire {
    pub(crate) fn plain(socket: Socket) -> Self {
        Self { layer: Layer::Plain(socket), writing: Writing::Whole }
    }

    /// Shakes hands with a client.
    pub(crate) async fn secure(socket: Socket, acceptor: &TlsAcceptor) -> io::Result<Self> {
        let stream = acceptor.accept(socket).await?;
        Ok(Self { layer: Layer::Tls(Box::new(stream)), writing: Writing::Whole })
    }

    pub(crate) fn set_writing(&mut self, writing: Writing) {
        self.writing = writing;
    }

    /// Makes the coming drop a reset.
    pub(crate) fn reset_on_drop(&self) {
        let socket = match &self.layer {
            Layer::Plain(socket) => socket,
            Layer::Tls(stream) => stream.get_ref().0,
        };
        // Fails only on a socket that is gone already.
        let _ = socket.stream.set_zero_linger();
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.layer {
            Layer::Plain(socket) => Pin::new(socket).poll_read(context, buffer),
            Layer::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = match self.writing {
            Writing::Whole => bytes,
            Writing::SingleBytes => &bytes[..bytes.len().min(1)],
        };
        match &mut self.layer {
            Layer::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Layer::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.layer {
            Layer::Plain(socket) => Pin::new(socket).poll_flush(context),
            Layer::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.layer {
            Layer::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Layer::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl AsyncRead for Socket {
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

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.server.gate.poll_pass(context));
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
