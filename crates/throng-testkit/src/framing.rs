//! Framing and replies over TCP.

use std::io;

use crate::behaviour::{BROKEN, Behaviour, Counted, HANGS, LIVES};
use crate::bytes::{joined, varint};
use crate::peer::{LATE_MS, Peer};
use crate::protocol::Protocol;

/// One that reads the request and says these bytes; it goes on if it can.
fn says(
    name: &'static str,
    protocol: Protocol,
    counted: Counted,
    end: &'static str,
    bytes: impl Into<Vec<u8>>,
) -> Behaviour {
    let bytes = bytes.into();
    Behaviour::new(name, protocol, counted, end, move |peer| {
        peer.request()?;
        peer.say(&bytes)
    })
}

/// One that breaks the framing.
fn breaks(name: &'static str, protocol: Protocol, bytes: impl Into<Vec<u8>>) -> Behaviour {
    says(name, protocol, Counted::Connection("framing"), BROKEN, bytes)
}

/// One that says these bytes and closes in the middle of a message.
fn cuts(name: &'static str, protocol: Protocol, bytes: &'static [u8]) -> Behaviour {
    Behaviour::new(name, protocol, Counted::Connection("framing"), "truncated", move |peer| {
        peer.request()?;
        peer.say(bytes)?;
        peer.close()
    })
}

/// One that is strange and right.
fn right(name: &'static str, protocol: Protocol, bytes: impl Into<Vec<u8>>) -> Behaviour {
    says(name, protocol, Counted::Answered, LIVES, bytes)
}

/// One that does something with the session of a request behind the header.
fn with_header(
    name: &'static str,
    counted: Counted,
    act: impl Fn(&mut Peer, &[u8]) -> io::Result<()> + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::new(name, Protocol::Header, counted, LIVES, move |peer| {
        let request = peer.request()?;
        act(peer, &request)
    })
}

/// The same message with another session.
fn with_session(message: &[u8], session: u32) -> Vec<u8> {
    joined(&[&message[..6], &session.to_be_bytes(), &message[10..]])
}

/// The same message with another number.
fn with_id(message: &[u8], id: u16) -> Vec<u8> {
    joined(&[&message[..4], &id.to_be_bytes(), &message[6..]])
}

/// A push behind the header.
const NOTE: [u8; 12] = *b"\x7e\x7e\0\x02\0\x02\0\0\0\0hi";

pub(crate) fn behaviours() -> Vec<Behaviour> {
    [lengths(), delimiters(), ends(), headers(), replies(), floods(), compressed()].concat()
}

fn lengths() -> Vec<Behaviour> {
    use Protocol::{Fixed, Inclusive, Long, Short, Varint};
    vec![
        breaks("length_too_long", Short, [0xff, 0xff]),
        breaks("length_one_above_the_maximum", Short, joined(&[&1001_u16.to_be_bytes(), &[b'x'; 1001]])),
        right("length_at_the_maximum", Short, joined(&[&1000_u16.to_be_bytes(), &[b'x'; 1000]])),
        right("length_nought", Short, [0, 0]),
        breaks("length_of_four_gigabytes", Long, [0xff; 4]),
        breaks("length_negative", Long, [0x80, 0, 0, 1]),
        breaks("length_in_the_wrong_byte_order", Long, b"\x05\0\0\0hello"),
        breaks("inclusive_length_nought", Inclusive, [0, 0]),
        breaks("inclusive_length_inside_its_header", Inclusive, [0, 1]),
        right("inclusive_length_of_nothing_else", Inclusive, [0, 2]),
        breaks("varint_without_end", Varint, [0x80; 40]),
        breaks("varint_beyond_32_bits", Varint, [0xff, 0xff, 0xff, 0xff, 0x7f]),
        breaks("varint_above_the_maximum", Varint, varint(1001)),
        right("varint_longer_than_need_be", Varint, [0x81, 0x80, 0, b'x']),
        right("fixed_frame_of_noughts", Fixed, [0; 8]),
        breaks("http_in_place_of_frames", Long, *b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
        breaks("ssh_in_place_of_frames", Short, *b"SSH-2.0-OpenSSH_9.2\r\n"),
        breaks("tls_in_place_of_frames", Short, [0x15, 0x03, 0x03, 0, 2, 2, 40]),
        breaks("garbage_behind_a_frame", Short, *b"\0\x02ok\xff\xfe\xfd\xfc"),
    ]
}

fn delimiters() -> Vec<Behaviour> {
    use Protocol::Line;
    let line = |length: usize| joined(&[&vec![b'x'; length], b"\n"]);
    vec![
        breaks("delimiter_that_never_comes", Line, vec![b'x'; 20_000]),
        breaks("line_one_above_the_maximum", Line, line(1001)),
        right("line_at_the_maximum", Line, line(1000)),
        right("line_of_nothing", Line, line(0)),
        right("line_of_bytes_that_are_no_text", Line, *b"\0\xff\xfe\r\n"),
        cuts("line_cut_off", Line, b"half a line"),
    ]
}

fn ends() -> Vec<Behaviour> {
    use Protocol::{Fixed, Header, Short, Varint};
    let gone = Counted::Request("closed");
    vec![
        cuts("length_cut_off", Short, &[0]),
        cuts("frame_cut_off", Short, b"\0\x05hal"),
        cuts("fixed_frame_cut_off", Fixed, b"half"),
        cuts("varint_cut_off", Varint, &[0x80]),
        cuts("header_cut_off", Header, b"\x7e\x7e\0"),
        Behaviour::new("frame_half_and_silence", Short, Counted::Request("timeout"), HANGS, |peer| {
            peer.request()?;
            peer.say(b"\0\x05hal")?;
            peer.listen()
        }),
        Behaviour::new("frame_half_and_reset", Short, Counted::Request("reset"), "reset", |peer| {
            peer.request()?;
            peer.say(b"\0\x05hal")?;
            peer.reset()
        }),
        Behaviour::new("closed_in_place_of_a_reply", Short, gone, "half_closed", |peer| {
            peer.request()?;
            Err(io::ErrorKind::ConnectionAborted.into())
        }),
        Behaviour::new("half_closed_in_place_of_a_reply", Short, gone, "half_closed", |peer| {
            peer.request()?;
            peer.close()
        }),
        Behaviour::new("reset_in_place_of_a_reply", Short, Counted::Request("reset"), "reset", |peer| {
            peer.request()?;
            peer.reset()
        }),
        Behaviour::new("half_closed_behind_a_reply", Short, Counted::Answered, "server", |peer| {
            peer.answer()?;
            peer.close()
        }),
        Behaviour::new("silence", Short, Counted::Request("timeout"), HANGS, Peer::listen),
        Behaviour::new("one_byte_at_a_time", Short, Counted::Answered, LIVES, |peer| {
            peer.request()?;
            peer.trickle(b"\0\x05hello", 1)
        }),
        Behaviour::new("byte_and_silence", Short, Counted::Request("timeout"), HANGS, |peer| {
            peer.request()?;
            peer.trickle(&[b"\0\xff", &[b'x'; 100][..]].concat(), 1)?;
            peer.listen()
        }),
    ]
}

fn headers() -> Vec<Behaviour> {
    use Protocol::{Header, Trailer};
    vec![
        breaks("header_with_a_wrong_constant", Header, *b"\x7e\x7f\0\x02\0\x01\0\0\0\x01ok"),
        breaks("header_one_byte_out_of_step", Header, *b"\0\x7e\x7e\0\x02\0\x01\0\0\0\x01ok"),
        breaks("header_with_a_length_too_long", Header, *b"\x7e\x7e\xff\xff\0\x01\0\0\0\x01ok"),
        with_header("header_with_an_unknown_number", Counted::Answered, |peer, request| {
            peer.send(&with_id(request, 4711))
        }),
        with_header("push_with_an_unknown_number", Counted::Pushes("4711", 1), |peer, request| {
            peer.send(&with_session(&with_id(request, 4711), 0))?;
            peer.send(request)
        }),
        says("trailer_missing", Trailer, Counted::Connection("decode"), LIVES, *b"\0\x02ok"),
        says("trailer_and_nothing", Trailer, Counted::Connection("decode"), LIVES, [0, 0]),
    ]
}

fn replies() -> Vec<Behaviour> {
    vec![
        with_header("reply_twice", Counted::Duplicate, |peer, request| {
            peer.send(request)?;
            peer.send(request)
        }),
        with_header("reply_to_nobody", Counted::Orphans(1), |peer, request| {
            peer.send(&with_session(request, 999))?;
            peer.send(request)
        }),
        with_header("reply_with_a_negative_session", Counted::Orphans(1), |peer, request| {
            peer.send(&with_session(request, u32::MAX))?;
            peer.send(request)
        }),
        with_header("reply_without_a_session", Counted::PushInstead("answer"), |peer, request| {
            peer.send(&with_session(&with_id(request, 1), 0))
        }),
        with_header("reply_never", Counted::Request("timeout"), |_, _| Ok(())),
        with_header("reply_late", Counted::Late, |peer, request| {
            peer.pause(LATE_MS);
            peer.send(request)
        }),
        with_header("reply_to_the_next_request", Counted::Orphans(1), |peer, request| {
            peer.send(&with_session(request, u32::from(request[9]) + 1))?;
            peer.send(request)
        }),
        Behaviour::new("reply_before_the_request", Protocol::Short, Counted::Orphans(1), LIVES, |peer| {
            peer.say(b"\0\x02ok")?;
            peer.answer()
        }),
        Behaviour::new("reply_twice_in_order", Protocol::Short, Counted::Orphans(1), LIVES, |peer| {
            peer.answer()?;
            peer.pause(20);
            peer.say(b"\0\x02ok")?;
            peer.pause(20);
            Ok(())
        }),
        with_header("push_in_between", Counted::Pushes("note", 2), |peer, request| {
            peer.say(&NOTE)?;
            peer.send(request)?;
            peer.say(&NOTE)
        }),
    ]
}

fn floods() -> Vec<Behaviour> {
    vec![
        with_header("flood_of_pushes", Counted::Pushes("note", 20_000), |peer, request| {
            peer.say(&NOTE.repeat(20_000))?;
            peer.send(request)
        }),
        with_header("flood_of_replies_to_nobody", Counted::Orphans(20_000), |peer, request| {
            peer.say(&with_session(request, 4000).repeat(20_000))?;
            peer.send(request)
        }),
        Behaviour::new("flood_of_empty_frames", Protocol::Short, Counted::Orphans(49_999), LIVES, |peer| {
            peer.request()?;
            peer.say(&[0; 100_000])?;
            peer.pause(100);
            Ok(())
        }),
        with_header("trickle_of_pushes", Counted::Pushes("note", 30), |peer, request| {
            peer.trickle(&NOTE.repeat(30), 7)?;
            peer.send(request)
        }),
    ]
}

fn compressed() -> Vec<Behaviour> {
    use Protocol::{Lz4, Zlib, Zstd};
    let zlib = |length: usize| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        // Writing to a vector does not fail.
        let _ = io::Write::write_all(&mut encoder, &vec![0; length]);
        encoder.finish().unwrap_or_default()
    };
    let whole = zlib(60_000);
    let mut wrong_sum = whole.clone();
    wrong_sum.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1);
    let half = whole[..whole.len() / 2].to_vec();
    // Three blocks, each of which is one byte 131,072 times (RFC 8878, 3.1.1.2).
    let block = (1 << 20 | 2 | 1_u32).to_le_bytes();
    let zstd = joined(&[b"\x28\xb5\x2f\xfd\0\x58", &zstd_run(&block), &zstd_run(&block), &block[..3], b"x"]);
    // One literal, then a match that goes on for 255 bytes with each byte.
    let lz4 = joined(&[b"\x1fx\x01\0", &[0xff; 1000], b"\0\x10x"]);
    vec![
        squeezed("zlib_bomb", Zlib, zlib(40 << 20)),
        squeezed("zlib_that_is_none", Zlib, *b"plain text"),
        squeezed("zlib_cut_off", Zlib, half),
        squeezed("zlib_with_a_wrong_sum", Zlib, wrong_sum),
        squeezed("zlib_of_nothing", Zlib, []),
        squeezed("zstd_bomb", Zstd, zstd),
        squeezed("zstd_that_is_none", Zstd, *b"plain text"),
        squeezed("lz4_bomb", Lz4, lz4),
        squeezed("lz4_that_points_before_its_start", Lz4, *b"\x1fx\xff\xff\x10\x10x"),
    ]
}

/// A block that is not the last.
fn zstd_run(block: &[u8; 4]) -> Vec<u8> {
    vec![block[0] & !1, block[1], block[2], b'x']
}

/// One whose reply has a body that cannot be had back.
fn squeezed(name: &'static str, protocol: Protocol, body: impl Into<Vec<u8>>) -> Behaviour {
    let body = body.into();
    Behaviour::new(name, protocol, Counted::Connection("decode"), LIVES, move |peer| {
        let request = peer.request()?;
        let flagged = with_id(&request[..10], u16::from_be_bytes([request[4], request[5]]) | 0x8000);
        peer.send(&joined(&[&flagged, &body]))
    })
}
