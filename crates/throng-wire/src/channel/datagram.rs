//! Datagrams: each is one frame, and stands behind its length on its way between channel and driver.

use super::{ChannelError, ChannelSpec, Received, SendError, finish_framing};
use crate::Direction;
use crate::cipher::{Coder, Coverage};
use crate::framing::{Cut, Framing, FramingError, Mark};
use std::ops::Range;

/// Bytes of the length before each datagram.
const PREFIX: usize = 4;

/// The datagram at the start of `input`.
pub(super) fn cut<'a>(
    framing: &Framing,
    coder: Option<&'a mut Coder>,
    input: &'a [u8],
) -> Result<Received<'a>, ChannelError> {
    let Some((prefix, rest)) = input.split_first_chunk::<PREFIX>() else {
        return Ok(Received::Need { at_least: PREFIX });
    };
    let length = u32::from_le_bytes(*prefix) as usize;
    let used = PREFIX + length;
    let Some(datagram) = rest.get(..length) else {
        return Ok(Received::Need { at_least: used });
    };
    let payload = match coder {
        None => &datagram[frame(framing, datagram)?],
        Some(coder) => decrypt(framing, coder, datagram)?,
    };
    Ok(Received::Message { payload, used })
}

/// The payload of a datagram that is exactly one frame.
fn frame(framing: &Framing, datagram: &[u8]) -> Result<Range<usize>, ChannelError> {
    if matches!(framing, Framing::Message | Framing::Own(_)) {
        return Ok(0..datagram.len());
    }
    match framing.cut(datagram)? {
        Cut::Frame { payload, used } if used == datagram.len() => Ok(payload),
        _ => Err(ChannelError::Datagram { length: datagram.len() }),
    }
}

fn decrypt<'a>(framing: &Framing, coder: &'a mut Coder, datagram: &[u8]) -> Result<&'a [u8], ChannelError> {
    coder.plain.clear();
    match coder.coverage {
        Coverage::All => {
            coder.plain.extend_from_slice(datagram);
            coder.cipher.apply(&mut coder.plain)?;
            let payload = frame(framing, &coder.plain)?;
            Ok(&coder.plain[payload])
        }
        Coverage::Body => {
            coder.plain.extend_from_slice(&datagram[frame(framing, datagram)?]);
            let body = framing.body_start(&coder.plain, Direction::Received);
            coder.cipher.apply(&mut coder.plain[body..])?;
            Ok(&coder.plain)
        }
    }
}

/// Begins a datagram at the end of `out`.
pub(super) fn begin(framing: &Framing, out: &mut Vec<u8>) -> Mark {
    let mark = Mark(out.len());
    out.extend_from_slice(&[0; PREFIX]);
    // The frame's mark is found again from the datagram's.
    let _ = framing.begin(out);
    mark
}

/// Finishes the datagram begun at `mark`.
pub(super) fn finish(
    spec: &ChannelSpec,
    coder: Option<&mut Coder>,
    out: &mut Vec<u8>,
    mark: Mark,
) -> Result<(), SendError> {
    let start = mark.0 + PREFIX;
    let max = spec.datagrams.unwrap_or(usize::MAX);
    let fits = |length: usize| match length <= max {
        true => Ok(length as u32),
        false => Err(FramingError::TooLong { length: length as u64, max }),
    };
    // A cipher must not move on for what is not sent.
    fits(out.len() - start)?;
    finish_framing(&spec.framing, coder, out, Mark(start))?;
    let length = fits(out.len() - start)?;
    out[mark.0..start].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Channel;
    use crate::framing::{Endian, LengthFraming, LengthWidth};
    use std::sync::Arc;

    fn channel(framing: Framing, longest: usize) -> Channel {
        let spec = Arc::new(ChannelSpec::datagrams(framing, longest).unwrap());
        Channel::client(&spec, "", "", 1)
    }

    fn send(channel: &mut Channel, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        let mark = channel.begin(out);
        out.extend_from_slice(payload);
        channel.finish(out, mark)
    }

    #[test]
    fn a_datagram_is_one_frame() {
        let mut channel = channel(Framing::Message, 5);
        let mut out = Vec::new();
        for payload in [&b"hello"[..], b"", b"you"] {
            send(&mut channel, payload, &mut out).unwrap();
        }
        assert_eq!(out, b"\x05\0\0\0hello\0\0\0\0\x03\0\0\0you");
        let error = send(&mut channel, b"longer", &mut out).unwrap_err();
        assert_eq!(error.to_string(), "a frame of 6 bytes is longer than the maximum of 5");
        assert_eq!((out.len(), channel.sent()), (20, 3), "what cannot be sent leaves nothing behind");
        let (mut at, mut payloads) = (0, Vec::new());
        while let Received::Message { payload, used } = channel.cut(&out[at..]).unwrap() {
            payloads.push(payload.to_vec());
            at += used;
        }
        assert_eq!(payloads, [&b"hello"[..], b"", b"you"]);
        assert_eq!((at, channel.received()), (out.len(), 3));
        assert_eq!(channel.cut(&out[..2]).unwrap(), Received::Need { at_least: 4 });
        assert_eq!(channel.cut(&out[..6]).unwrap(), Received::Need { at_least: 9 });
    }

    #[test]
    fn a_framing_inside_must_fill_its_datagram() {
        let width = LengthWidth::U16(Endian::Big);
        let length = LengthFraming { width, offset: 0, inclusive: false, max: 100 };
        let mut channel = channel(Framing::Length(length), 100);
        let mut out = Vec::new();
        send(&mut channel, b"hi", &mut out).unwrap();
        assert_eq!(out, b"\x04\0\0\0\0\x02hi");
        assert_eq!(channel.cut(&out).unwrap(), Received::Message { payload: b"hi", used: 8 });
        for wrong in [&b"\x03\0\0\0\0\x02h"[..], b"\x05\0\0\0\0\x02hi!"] {
            let length = wrong.len() - PREFIX;
            assert_eq!(channel.cut(wrong), Err(ChannelError::Datagram { length }));
        }
    }
}
