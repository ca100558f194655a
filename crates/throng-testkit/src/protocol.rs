//! The protocols that are spoken beside the wrong behaviours: how a message is framed, and how a request is answered well.

use std::io::{self, Read};

use crate::bytes::{joined, varint};
use crate::packed::{Field, packed, structure, unpacked};
use crate::{documents, protobuf};

/// A protocol of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the settings say what each of them is")]
pub enum Protocol {
    Short,
    Long,
    Inclusive,
    Varint,
    Line,
    Fixed,
    Header,
    Trailer,
    Zlib,
    Zstd,
    Lz4,
    WebSocket,
    Tls,
    Rpc,
    LongRpc,
    Envelope,
    Oneof,
    Numbered,
    Json,
    Msgpack,
    Closing,
}

/// How messages are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A big-endian length of two bytes.
    Two,
    /// Of four.
    Four,
    /// Of two that counts itself.
    Inclusive,
    Varint,
    Line,
    Fixed,
    /// `magic:u16be`, `len:u16be`, `id:u16be`, `seq:u32be`.
    Header,
    /// WebSocket frames.
    WebSocket,
}

/// Bytes of the header protocol's header.
const HEADER: usize = 10;

impl Protocol {
    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Short => "short",
            Protocol::Long => "long",
            Protocol::Inclusive => "inclusive",
            Protocol::Varint => "varint",
            Protocol::Line => "line",
            Protocol::Fixed => "fixed",
            Protocol::Header => "header",
            Protocol::Trailer => "trailer",
            Protocol::Zlib => "zlib",
            Protocol::Zstd => "zstd",
            Protocol::Lz4 => "lz4",
            Protocol::WebSocket => "web",
            Protocol::Tls => "secure",
            Protocol::Rpc => "rpc",
            Protocol::LongRpc => "longrpc",
            Protocol::Envelope => "envelope",
            Protocol::Oneof => "oneof",
            Protocol::Numbered => "numbered",
            Protocol::Json => "json",
            Protocol::Msgpack => "msgpack",
            Protocol::Closing => "closing",
        }
    }

    /// The scheme of its addresses.
    pub fn scheme(self) -> &'static str {
        match self {
            Protocol::WebSocket => "ws",
            Protocol::Tls => "tls",
            _ => "tcp",
        }
    }

    /// The body of a request, as a script writes it.
    pub fn body(self) -> &'static str {
        match self {
            Protocol::Fixed => "'12345678'",
            Protocol::Rpc | Protocol::LongRpc | Protocol::Envelope | Protocol::Oneof | Protocol::Numbered => {
                "{ text = 'hello' }"
            }
            Protocol::Json | Protocol::Msgpack | Protocol::Closing => "{ x = 1 }",
            _ => "'hello'",
        }
    }

    fn shape(self) -> Shape {
        match self {
            Protocol::Long | Protocol::LongRpc | Protocol::Json | Protocol::Closing | Protocol::Msgpack => {
                Shape::Four
            }
            Protocol::Inclusive => Shape::Inclusive,
            Protocol::Varint => Shape::Varint,
            Protocol::Line => Shape::Line,
            Protocol::Fixed => Shape::Fixed,
            Protocol::Header | Protocol::Zlib | Protocol::Zstd | Protocol::Lz4 | Protocol::Numbered => {
                Shape::Header
            }
            Protocol::WebSocket => Shape::WebSocket,
            _ => Shape::Two,
        }
    }

    /// A whole message around `payload`; of a header protocol the payload is the whole message already, but for its length.
    pub(crate) fn framed(self, payload: &[u8]) -> Vec<u8> {
        let length = payload.len();
        match self.shape() {
            Shape::Two => joined(&[&(length as u16).to_be_bytes(), payload]),
            Shape::Four => joined(&[&(length as u32).to_be_bytes(), payload]),
            Shape::Inclusive => joined(&[&(length as u16 + 2).to_be_bytes(), payload]),
            Shape::Varint => joined(&[&varint(length as u64), payload]),
            Shape::Line => joined(&[payload, b"\n"]),
            Shape::Fixed => payload.to_vec(),
            Shape::Header => {
                let mut whole = payload.to_vec();
                whole[2..4].copy_from_slice(&((length - HEADER) as u16).to_be_bytes());
                whole
            }
            Shape::WebSocket => frame(0x82, payload),
        }
    }

    /// Reads the payload of the next message.
    pub(crate) fn read(self, from: &mut dyn Read) -> io::Result<Vec<u8>> {
        match self.shape() {
            Shape::Two => {
                let length = u16::from_be_bytes(array(from)?);
                exactly(from, usize::from(length))
            }
            Shape::Inclusive => {
                let length = u16::from_be_bytes(array(from)?);
                exactly(from, usize::from(length) - 2)
            }
            Shape::Four => {
                let length = u32::from_be_bytes(array(from)?);
                exactly(from, length as usize)
            }
            Shape::Varint => {
                // Requests are short.
                let [length] = array(from)?;
                exactly(from, usize::from(length))
            }
            Shape::Line => {
                let mut line = Vec::new();
                loop {
                    match array(from)? {
                        [b'\n'] => return Ok(line),
                        [byte] => line.push(byte),
                    }
                }
            }
            Shape::Fixed => exactly(from, 8),
            Shape::Header => {
                let mut whole = exactly(from, HEADER)?;
                let length = u16::from_be_bytes([whole[2], whole[3]]);
                whole.extend(exactly(from, usize::from(length))?);
                Ok(whole)
            }
            Shape::WebSocket => message(from),
        }
    }

    /// The payload that answers a request's well.
    pub(crate) fn answer(self, request: &[u8]) -> Vec<u8> {
        match self {
            Protocol::Trailer => joined(&[b"fine", &request[request.len() - 4..]]),
            Protocol::Rpc | Protocol::LongRpc => rpc_reply(rpc_session(request), &fine()),
            Protocol::Envelope => packed_name(request),
            Protocol::Oneof => protobuf::answer(request),
            Protocol::Numbered => joined(&[&request[..4], &[0, 1], &request[6..HEADER], b"\x0a\x04fine"]),
            Protocol::Json | Protocol::Closing => documents::json_answer(request),
            Protocol::Msgpack => documents::msgpack_answer(request),
            _ => request.to_vec(),
        }
    }
}

/// `{ text = "fine" }`.
pub(crate) fn fine() -> Vec<u8> {
    structure(&[Field::text(b"fine")])
}

/// The session of a request of Sproto's RPC.
pub(crate) fn rpc_session(request: &[u8]) -> u16 {
    let plain = unpacked(request);
    // The header is a struct of two small fields: the type and the session.
    u16::from_le_bytes([plain[4], plain[5]]) / 2 - 1
}

/// A reply of Sproto's RPC.
pub(crate) fn rpc_reply(session: u16, body: &[u8]) -> Vec<u8> {
    packed(&joined(&[&structure(&[Field::Skip(1), Field::Small(session)]), body]))
}

/// An envelope's reply: the name of a request and `_done`.
fn packed_name(request: &[u8]) -> Vec<u8> {
    let name = envelope_name(request);
    let name = joined(&[&name, b"_done"]);
    structure(&[Field::text(&name), Field::Block(fine())])
}

/// The name in an envelope.
pub(crate) fn envelope_name(request: &[u8]) -> Vec<u8> {
    let length = u32::from_le_bytes([request[6], request[7], request[8], request[9]]) as usize;
    request[10..10 + length].to_vec()
}

/// A WebSocket frame without a mask.
pub(crate) fn frame(first: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    match length {
        0..126 => joined(&[&[first, length as u8], content]),
        126..=0xffff => joined(&[&[first, 126], &(length as u16).to_be_bytes(), content]),
        _ => joined(&[&[first, 127], &(length as u64).to_be_bytes(), content]),
    }
}

/// The next message of a WebSocket client, which is short and whole; pongs are passed over.
fn message(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    loop {
        let [first, second] = array(from)?;
        let mask: [u8; 4] = array(from)?;
        let mut content = exactly(from, usize::from(second & 0x7f))?;
        for (place, byte) in content.iter_mut().enumerate() {
            *byte ^= mask[place % 4];
        }
        match first & 0x0f {
            1 | 2 => return Ok(content),
            8 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    }
}

fn array<const N: usize>(from: &mut dyn Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map(|()| bytes)
}

fn exactly(from: &mut dyn Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).map(|()| bytes)
}
