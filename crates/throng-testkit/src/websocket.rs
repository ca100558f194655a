//! WebSocket's frames, once the handshake is done.

use std::io;

use crate::behaviour::{BROKEN, Behaviour, Counted, LIVES};
use crate::bytes::joined;
use crate::handshake::{answer, key};
use crate::peer::Peer;
use crate::protocol::{Protocol, frame};

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
const LAST: u8 = 0x80;

/// Shakes hands as it should be.
fn open(peer: &mut Peer) -> io::Result<()> {
    let accept = key(peer)?;
    peer.say(answer(&accept).as_bytes())
}

/// One that does something with the first request.
fn open_then(
    name: &'static str,
    counted: Counted,
    end: &'static str,
    act: impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::new(name, Protocol::WebSocket, counted, end, move |peer| {
        open(peer)?;
        peer.request()?;
        act(peer)
    })
}

/// One that breaks RFC 6455 with these bytes.
fn breaks(name: &'static str, bytes: impl Into<Vec<u8>>) -> Behaviour {
    let bytes = bytes.into();
    open_then(name, Counted::Connection("protocol"), BROKEN, move |peer| peer.say(&bytes))
}

/// One that is strange and right.
fn right(name: &'static str, bytes: impl Into<Vec<u8>>) -> Behaviour {
    let bytes = bytes.into();
    open_then(name, Counted::Answered, LIVES, move |peer| peer.say(&bytes))
}

/// One that says good-bye with these bytes.
fn closes(name: &'static str, bytes: impl Into<Vec<u8>>) -> Behaviour {
    let bytes = bytes.into();
    open_then(name, Counted::Request("closed"), "server", move |peer| {
        peer.say(&bytes)?;
        peer.listen()
    })
}

/// A close frame.
fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(LAST | CLOSE, &joined(&[&code.to_be_bytes(), reason]))
}

pub(crate) fn behaviours() -> Vec<Behaviour> {
    [headers(), fragments(), texts(), farewells(), cuts(), strange()].concat()
}

fn headers() -> Vec<Behaviour> {
    let huge = |length: u64| joined(&[&[LAST | BINARY, 127], &length.to_be_bytes(), b"hello"]);
    vec![
        breaks("frame_that_is_masked", *b"\x82\x85\x01\x02\x03\x04hello"),
        breaks("frame_with_reserved_bit_1", frame(LAST | 0x40 | BINARY, b"hello")),
        breaks("frame_with_reserved_bit_2", frame(LAST | 0x20 | BINARY, b"hello")),
        breaks("frame_with_reserved_bit_3", frame(LAST | 0x10 | BINARY, b"hello")),
        breaks("frame_with_opcode_3", frame(LAST | 0x3, b"hello")),
        breaks("frame_with_opcode_7", frame(LAST | 0x7, b"hello")),
        breaks("frame_with_opcode_b", frame(LAST | 0xb, b"hello")),
        breaks("frame_with_opcode_f", frame(LAST | 0xf, b"hello")),
        breaks("frame_of_2_to_the_63", huge(1 << 63)),
        breaks("frame_of_all_ones", huge(u64::MAX)),
        breaks("frame_above_the_maximum", huge(65_537)),
        breaks("http_in_place_of_a_frame", *b"HTTP/1.1 200 OK\r\n\r\n"),
        right("frame_at_the_maximum", frame(LAST | BINARY, &[7; 65_536])),
        right("frame_with_a_length_longer_than_need_be", *b"\x82\x7f\0\0\0\0\0\0\0\x05hello"),
        right("frame_of_nothing", frame(LAST | BINARY, b"")),
    ]
}

fn fragments() -> Vec<Behaviour> {
    let part = |first: u8, content: &[u8]| frame(first, content);
    let growing = [part(BINARY, &[7; 40_000]), part(CONTINUATION, &[7; 40_000])];
    let many = [part(BINARY, b""), part(CONTINUATION, b"").repeat(10_000), part(LAST | CONTINUATION, b"end")];
    let with_ping = [part(BINARY, b"he"), part(LAST | PING, b"!"), part(LAST | CONTINUATION, b"llo")];
    vec![
        breaks("ping_in_fragments", part(PING, b"half")),
        breaks("close_in_fragments", part(CLOSE, b"")),
        breaks("ping_above_125_bytes", part(LAST | PING, &[b'x'; 126])),
        breaks("close_above_125_bytes", part(LAST | CLOSE, &[b'x'; 126])),
        breaks("continuation_of_nothing", part(LAST | CONTINUATION, b"more")),
        breaks(
            "continuation_behind_the_last",
            [part(LAST | BINARY, b"a"), part(LAST | CONTINUATION, b"b")].concat(),
        ),
        breaks("message_inside_a_message", [part(BINARY, b"a"), part(LAST | BINARY, b"b")].concat()),
        breaks("fragments_above_the_maximum", growing.concat()),
        right("fragments_of_nothing", many.concat()),
        right("ping_between_fragments", with_ping.concat()),
    ]
}

fn texts() -> Vec<Behaviour> {
    let text = |content: &[u8]| frame(LAST | TEXT, content);
    let halves =
        |first: &[u8], second: &[u8]| [frame(TEXT, first), frame(LAST | CONTINUATION, second)].concat();
    vec![
        breaks("text_that_is_no_utf8", text(b"\xff\xfe")),
        breaks("text_with_a_surrogate", text(b"\xed\xa0\x80")),
        breaks("text_with_an_overlong_slash", text(b"\xc0\xaf")),
        breaks("text_beyond_unicode", text(b"\xf4\x90\x80\x80")),
        breaks("text_cut_inside_a_character", text(b"\xe2\x82")),
        breaks("text_broken_across_fragments", halves(b"\xe2\x82", b"x")),
        right("text_in_place_of_bytes", text(b"hello")),
        right("text_cut_inside_a_character_by_fragments", halves(b"\xe2\x82", b"\xac")),
        right("text_of_noughts", text(&[0; 5])),
    ]
}

fn farewells() -> Vec<Behaviour> {
    let bad = |name, code: u16| breaks(name, close(code, b""));
    vec![
        breaks("close_of_one_byte", frame(LAST | CLOSE, b"\x03")),
        bad("close_with_code_0", 0),
        bad("close_with_code_999", 999),
        bad("close_with_code_1004", 1004),
        bad("close_with_code_1005", 1005),
        bad("close_with_code_1006", 1006),
        bad("close_with_code_1015", 1015),
        bad("close_with_code_2999", 2999),
        bad("close_with_code_65535", 65_535),
        breaks("close_with_a_reason_that_is_no_text", close(1000, b"\xff")),
        closes("close_without_a_code", frame(LAST | CLOSE, b"")),
        closes("close_with_code_1000", close(1000, b"bye")),
        closes("close_with_code_1011", close(1011, b"something broke")),
        closes("close_with_code_4999", close(4999, b"\x1b[31m\0")),
        closes("close_with_the_longest_reason", close(3000, &[b'x'; 123])),
        closes("close_and_more_data", [close(1000, b""), frame(LAST | BINARY, b"more")].concat()),
        closes("close_and_garbage", [close(1000, b""), vec![0xff; 1000]].concat()),
        closes("close_twice", close(1000, b"").repeat(2)),
    ]
}

fn cuts() -> Vec<Behaviour> {
    let cut = |name, bytes: Vec<u8>| {
        open_then(name, Counted::Connection("framing"), "truncated", move |peer| {
            peer.say(&bytes)?;
            peer.close()
        })
    };
    vec![
        cut("web_header_cut_off", vec![LAST | BINARY]),
        cut("web_length_cut_off", vec![LAST | BINARY, 127, 0, 0]),
        cut("web_frame_cut_off", b"\x82\x05hel".to_vec()),
        cut("web_message_cut_off", frame(BINARY, b"half")),
        open_then("web_frame_half_and_reset", Counted::Request("reset"), "reset", |peer| {
            peer.say(b"\x82\x05hel")?;
            peer.reset()
        }),
        open_then("web_closed_without_a_word", Counted::Request("closed"), "half_closed", Peer::close),
    ]
}

fn strange() -> Vec<Behaviour> {
    let pings = |count: usize| frame(LAST | PING, &[b'x'; 125]).repeat(count);
    vec![
        right("pong_that_nobody_wanted", [frame(LAST | PONG, b"?"), frame(LAST | BINARY, b"ok")].concat()),
        right("ping_of_nothing", [frame(LAST | PING, b""), frame(LAST | BINARY, b"ok")].concat()),
        right("flood_of_pings", [pings(5000), frame(LAST | BINARY, b"ok")].concat()),
        open_then("web_byte_by_byte", Counted::Answered, LIVES, |peer| {
            frame(LAST | BINARY, b"hello").iter().try_for_each(|byte| peer.say(&[*byte]))
        }),
        open_then("web_flood_of_messages", Counted::Orphans(9999), LIVES, |peer| {
            peer.say(&frame(LAST | BINARY, b"hello").repeat(10_000))?;
            peer.pause(50);
            Ok(())
        }),
        Behaviour::new(
            "frames_behind_the_handshake",
            Protocol::WebSocket,
            Counted::Orphans(1),
            LIVES,
            |peer| {
                let accept = key(peer)?;
                peer.say(&[answer(&accept).as_bytes(), &frame(LAST | BINARY, b"early")].concat())?;
                peer.answer()
            },
        ),
        Behaviour::new(
            "garbage_behind_the_handshake",
            Protocol::WebSocket,
            Counted::Connection("protocol"),
            BROKEN,
            |peer| {
                let accept = key(peer)?;
                peer.say(&[answer(&accept).as_bytes(), b"<html>"].concat())
            },
        ),
    ]
}
