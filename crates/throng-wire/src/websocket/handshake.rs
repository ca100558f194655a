//! The opening handshake (RFC 6455, 4): an HTTP/1.1 upgrade, asked for by the client and answered by the server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use sha1::{Digest, Sha1};

use super::random::Random;
use super::{HandshakeError, WebSocketSpec};

const END: &[u8] = b"\r\n\r\n";
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const ANSWER: &str = "HTTP/1.1 ";
const METHOD: &str = "GET ";

/// What a server says to a client that does not want a WebSocket.
pub(super) const REFUSAL: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A handshake that is not finished.
#[derive(Debug)]
pub(super) struct Opening {
    side: Side,
    /// Bytes of the head already searched for its end.
    scanned: usize,
}

#[derive(Debug)]
enum Side {
    Client(Box<Request>),
    Server,
}

/// What the client asks for.
#[derive(Debug)]
struct Request {
    authority: Box<str>,
    path: Box<str>,
    key: String,
}

impl Opening {
    pub(super) fn client(authority: &str, path: &str, random: &mut Random) -> Opening {
        let mut nonce = [0; 16];
        let (first, second) = nonce.split_at_mut(8);
        first.copy_from_slice(&random.next().to_ne_bytes());
        second.copy_from_slice(&random.next().to_ne_bytes());
        let request = Request { authority: authority.into(), path: path.into(), key: STANDARD.encode(nonce) };
        Opening { side: Side::Client(Box::new(request)), scanned: 0 }
    }

    pub(super) fn server() -> Opening {
        Opening { side: Side::Server, scanned: 0 }
    }

    /// Appends the client's request; a server waits for one.
    pub(super) fn start(&self, spec: &WebSocketSpec, out: &mut Vec<u8>) {
        let Side::Client(request) = &self.side else { return };
        let path = if request.path.is_empty() { "/" } else { &*request.path };
        for part in [METHOD, path, " HTTP/1.1\r\nHost: ", &request.authority] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13");
        push_header(out, "Sec-WebSocket-Key", &request.key);
        if let Some(subprotocol) = &spec.subprotocol {
            push_header(out, "Sec-WebSocket-Protocol", subprotocol);
        }
        out.extend_from_slice(END);
    }

    /// Reads the peer's head; its size when it is whole and right. A server's answer goes to `answer`.
    pub(super) fn read(
        &mut self,
        spec: &WebSocketSpec,
        input: &[u8],
        answer: &mut Vec<u8>,
    ) -> Result<Option<usize>, HandshakeError> {
        let start = match self.side {
            Side::Client(_) => ANSWER,
            Side::Server => METHOD,
        };
        // A peer that speaks something else may never send the end of a head.
        let known = start.len().min(input.len());
        if input[..known] != start.as_bytes()[..known] {
            return Err(HandshakeError::NotHttp);
        }
        let window = &input[..input.len().min(spec.max_handshake)];
        let from = self.scanned.min(window.len()).saturating_sub(END.len() - 1);
        let Some(at) = memmem::find(&window[from..], END) else {
            self.scanned = input.len();
            return if input.len() < spec.max_handshake {
                Ok(None)
            } else {
                Err(HandshakeError::TooLong { max: spec.max_handshake })
            };
        };
        let head = Head::parse(&window[..from + at])?;
        match &self.side {
            Side::Client(request) => head.check_answer(&request.key, spec)?,
            Side::Server => head.answer(spec, answer)?,
        }
        Ok(Some(from + at + END.len()))
    }

    pub(super) fn is_server(&self) -> bool {
        matches!(self.side, Side::Server)
    }
}

/// An HTTP head without its end.
struct Head<'a> {
    /// The first line behind the version or method.
    first: &'a str,
    headers: &'a str,
}

impl<'a> Head<'a> {
    fn parse(head: &'a [u8]) -> Result<Head<'a>, HandshakeError> {
        let head = std::str::from_utf8(head).map_err(|_| HandshakeError::NotHttp)?;
        let (line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let (_, first) = line.split_once(' ').ok_or(HandshakeError::NotHttp)?;
        Ok(Head { first, headers })
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.split("\r\n").find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Whether the comma-separated header has `token`, in any case of letters.
    fn check_token(&self, name: &'static str, token: &str) -> Result<(), HandshakeError> {
        let mut tokens = self.header(name).unwrap_or_default().split(',');
        if tokens.any(|found| found.trim().eq_ignore_ascii_case(token)) {
            Ok(())
        } else {
            Err(HandshakeError::Header(name))
        }
    }

    /// The client's part: is this the answer to our key?
    fn check_answer(&self, key: &str, spec: &WebSocketSpec) -> Result<(), HandshakeError> {
        let (code, reason) = self.first.split_once(' ').unwrap_or((self.first, ""));
        let code = code.parse().map_err(|_| HandshakeError::NotHttp)?;
        if code != 101 {
            return Err(HandshakeError::Status { code, reason: reason.to_owned() });
        }
        self.check_token("Upgrade", "websocket")?;
        self.check_token("Connection", "upgrade")?;
        match self.header("Sec-WebSocket-Accept") {
            None => return Err(HandshakeError::Header("Sec-WebSocket-Accept")),
            Some(accept) if accept != accept_for(key) => return Err(HandshakeError::WrongAccept),
            Some(_) => {}
        }
        if self.header("Sec-WebSocket-Extensions").is_some_and(|chosen| !chosen.is_empty()) {
            return Err(HandshakeError::Extension);
        }
        match self.header("Sec-WebSocket-Protocol") {
            Some(chosen) if spec.subprotocol.as_deref() != Some(chosen) => {
                Err(HandshakeError::Subprotocol(chosen.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// The server's part: is this a request for a WebSocket?
    fn answer(&self, spec: &WebSocketSpec, out: &mut Vec<u8>) -> Result<(), HandshakeError> {
        self.check_token("Upgrade", "websocket")?;
        self.check_token("Connection", "upgrade")?;
        self.check_token("Sec-WebSocket-Version", "13")?;
        let key = self.header("Sec-WebSocket-Key").unwrap_or_default();
        if !STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) {
            return Err(HandshakeError::Header("Sec-WebSocket-Key"));
        }
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade",
        );
        push_header(out, "Sec-WebSocket-Accept", &accept_for(key));
        if let Some(subprotocol) = &spec.subprotocol
            && self.check_token("Sec-WebSocket-Protocol", subprotocol).is_ok()
        {
            push_header(out, "Sec-WebSocket-Protocol", subprotocol);
        }
        out.extend_from_slice(END);
        Ok(())
    }
}

/// Appends the end of the line before, then the header without its own.
fn push_header(out: &mut Vec<u8>, name: &str, value: &str) {
    for part in ["\r\n", name, ": ", value] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// The answer to a key (RFC 6455, 4.2.2).
fn accept_for(key: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_rfc_has_the_answer_of_the_rfc() {
        assert_eq!(accept_for("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
