//! WebSocket (RFC 6455) as a state machine without I/O: the client's role, and a small server's role for fake servers.
//!
//! It owns the opening handshake, the frames, fragments, control frames, closing, and every check the RFC asks of a
//! receiver. It knows no socket and no clock. Two shapes of use stand on it: a message is a frame (`message`), and the
//! messages' contents are one stream that a framing cuts (`stream`). A message that arrives whole and unmasked is never
//! copied. It is used through [`Channel`](crate::Channel); start at `WebSocket::cut`.

mod close;
mod error;
mod frame;
mod handshake;
mod incoming;
mod message;
mod random;
mod stream;
mod utf8;

use std::ops::Range;

pub use error::{HandshakeError, WebSocketError};

use crate::framing::{Framing, Mark};
use frame::{Header, Opcode};
use handshake::Opening;
use incoming::Incoming;
use random::Random;

/// What a WebSocket connection is asked to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketSpec {
    /// The largest message accepted, in bytes, over all its fragments.
    pub max_message: usize,
    /// Whether messages are sent as text; else as binary. Both kinds are accepted.
    pub text: bool,
    /// The subprotocol to ask for, if any.
    pub subprotocol: Option<Box<str>>,
    /// The longest head of a handshake, in bytes.
    pub max_handshake: usize,
}

impl Default for WebSocketSpec {
    fn default() -> Self {
        WebSocketSpec {
            max_message: crate::framing::DEFAULT_MAX,
            text: false,
            subprotocol: None,
            max_handshake: 16 << 10,
        }
    }
}

/// Which side of the connection this is: a client masks what it sends, a server must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

#[derive(Debug)]
enum Phase {
    Opening(Opening),
    Open,
    /// Our close frame is on its way; the peer may still send.
    Closing,
    /// The peer's close frame came, or it broke the protocol: nothing more is read.
    Closed,
}

/// One connection's WebSocket state.
#[derive(Debug)]
pub(crate) struct WebSocket {
    role: Role,
    phase: Phase,
    random: Random,
    incoming: Incoming,
    /// The handshake's answer and close frames that wait to be sent.
    outgoing: Vec<u8>,
    /// The content of the last ping not answered yet; older ones need no answer of their own (RFC 6455, 5.5.3), so that a
    /// flood of pings costs no memory.
    ping: Option<Vec<u8>>,
}

/// What [`WebSocket::cut`] found; payloads as ranges, so that the caller can lend them out at its end.
#[derive(Debug)]
pub(crate) enum Step {
    Need(usize),
    Opened(usize),
    /// A payload inside the input.
    Input {
        payload: Range<usize>,
        used: usize,
    },
    /// A payload inside [`WebSocket::buffer`].
    Buffer {
        payload: Range<usize>,
        used: usize,
    },
    Control(usize),
    Closed {
        code: Option<u16>,
        reason: Box<str>,
        used: usize,
    },
}

impl WebSocket {
    pub(crate) fn client(authority: &str, path: &str, nonce: u64) -> WebSocket {
        let mut random = Random::new(nonce);
        let opening = Opening::client(authority, path, &mut random);
        WebSocket::new(Role::Client, opening, random)
    }

    pub(crate) fn server() -> WebSocket {
        WebSocket::new(Role::Server, Opening::server(), Random::new(0))
    }

    fn new(role: Role, opening: Opening, random: Random) -> WebSocket {
        WebSocket {
            role,
            phase: Phase::Opening(opening),
            random,
            incoming: Incoming::default(),
            outgoing: Vec::new(),
            ping: None,
        }
    }

    /// Appends what the client sends first; a server sends nothing.
    pub(crate) fn start(&self, spec: &WebSocketSpec, out: &mut Vec<u8>) {
        if let Phase::Opening(opening) = &self.phase {
            opening.start(spec, out);
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.phase, Phase::Opening(_))
    }

    /// Whether no message is half received.
    pub(crate) fn at_rest(&self) -> bool {
        matches!(self.phase, Phase::Closed) || self.incoming.at_rest()
    }

    /// The bytes that [`Step::Buffer`] points into.
    pub(crate) fn buffer(&self) -> &[u8] {
        &self.incoming.buffer
    }

    /// The next thing in `input`. On an error the close frame that the RFC wants is ready to be sent.
    pub(crate) fn cut(
        &mut self,
        spec: &WebSocketSpec,
        framing: &Framing,
        input: &[u8],
    ) -> Result<Step, WebSocketError> {
        let cut = match &mut self.phase {
            Phase::Opening(_) => self.cut_opening(spec, input),
            Phase::Open | Phase::Closing => {
                self.incoming.drop_delivered();
                match framing {
                    Framing::Message | Framing::Own(_) => self.cut_message(spec.max_message, input),
                    framing => self.cut_stream(spec.max_message, framing, input),
                }
            }
            // Whatever follows a close frame is to be thrown away.
            Phase::Closed if input.is_empty() => Ok(Step::Need(1)),
            Phase::Closed => Ok(Step::Control(input.len())),
        };
        if let Err(error) = &cut {
            self.fail(error);
        }
        cut
    }

    fn cut_opening(&mut self, spec: &WebSocketSpec, input: &[u8]) -> Result<Step, WebSocketError> {
        let Phase::Opening(opening) = &mut self.phase else { return Ok(Step::Need(input.len() + 1)) };
        match opening.read(spec, input, &mut self.outgoing)? {
            Some(used) => {
                self.phase = Phase::Open;
                Ok(Step::Opened(used))
            }
            None => Ok(Step::Need(input.len() + 1)),
        }
    }

    fn fail(&mut self, error: &WebSocketError) {
        match self.phase {
            Phase::Open => self.queue_close(Some(error.close_code())),
            Phase::Opening(ref opening) if opening.is_server() => {
                self.outgoing.extend_from_slice(handshake::REFUSAL)
            }
            _ => {}
        }
        self.phase = Phase::Closed;
    }

    /// Reads a frame's header and deals with control frames, which may come between any two frames of a message.
    fn next_frame(&mut self, input: &[u8]) -> Result<Next, WebSocketError> {
        let header = match Header::read(input, self.role)? {
            Ok(header) => header,
            Err(need) => return Ok(Next::Step(Step::Need(need))),
        };
        if !header.opcode.is_control() {
            self.incoming.check_order(&header)?;
            return Ok(Next::Content(header));
        }
        let used = header.size + header.length as usize;
        let Some(content) = input.get(header.size..used) else { return Ok(Next::Step(Step::Need(used))) };
        // A control frame has at most 125 bytes.
        let mut unmasked = [0; frame::MOST_CONTROL];
        let unmasked = &mut unmasked[..content.len()];
        unmasked.copy_from_slice(content);
        header.unmask(0, unmasked);
        Ok(Next::Step(match header.opcode {
            Opcode::Ping => {
                let ping = self.ping.get_or_insert_default();
                ping.clear();
                ping.extend_from_slice(unmasked);
                Step::Control(used)
            }
            Opcode::Close => {
                let (code, reason) = self.closed(unmasked)?;
                Step::Closed { code, reason, used }
            }
            _ => Step::Control(used),
        }))
    }

    fn closed(&mut self, content: &[u8]) -> Result<(Option<u16>, Box<str>), WebSocketError> {
        let (code, reason) = close::read(content)?;
        if matches!(self.phase, Phase::Open) {
            self.queue_close(code);
        }
        self.phase = Phase::Closed;
        Ok((code, reason.into()))
    }

    fn queue_close(&mut self, code: Option<u16>) {
        self.queue_pong();
        let code = code.map(u16::to_be_bytes);
        let mark = frame::begin(self.role, &mut self.outgoing);
        self.outgoing.extend_from_slice(code.as_ref().map_or(&[], |code| code));
        frame::finish(self.role, Opcode::Close, self.random.mask(), &mut self.outgoing, mark);
    }

    fn queue_pong(&mut self) {
        if let Some(content) = self.ping.take() {
            let mark = frame::begin(self.role, &mut self.outgoing);
            self.outgoing.extend_from_slice(&content);
            frame::finish(self.role, Opcode::Pong, self.random.mask(), &mut self.outgoing, mark);
        }
    }

    /// Appends what `cut` had to answer: the server's handshake, pongs, close frames.
    pub(crate) fn drain_control(&mut self, out: &mut Vec<u8>) {
        self.queue_pong();
        if !self.outgoing.is_empty() {
            out.append(&mut self.outgoing);
            self.outgoing = Vec::new();
        }
    }

    /// Begins a message at the end of `out`.
    pub(crate) fn begin(&self, out: &mut Vec<u8>) -> Mark {
        frame::begin(self.role, out)
    }

    /// Whether what is sent is masked: four bytes before it say by what.
    pub(crate) fn masks(&self) -> bool {
        self.role == Role::Client
    }

    /// How many bytes `begin` keeps for the header.
    pub(crate) fn reserved(&self) -> usize {
        frame::reserved(self.role)
    }

    /// Writes the header of the message begun at `mark`, and masks its content where it lies.
    #[inline]
    pub(crate) fn finish(&mut self, spec: &WebSocketSpec, out: &mut Vec<u8>, mark: Mark) {
        let opcode = if spec.text { Opcode::Text } else { Opcode::Binary };
        frame::finish(self.role, opcode, self.random.mask(), out, mark);
    }

    /// Appends a close frame, once; the peer may go on until its own arrives.
    pub(crate) fn close(&mut self, code: u16, out: &mut Vec<u8>) {
        if matches!(self.phase, Phase::Open) {
            self.queue_close(Some(code));
            self.phase = Phase::Closing;
        }
        self.drain_control(out);
    }
}

/// What stands where a frame should begin.
enum Next {
    /// No content: more bytes are needed, or a control frame was dealt with.
    Step(Step),
    /// The header of a frame with a message's content.
    Content(Header),
}

#[cfg(test)]
mod tests;
