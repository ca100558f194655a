//! Both protocols as plainly as they can be spoken: what the bare client and the server say.

use crate::options::Wire;
use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// A final frame with binary content.
const BINARY: u8 = 0x82;
const MASKED: u8 = 0x80;
/// What RFC 6455 appends to a client's key.
const SALT: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The client's side of a WebSocket handshake.
pub(crate) const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Where the head of an HTTP message ends, behind its empty line.
pub(crate) fn head_end(input: &[u8]) -> Option<usize> {
    input.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// The server's side of the handshake whose head is `head`.
pub(crate) fn accept_upgrade(head: &[u8], out: &mut Vec<u8>) {
    let head = String::from_utf8_lossy(head);
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    });
    let accept = STANDARD.encode(Sha1::digest(format!("{}{SALT}", key.unwrap_or_default())));
    out.extend_from_slice(
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        .as_bytes(),
    );
}

/// Appends one request. `mask` is WebSocket's; every message should have another.
pub(crate) fn request(wire: Wire, payload: &[u8], mask: u32, out: &mut Vec<u8>) {
    match wire {
        Wire::Tcp => {
            out.extend_from_slice(&(payload.len() as u16).to_be_bytes());
            out.extend_from_slice(payload);
        }
        Wire::Websocket => {
            web_socket_header(payload.len(), MASKED, out);
            out.extend_from_slice(&mask.to_ne_bytes());
            let start = out.len();
            out.extend_from_slice(payload);
            apply_mask(mask, &mut out[start..]);
        }
    }
}

/// Bytes of a reply that carries `payload` bytes.
pub(crate) fn reply_size(wire: Wire, payload: usize) -> usize {
    match wire {
        Wire::Tcp => 2 + payload,
        Wire::Websocket if payload < 126 => 2 + payload,
        Wire::Websocket => 4 + payload,
    }
}

/// Answers the requests at the start of `input`: how many bytes they took, and how many they were.
pub(crate) fn answer(wire: Wire, input: &mut [u8], out: &mut Vec<u8>) -> (usize, u64) {
    let (mut used, mut count) = (0, 0);
    while let Some(size) = match wire {
        Wire::Tcp => answer_frame(&input[used..], out),
        Wire::Websocket => answer_message(&mut input[used..], out),
    } {
        used += size;
        count += 1;
    }
    (used, count)
}

fn answer_frame(input: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let length = input.first_chunk::<2>()?;
    let size = 2 + usize::from(u16::from_be_bytes(*length));
    out.extend_from_slice(input.get(..size)?);
    Some(size)
}

fn answer_message(input: &mut [u8], out: &mut Vec<u8>) -> Option<usize> {
    let short = usize::from(input.get(1)? & 0x7f);
    let (header, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes([*input.get(2)?, *input.get(3)?]))),
        short => (2, short),
    };
    let mask = u32::from_ne_bytes(*input.get(header..)?.first_chunk::<4>()?);
    let payload = input.get_mut(header + 4..header + 4 + length)?;
    apply_mask(mask, payload);
    web_socket_header(length, 0, out);
    out.extend_from_slice(payload);
    Some(header + 4 + length)
}

fn web_socket_header(length: usize, masked: u8, out: &mut Vec<u8>) {
    match length {
        0..126 => out.extend_from_slice(&[BINARY, masked | length as u8]),
        _ => {
            let [high, low] = (length as u16).to_be_bytes();
            out.extend_from_slice(&[BINARY, masked | 126, high, low]);
        }
    }
}

fn apply_mask(mask: u32, content: &mut [u8]) {
    let wide = u64::from(mask) | u64::from(mask) << 32;
    let mut words = content.chunks_exact_mut(8);
    for word in &mut words {
        let masked = u64::from_ne_bytes(word.try_into().expect("chunks have 8 bytes")) ^ wide;
        word.copy_from_slice(&masked.to_ne_bytes());
    }
    let bytes = wide.to_ne_bytes();
    for (byte, mask) in words.into_remainder().iter_mut().zip(bytes) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wire: Wire, payload: &[u8]) {
        let mut input = Vec::new();
        request(wire, payload, 0x1234_5678, &mut input);
        request(wire, payload, 0x9abc_def0, &mut input);
        let whole = input.len();
        input.push(0);
        let mut replies = Vec::new();
        assert_eq!(answer(wire, &mut input, &mut replies), (whole, 2));
        assert_eq!(replies.len(), 2 * reply_size(wire, payload.len()));
        assert!(replies.ends_with(payload));
    }

    #[test]
    fn requests_come_back_as_they_were() {
        for wire in [Wire::Tcp, Wire::Websocket] {
            check(wire, &[7; 64]);
            check(wire, b"abc");
            check(wire, &[1; 300]);
        }
    }

    #[test]
    fn half_a_request_has_no_answer() {
        for wire in [Wire::Tcp, Wire::Websocket] {
            let mut input = Vec::new();
            request(wire, &[1; 300], 1, &mut input);
            for length in 0..input.len() {
                assert_eq!(answer(wire, &mut input.clone()[..length], &mut Vec::new()), (0, 0));
            }
        }
    }

    #[test]
    fn the_upgrade_is_accepted_with_the_key_of_the_rfc() {
        let mut out = Vec::new();
        accept_upgrade(UPGRADE.as_bytes(), &mut out);
        let text = String::from_utf8(out).expect("ASCII");
        assert!(text.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{text}");
        assert_eq!(head_end(text.as_bytes()), Some(text.len()));
    }
}
