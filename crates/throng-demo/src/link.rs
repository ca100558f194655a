//! What carries whole messages over a wire: 2-byte frames, lines, or WebSocket messages.

mod frames;
mod http;
mod lines;
mod websocket;

use std::io;

pub(crate) use self::{frames::FrameLink, http::HttpLink, lines::LineLink, websocket::WebSocketLink};
use crate::wire::Wire;

/// The longest message a frame can hold; WebSocket messages have the same limit.
pub(crate) const LONGEST_MESSAGE: usize = u16::MAX as usize;

/// A connection that speaks in messages.
pub(crate) trait Link: Send {
    /// Waits for the next message, which `message` then shows.
    ///
    /// # Cancel safety
    /// Nothing received is lost.
    fn receive(&mut self) -> impl Future<Output = Received> + Send;

    /// The message received last.
    fn message(&self) -> &[u8];

    /// Adds a message to what the next flush writes.
    fn queue(&mut self, message: &[u8]) -> impl Future<Output = io::Result<()>> + Send;

    /// Bytes queued and not flushed; an estimate is enough.
    fn queued(&self) -> usize;

    /// Writes all that is queued.
    fn flush(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Says goodbye in the protocol's way and closes the sending side.
    fn close(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// The transport below.
    fn wire(&mut self) -> &mut Wire;
}

/// What `receive` came back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A message.
    Message,
    /// The client sends no more, but still listens.
    EndOfInput,
    /// The client closed the connection.
    Closed,
    /// The client broke the protocol.
    Violation,
    /// The transport failed.
    Broken,
}
