//! Messages as binary WebSocket messages.

use std::{io, time::Duration};

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::{
    WebSocketStream, accept_async_with_config,
    tungstenite::{
        Bytes, Error, Message,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{LONGEST_MESSAGE, Link, Received};
use crate::wire::Wire;

/// How long a client may take for its upgrade request.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// The library's own sizes (128 KiB) would cost more memory than all else a connection has.
const BUFFER_SIZE: usize = 4096;

/// The longest header of a server's frame within the message limit.
const HEADER_SIZE: usize = 4;

/// Messages over WebSocket, by an implementation that shares nothing with throng's own.
pub(crate) struct WebSocketLink {
    stream: WebSocketStream<Wire>,
    message: Bytes,
    queued: usize,
}

/// Why an upgrade failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("no upgrade request within {HANDSHAKE_LIMIT:?}")]
    Silence,
    #[error("the upgrade failed")]
    Refused(#[source] Box<Error>),
}

impl WebSocketLink {
    pub(crate) async fn accept(wire: Wire) -> Result<Self, HandshakeError> {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_SIZE)
            .write_buffer_size(BUFFER_SIZE)
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        let upgrade = accept_async_with_config(wire, Some(config));
        let upgraded = tokio::time::timeout(HANDSHAKE_LIMIT, upgrade).await;
        let stream = upgraded
            .map_err(|_| HandshakeError::Silence)?
            .map_err(|error| HandshakeError::Refused(Box::new(error)))?;
        Ok(Self { stream, message: Bytes::new(), queued: 0 })
    }
}

impl Link for WebSocketLink {
    async fn receive(&mut self) -> Received {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Binary(message))) => {
                    self.message = message;
                    return Received::Message;
                }
                Some(Ok(Message::Text(text))) => {
                    self.message = text.into();
                    return Received::Message;
                }
                Some(Ok(_)) => {}
                None | Some(Err(Error::ConnectionClosed)) => return Received::Closed,
                Some(Err(Error::Io(_))) => return Received::Broken,
                Some(Err(_)) => return Received::Violation,
            }
        }
    }

    fn message(&self) -> &[u8] {
        &self.message
    }

    async fn queue(&mut self, message: &[u8]) -> io::Result<()> {
        // With its frame's header, so that an empty message counts too.
        self.queued += HEADER_SIZE + message.len();
        self.stream.feed(Message::Binary(Bytes::copy_from_slice(message))).await.map_err(into_io)
    }

    fn queued(&self) -> usize {
        self.queued
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.queued = 0;
        self.stream.flush().await.map_err(into_io)
    }

    async fn close(&mut self) -> io::Result<()> {
        let goodbye = CloseFrame { code: CloseCode::Away, reason: "the demo ends".into() };
        self.stream.close(Some(goodbye)).await.map_err(into_io)
    }

    fn wire(&mut self) -> &mut Wire {
        self.stream.get_mut()
    }
}

fn into_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}
