//! What a WebSocket peer can do wrong, and the close code that answers it.

use crate::framing::FramingError;

/// A peer that broke RFC 6455.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebSocketError {
    /// The opening handshake failed.
    #[error("websocket handshake failed")]
    Handshake(#[from] HandshakeError),
    /// A reserved bit is set though no extension was agreed on.
    #[error("a reserved bit is set in a websocket frame")]
    ReservedBits,
    /// The frame's opcode is a reserved one.
    #[error("unknown websocket opcode {0:#x}")]
    UnknownOpcode(u8),
    /// A control frame is not whole.
    #[error("a fragmented websocket control frame")]
    FragmentedControl,
    /// A control frame has more than 125 bytes.
    #[error("a websocket control frame of more than 125 bytes")]
    LongControl,
    /// A server masked a frame.
    #[error("a masked websocket frame from a server")]
    Masked,
    /// A client did not mask a frame.
    #[error("an unmasked websocket frame from a client")]
    NotMasked,
    /// A continuation frame without a message to continue.
    #[error("a websocket continuation frame without a message")]
    NothingToContinue,
    /// A new message began inside an unfinished one.
    #[error("a new websocket message inside an unfinished one")]
    UnfinishedMessage,
    /// The message is longer than allowed.
    #[error("a websocket message of {length} bytes is longer than the maximum of {max}")]
    TooLong {
        /// The length met so far, in bytes.
        length: u64,
        /// The largest message allowed, in bytes.
        max: usize,
    },
    /// A text message is not UTF-8.
    #[error("a websocket text message is not UTF-8")]
    TextNotUtf8,
    /// A close frame's code must not be sent.
    #[error("websocket close code {0} is not allowed")]
    BadCloseCode(u16),
    /// A close frame has one byte, half a code.
    #[error("a websocket close frame with half a code")]
    HalfCloseCode,
    /// A close frame's reason is not UTF-8.
    #[error("a websocket close reason is not UTF-8")]
    ReasonNotUtf8,
    /// The framing inside the messages is broken.
    #[error(transparent)]
    Framing(#[from] FramingError),
}

impl WebSocketError {
    /// The code of the close frame that answers this error (RFC 6455, 7.4.1).
    pub fn close_code(&self) -> u16 {
        match self {
            WebSocketError::TextNotUtf8 | WebSocketError::ReasonNotUtf8 => 1007,
            WebSocketError::TooLong { .. } | WebSocketError::Framing(FramingError::TooLong { .. }) => 1009,
            _ => 1002,
        }
    }
}

/// An opening handshake that did not lead to a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The head of the answer has no end within the limit.
    #[error("the http head is longer than {max} bytes")]
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// The peer does not speak HTTP/1.1.
    #[error("the peer does not answer in http/1.1")]
    NotHttp,
    /// The server answered with another status than 101.
    #[error("the server answered {code} {reason}")]
    Status {
        /// The status code.
        code: u16,
        /// The status line's text.
        reason: String,
    },
    /// A header is missing or has not the value it must have.
    #[error("the http header `{0}` is missing or wrong")]
    Header(&'static str),
    /// `Sec-WebSocket-Accept` does not fit the key that was sent.
    #[error("the answer is for another websocket key")]
    WrongAccept,
    /// The server chose an extension, though none was offered.
    #[error("the server chose an extension that was not offered")]
    Extension,
    /// The server chose a subprotocol that was not offered.
    #[error("the server chose the subprotocol `{0}`, which was not offered")]
    Subprotocol(String),
}
