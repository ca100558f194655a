//! One frame: its header read and written, its content masked.

use super::{Role, WebSocketError};
use crate::framing::Mark;

/// The largest content of a control frame, in bytes.
pub(super) const MOST_CONTROL: usize = 125;

const LAST: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
const MASK_SIZE: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn read(bits: u8) -> Result<Opcode, WebSocketError> {
        Ok(match bits {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xa => Opcode::Pong,
            unknown => return Err(WebSocketError::UnknownOpcode(unknown)),
        })
    }

    fn bits(self) -> u8 {
        match self {
            Opcode::Continuation => 0x0,
            Opcode::Text => 0x1,
            Opcode::Binary => 0x2,
            Opcode::Close => 0x8,
            Opcode::Ping => 0x9,
            Opcode::Pong => 0xa,
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    /// Whether this is the message's last frame.
    pub(super) last: bool,
    pub(super) mask: Option<[u8; MASK_SIZE]>,
    /// The content's length, in bytes.
    pub(super) length: u64,
    /// The header's own size, in bytes.
    pub(super) size: usize,
}

impl Header {
    /// The header at the start of `bytes`, or how many bytes are needed for it. Wrong bits are refused as soon as they are there.
    #[inline]
    pub(super) fn read(bytes: &[u8], role: Role) -> Result<Result<Header, usize>, WebSocketError> {
        let [first, second, rest @ ..] = bytes else {
            if let [first] = bytes {
                check_first(*first)?;
            }
            return Ok(Err(2));
        };
        let opcode = check_first(*first)?;
        let last = first & LAST != 0;
        let short = second & !MASKED;
        if opcode.is_control() && !last {
            return Err(WebSocketError::FragmentedControl);
        }
        if opcode.is_control() && usize::from(short) > MOST_CONTROL {
            return Err(WebSocketError::LongControl);
        }
        let masked = match (second & MASKED != 0, role) {
            (true, Role::Client) => return Err(WebSocketError::Masked),
            (false, Role::Server) => return Err(WebSocketError::NotMasked),
            (masked, _) => masked,
        };
        let extra = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let size = 2 + extra + if masked { MASK_SIZE } else { 0 };
        if bytes.len() < size {
            return Ok(Err(size));
        }
        let length = match extra {
            0 => u64::from(short),
            _ => rest[..extra].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        let mask = if masked { rest[extra..].first_chunk().copied() } else { None };
        Ok(Ok(Header { opcode, last, mask, length, size }))
    }

    /// Unmasks `content`, which begins `offset` bytes into the frame's content.
    pub(super) fn unmask(&self, offset: usize, content: &mut [u8]) {
        if let Some(mask) = self.mask {
            apply_mask(mask, offset, content);
        }
    }
}

fn check_first(first: u8) -> Result<Opcode, WebSocketError> {
    if first & RESERVED != 0 {
        return Err(WebSocketError::ReservedBits);
    }
    Opcode::read(first & 0x0f)
}

pub(super) fn apply_mask(mask: [u8; MASK_SIZE], offset: usize, content: &mut [u8]) {
    let mut word = [0; 8];
    for (place, byte) in word.iter_mut().enumerate() {
        *byte = mask[(offset + place) % MASK_SIZE];
    }
    let (words, rest) = content.as_chunks_mut::<8>();
    for chunk in words {
        *chunk = (u64::from_ne_bytes(*chunk) ^ u64::from_ne_bytes(word)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(word) {
        *byte ^= mask;
    }
}

/// Keeps room for the smallest header at the end of `out`.
#[inline]
pub(super) fn begin(role: Role, out: &mut Vec<u8>) -> Mark {
    let mark = Mark(out.len());
    out.extend_from_slice(&[0; 2 + MASK_SIZE][..reserved(role)]);
    mark
}

#[inline]
pub(super) fn reserved(role: Role) -> usize {
    match role {
        Role::Client => 2 + MASK_SIZE,
        Role::Server => 2,
    }
}

/// Writes the header of the frame begun at `mark`, whose content is all that was appended since.
///
/// Most messages of games are shorter than 126 bytes, so room is kept for their header, and a longer content moves up.
#[inline]
pub(super) fn finish(
    role: Role,
    opcode: Opcode,
    mask: [u8; MASK_SIZE],
    out: &mut Vec<u8>,
    Mark(start): Mark,
) {
    let end = out.len();
    let content = start + reserved(role);
    let length = end - content;
    let (short, extra) = match length {
        0..126 => (length as u8, 0),
        126..=0xffff => (126, 2),
        _ => (127, 8),
    };
    if extra > 0 {
        out.resize(end + extra, 0);
        out.copy_within(content..end, content + extra);
        out[start + 2..start + 2 + extra].copy_from_slice(&(length as u64).to_be_bytes()[8 - extra..]);
    }
    out[start] = LAST | opcode.bits();
    out[start + 1] = short;
    if role == Role::Client {
        out[start + 1] |= MASKED;
        let content = content + extra;
        out[content - MASK_SIZE..content].copy_from_slice(&mask);
        apply_mask(mask, 0, &mut out[content..]);
    }
}
