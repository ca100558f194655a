//! A connection's layer and framing together: bytes to whole messages and back, without I/O.
//!
//! The driver reads bytes, calls [`Channel::cut`] until it says `Need`, and keeps what was not used. It writes what
//! [`Channel::start`], [`Channel::drain_control`], [`Channel::finish`] and [`Channel::close`] append.

mod ciphered;
mod datagram;
mod own;
mod sealing;

use std::ops::Range;
use std::sync::Arc;

use crate::Direction;
use crate::cipher::{Cipher, CipherError, Coder, Coverage, CoverageError};
use crate::framing::{Cut, Framing, FramingError, FramingSetupError, Mark};
use crate::websocket::{Step, WebSocket, WebSocketError, WebSocketSpec};

/// What a connection speaks below its codec; shared by all connections of one protocol and transport.
#[derive(Debug, Clone)]
pub struct ChannelSpec {
    websocket: Option<WebSocketSpec>,
    /// The longest datagram, in bytes, where each is one frame.
    datagrams: Option<usize>,
    framing: Framing,
}

/// The longest datagram of UDP over IPv4, in bytes.
pub const LONGEST_DATAGRAM: usize = 65_507;

/// A framing and a transport that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelSpecError {
    /// A byte stream without a framing has no messages.
    #[error("a byte stream has no messages of its own, so the protocol needs a framing")]
    NoMessages,
    /// The framing can never work.
    #[error(transparent)]
    Framing(#[from] FramingSetupError),
}

/// One connection's layer and framing.
#[derive(Debug)]
pub struct Channel {
    spec: Arc<ChannelSpec>,
    layer: Layer,
    /// Bytes at the start of the input that are known to end no frame: fewer than a frame's maximum.
    scanned: u32,
    /// Whether the last cut left bytes it could not use yet.
    half: bool,
    /// Messages finished so far.
    sent: u32,
    /// Messages cut so far.
    received: u32,
    coders: Option<Box<Coders>>,
}

/// The ciphers of a channel that has any.
#[derive(Debug, Default)]
struct Coders {
    send: Option<Coder>,
    receive: Option<Coder>,
    /// Those that were replaced before they had encrypted all they cover.
    retired: Vec<Coder>,
}

#[derive(Debug)]
enum Layer {
    /// Also for datagrams, which the description knows of: another variant would make an idle channel larger.
    Stream,
    WebSocket(Box<WebSocket>),
}

/// The next thing in a connection's input.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// Nothing whole: cut again when there are at least this many bytes, the unused ones included.
    Need {
        /// Bytes in all, always more than were offered.
        at_least: usize,
    },
    /// The handshake is done: messages can be sent.
    Opened {
        /// Bytes of input to drop.
        used: usize,
    },
    /// A whole message.
    Message {
        /// What it carries.
        payload: &'a [u8],
        /// Bytes of input to drop once the payload has been read.
        used: usize,
    },
    /// Something of the layer's own, or a part of a message that was put aside.
    Control {
        /// Bytes of input to drop.
        used: usize,
    },
    /// The peer says good-bye; it sends nothing more.
    Closed {
        /// The WebSocket close code, if one was given.
        code: Option<u16>,
        /// The reason that came with it, as the peer wrote it: at most 123 bytes, and any characters.
        reason: Box<str>,
        /// Bytes of input to drop.
        used: usize,
    },
}

/// A peer that broke the connection's protocol; the connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The stream is not made of frames.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// The peer broke WebSocket.
    #[error(transparent)]
    WebSocket(#[from] WebSocketError),
    /// The stream ended inside a message or a handshake.
    #[error("the stream ended in the middle of {0}")]
    Truncated(Unfinished),
    /// What came cannot be decrypted.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// A datagram that is not one frame.
    #[error("a datagram of {length} bytes is not exactly one frame")]
    Datagram {
        /// Its length, in bytes.
        length: usize,
    },
}

/// What a stream's end cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// The opening handshake.
    Handshake,
    /// A message.
    Message,
}

/// A message that could not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The payload is no frame.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// The handshake is not done, or the connection is closing.
    #[error("the connection is not open")]
    NotOpen,
    /// The connection sends text, and the payload is not UTF-8.
    #[error("the payload of a text message is not UTF-8")]
    NotText,
    /// The message cannot be encrypted.
    #[error(transparent)]
    Cipher(#[from] CipherError),
}

impl std::fmt::Display for Unfinished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Unfinished::Handshake => "the handshake",
            Unfinished::Message => "a message",
        })
    }
}

impl ChannelSpec {
    /// A byte stream cut by `framing`.
    ///
    /// # Errors
    /// When the framing cannot work on a byte stream.
    pub fn stream(framing: Framing) -> Result<ChannelSpec, ChannelSpecError> {
        framing.validate()?;
        match framing {
            Framing::Message => Err(ChannelSpecError::NoMessages),
            framing => Ok(ChannelSpec { websocket: None, datagrams: None, framing }),
        }
    }

    /// WebSocket, with messages as frames ([`Framing::Message`]) or a framing of its own inside them.
    ///
    /// # Errors
    /// When the framing can never work.
    pub fn websocket(websocket: WebSocketSpec, framing: Framing) -> Result<ChannelSpec, FramingSetupError> {
        framing.validate()?;
        Ok(ChannelSpec { websocket: Some(websocket), datagrams: None, framing })
    }

    /// Datagrams of at most `longest` bytes, each of which is one frame ([`Framing::Message`]) or holds exactly one of a framing
    /// of its own.
    ///
    /// Between the channel and its driver each datagram has its length before it: four bytes, the lowest first. The driver
    /// takes it off when it sends, and puts it on when it receives.
    ///
    /// # Errors
    /// When the framing can never work.
    pub fn datagrams(framing: Framing, longest: usize) -> Result<ChannelSpec, FramingSetupError> {
        framing.validate()?;
        Ok(ChannelSpec { websocket: None, datagrams: Some(longest), framing })
    }

    /// How messages are cut.
    pub fn framing(&self) -> &Framing {
        &self.framing
    }

    /// Whether a WebSocket layer is below the framing.
    pub fn is_websocket(&self) -> bool {
        self.websocket.is_some()
    }
}

impl Channel {
    /// The side that connects.
    ///
    /// `authority` and `path` are the URL's, for a handshake; `nonce` seeds its key and the masks.
    pub fn client(spec: &Arc<ChannelSpec>, authority: &str, path: &str, nonce: u64) -> Channel {
        Channel::new(spec, || WebSocket::client(authority, path, nonce))
    }

    /// The side that accepts: it answers a handshake and does not mask.
    pub fn server(spec: &Arc<ChannelSpec>) -> Channel {
        Channel::new(spec, WebSocket::server)
    }

    fn new(spec: &Arc<ChannelSpec>, websocket: impl FnOnce() -> WebSocket) -> Channel {
        let layer = match &spec.websocket {
            Some(_) => Layer::WebSocket(Box::new(websocket())),
            None => Layer::Stream,
        };
        Channel { spec: Arc::clone(spec), layer, scanned: 0, half: false, sent: 0, received: 0, coders: None }
    }

    /// Appends what is sent first when the transport is connected: the WebSocket upgrade, or nothing.
    pub fn start(&mut self, out: &mut Vec<u8>) {
        if let (Layer::WebSocket(websocket), Some(spec)) = (&self.layer, &self.spec.websocket) {
            websocket.start(spec, out);
        }
    }

    /// Whether messages can be sent: a byte stream from the start, WebSocket between its handshakes.
    pub fn is_open(&self) -> bool {
        match &self.layer {
            Layer::Stream => true,
            Layer::WebSocket(websocket) => websocket.is_open(),
        }
    }

    /// The next thing in `input`, which begins with what earlier cuts did not use.
    ///
    /// The caller drops `used` bytes and cuts again until `Need`. An input that is used up leaves nothing to be cut.
    /// [`Channel::drain_control`] gives the answers the layer has to send, also after an error.
    ///
    /// # Errors
    /// When the peer broke the protocol; the connection cannot go on.
    #[inline]
    pub fn cut<'a>(&'a mut self, input: &'a [u8]) -> Result<Received<'a>, ChannelError> {
        let Channel { spec, layer, scanned, half, received, coders, .. } = self;
        let place = (scanned, half);
        let cut = match coders.as_deref_mut().and_then(|coders| coders.receive.as_mut()) {
            coder if spec.datagrams.is_some() => datagram::cut(&spec.framing, coder, input)?,
            None => cut_layer(spec, layer, place, input)?,
            Some(coder) => ciphered::cut(spec, layer, place, coder, input)?,
        };
        if matches!(cut, Received::Message { .. }) {
            *received = received.saturating_add(1);
        }
        Ok(cut)
    }

    /// Messages finished so far: what [`Protocol::after`](crate::Protocol::after) asks before one is written.
    #[inline]
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// Messages cut so far, the one that was just cut included.
    #[inline]
    pub fn received(&self) -> u32 {
        self.received
    }

    /// Encrypts a direction from the next frame on; `None` ends it.
    ///
    /// # Errors
    /// A coverage that the framing does not bear; nothing has changed then.
    pub fn set_cipher(
        &mut self,
        direction: Direction,
        cipher: Option<Box<dyn Cipher>>,
        coverage: Coverage,
    ) -> Result<(), CoverageError> {
        match (&self.spec.framing, self.spec.is_websocket(), coverage) {
            (Framing::Own(_), _, _) => return Err(CoverageError::Own),
            (Framing::Delimiter(_), _, Coverage::Body) => return Err(CoverageError::Delimiter),
            (Framing::Message, true, _) | (_, _, Coverage::Body) | (_, false, Coverage::All) => {}
            (_, true, Coverage::All) => return Err(CoverageError::InsideWebSocket),
        }
        let coders = self.coders.get_or_insert_default();
        let coder = match direction {
            Direction::Sent => &mut coders.send,
            Direction::Received => &mut coders.receive,
        };
        // What was decrypted of a frame that is half received stays as it is.
        let mut before = coder.take();
        if let Some(unsealing) = before.take_if(|before| !before.unsealed.is_empty()) {
            coders.retired.push(unsealing);
        }
        *coder = cipher.map(|cipher| Coder::after(before, cipher, coverage));
        Ok(())
    }

    /// Appends the answers that cuts made necessary: a server's handshake, pongs, close frames.
    #[inline]
    pub fn drain_control(&mut self, out: &mut Vec<u8>) {
        if let Layer::WebSocket(websocket) = &mut self.layer {
            websocket.drain_control(out);
        }
    }

    /// Begins a message at the end of `out`; its payload is appended next.
    #[inline]
    pub fn begin(&self, out: &mut Vec<u8>) -> Mark {
        match &self.layer {
            Layer::Stream if self.spec.datagrams.is_some() => datagram::begin(&self.spec.framing, out),
            Layer::Stream => self.spec.framing.begin(out),
            Layer::WebSocket(websocket) => {
                let mark = websocket.begin(out);
                // The inner mark is found again from the outer one.
                let _ = self.spec.framing.begin(out);
                mark
            }
        }
    }

    /// Finishes the message begun at `mark`, whose payload is all that was appended since: headers, and masks in place.
    ///
    /// # Errors
    /// When the message cannot be sent; `out` is then as it was at `begin`.
    #[inline]
    pub fn finish(&mut self, out: &mut Vec<u8>, mark: Mark) -> Result<(), SendError> {
        let coder = self.coders.as_deref_mut().and_then(|coders| coders.send.as_mut());
        let finished = match (&mut self.layer, &self.spec.websocket) {
            (Layer::WebSocket(websocket), Some(spec)) => {
                finish_websocket(websocket, spec, (&self.spec.framing, coder), out, mark)
            }
            _ if self.spec.datagrams.is_some() => datagram::finish(&self.spec, coder, out, mark),
            _ => finish_framing(&self.spec.framing, coder, out, mark),
        };
        match finished {
            Ok(()) => self.sent = self.sent.saturating_add(1),
            Err(_) => {
                out.truncate(mark.0);
                if let Some(coder) = self.coders.as_deref_mut().and_then(|coders| coders.send.as_mut()) {
                    coder.unsealed.retain(|unsealed| unsealed.range.start < mark.0);
                }
            }
        }
        finished
    }

    /// Appends a WebSocket close frame, once; nothing on a byte stream, or before the handshake is done.
    pub fn close(&mut self, code: u16, out: &mut Vec<u8>) {
        if let Layer::WebSocket(websocket) = &mut self.layer {
            websocket.close(code, out);
        }
    }

    /// What was put aside of a message that is not whole yet: deciphered bytes, or fragments. What follows it is with the driver.
    pub fn unfinished(&self) -> &[u8] {
        let ciphered = self.coders.as_deref().and_then(|coders| coders.receive.as_ref());
        match (&self.layer, ciphered) {
            (Layer::Stream, Some(coder)) if !coder.done => &coder.plain,
            (Layer::Stream, _) => &[],
            (Layer::WebSocket(websocket), _) => websocket.buffer(),
        }
    }

    /// Whether the stream may end here. Only bytes that were offered to [`Channel::cut`] are known: a driver that saves cuts
    /// until `Need` is met must have offered the first of them.
    ///
    /// # Errors
    /// When a message or the handshake is half received.
    pub fn end_of_input(&self) -> Result<(), ChannelError> {
        match &self.layer {
            Layer::Stream if self.half => Err(ChannelError::Truncated(Unfinished::Message)),
            Layer::Stream => Ok(()),
            Layer::WebSocket(websocket) if websocket.is_opening() => {
                Err(ChannelError::Truncated(Unfinished::Handshake))
            }
            Layer::WebSocket(websocket) if self.half || !websocket.at_rest() => {
                Err(ChannelError::Truncated(Unfinished::Message))
            }
            Layer::WebSocket(_) => Ok(()),
        }
    }
}

/// Cuts what no cipher covers.
#[inline]
fn cut_layer<'a>(
    spec: &'a ChannelSpec,
    layer: &'a mut Layer,
    (scanned, half): (&mut u32, &mut bool),
    input: &'a [u8],
) -> Result<Received<'a>, ChannelError> {
    match (layer, &spec.websocket) {
        (Layer::WebSocket(websocket), Some(layer)) => {
            let step = websocket.cut(layer, &spec.framing, input)?;
            *half = matches!(step, Step::Need(_)) && !input.is_empty();
            Ok(received(step, input, websocket))
        }
        _ => match spec.framing.cut_after(input, *scanned as usize)? {
            Cut::Frame { payload, used } => {
                *scanned = 0;
                *half = false;
                Ok(Received::Message { payload: &input[payload], used })
            }
            Cut::Need(at_least) => {
                *scanned = u32::try_from(input.len()).unwrap_or(u32::MAX);
                *half = !input.is_empty();
                Ok(Received::Need { at_least })
            }
        },
    }
}

/// Lends out what a step points to.
#[inline]
fn received<'a>(step: Step, input: &'a [u8], websocket: &'a WebSocket) -> Received<'a> {
    match step {
        Step::Need(at_least) => Received::Need { at_least },
        Step::Opened(used) => Received::Opened { used },
        Step::Input { payload, used } => Received::Message { payload: &input[payload], used },
        Step::Buffer { payload, used } => Received::Message { payload: &websocket.buffer()[payload], used },
        Step::Control(used) => Received::Control { used },
        Step::Closed { code, reason, used } => Received::Closed { code, reason, used },
    }
}

/// Finishes a frame and encrypts what the cipher covers.
#[inline]
fn finish_framing(
    framing: &Framing,
    coder: Option<&mut Coder>,
    out: &mut Vec<u8>,
    mark: Mark,
) -> Result<(), SendError> {
    match coder {
        None => Ok(framing.finish(out, mark)?),
        Some(coder) => ciphered::finish(framing, coder, out, mark),
    }
}

#[inline]
fn finish_websocket(
    websocket: &mut WebSocket,
    spec: &WebSocketSpec,
    (framing, mut coder): (&Framing, Option<&mut Coder>),
    out: &mut Vec<u8>,
    mark: Mark,
) -> Result<(), SendError> {
    if !websocket.is_open() {
        return Err(SendError::NotOpen);
    }
    let content = mark.0 + websocket.reserved();
    finish_framing(framing, coder.as_deref_mut(), out, Mark(content))?;
    if spec.text && std::str::from_utf8(&out[content..]).is_err() {
        return Err(SendError::NotText);
    }
    let length = out.len() - content;
    websocket.finish(spec, out, mark);
    // The header has moved the content, and masked it.
    let moved = out.len() - length;
    if let Some(unsealed) =
        coder.and_then(|coder| coder.unsealed.last_mut()).filter(|last| last.range.start >= mark.0)
    {
        let Range { start, end } = unsealed.range;
        unsealed.range = start - content + moved..end - content + moved;
        unsealed.masked_from = websocket.masks().then_some(moved);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
