//! Protocol Buffers in an envelope with a session, and behind a header with a number.

use crate::behaviour::{Behaviour, Counted, LIVES};
use crate::bytes::{joined, varint};
use crate::protocol::Protocol;

/// The reply's field in the envelope.
const ANSWER: u64 = 3;
/// The push's.
const NOTE: u64 = 4;
/// A field of bytes.
const BYTES: u64 = 2;

fn field(number: u64, wire: u64, content: &[u8]) -> Vec<u8> {
    joined(&[&varint(number << 3 | wire), content])
}

fn bytes(number: u64, content: &[u8]) -> Vec<u8> {
    field(number, BYTES, &joined(&[&varint(content.len() as u64), content]))
}

/// `{ text = "fine" }`.
fn fine() -> Vec<u8> {
    bytes(1, b"fine")
}

/// An envelope with the session and what else there is.
fn packet(session: u8, rest: &[u8]) -> Vec<u8> {
    joined(&[&[8, session], rest])
}

/// The session of a request, which stands first.
fn session(request: &[u8]) -> u8 {
    request[1]
}

/// The right reply.
pub(crate) fn answer(request: &[u8]) -> Vec<u8> {
    packet(session(request), &bytes(ANSWER, &fine()))
}

/// One that answers the first request with this payload, made from its session.
fn replies(
    name: &'static str,
    counted: Counted,
    payload: impl Fn(u8) -> Vec<u8> + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::new(name, Protocol::Oneof, counted, LIVES, move |peer| {
        let session = session(&peer.request()?);
        peer.send(&payload(session))
    })
}

/// One that sends this before the right reply.
fn before(
    name: &'static str,
    counted: Counted,
    payload: impl Fn(u8) -> Vec<u8> + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::new(name, Protocol::Oneof, counted, LIVES, move |peer| {
        let request = peer.request()?;
        peer.send(&payload(session(&request)))?;
        peer.send(&answer(&request))
    })
}

/// One whose envelope is broken behind its session.
fn headless(name: &'static str, rest: impl Into<Vec<u8>>) -> Behaviour {
    let rest = rest.into();
    replies(name, Counted::Connection("decode"), move |session| packet(session, &rest))
}

/// One whose reply has a body that cannot be read.
fn bad_body(name: &'static str, body: impl Into<Vec<u8>>) -> Behaviour {
    let body = body.into();
    replies(name, Counted::Reply("decode"), move |session| packet(session, &bytes(ANSWER, &body)))
}

/// One whose reply is strange and can be read.
fn good(name: &'static str, rest: impl Into<Vec<u8>>) -> Behaviour {
    let rest = rest.into();
    replies(name, Counted::Answered, move |session| packet(session, &rest))
}

fn good_body(name: &'static str, body: impl Into<Vec<u8>>) -> Behaviour {
    good(name, bytes(ANSWER, &body.into()))
}

fn nested(levels: usize) -> Vec<u8> {
    (0..levels).fold(Vec::new(), |inner, _| bytes(1, &inner))
}

pub(crate) fn behaviours() -> Vec<Behaviour> {
    [sessions(), envelopes(), bodies(), strange(), numbered()].concat()
}

fn sessions() -> Vec<Behaviour> {
    let push = |body: &[u8]| packet(0, &bytes(NOTE, body));
    let (note, broken) = (push(b"\x0a\x02hi"), push(b"\x0a\x7fhi"));
    vec![
        before("packet_of_nobody", Counted::Orphans(1), |session| {
            packet(session + 70, &bytes(ANSWER, &fine()))
        }),
        before("packet_with_a_session_of_64_bits", Counted::Orphans(1), |_| {
            joined(&[&field(1, 0, &varint(u64::MAX)), &bytes(ANSWER, &fine())])
        }),
        before("packet_without_a_session", Counted::Pushes("Answer", 1), |_| bytes(ANSWER, &fine())),
        before("packet_of_a_push", Counted::Pushes("note", 1), move |_| note.clone()),
        before("packet_of_a_broken_push", Counted::PushFails("note"), move |_| broken.clone()),
        before("packet_twice", Counted::Duplicate, |session| packet(session, &bytes(ANSWER, &fine()))),
        replies("packet_that_says_no", Counted::Request("rejected"), |session| {
            packet(session, &joined(&[&[16, 5], &bytes(ANSWER, &fine())]))
        }),
    ]
}

fn envelopes() -> Vec<Behaviour> {
    vec![
        headless("packet_with_a_varint_without_end", [0xff; 11]),
        headless("packet_cut_in_a_key", [0x80]),
        headless("packet_with_field_nought", [0x00, 0x01]),
        headless("packet_with_a_field_beyond_29_bits", joined(&[&varint(1 << 40), &[1]])),
        headless("packet_with_wire_type_6", field(90, 6, b"x")),
        headless("packet_with_wire_type_7", field(90, 7, b"x")),
        headless("packet_with_a_group_without_end", field(90, 3, &[8, 1])),
        headless("packet_with_the_end_of_no_group", field(90, 4, &[])),
        headless("packet_with_groups_a_thousand_deep", field(90, 3, &[]).repeat(1000)),
        headless("packet_with_a_body_beyond_its_end", field(ANSWER, BYTES, &[100, b'x'])),
        headless("packet_with_a_body_of_all_memory", field(ANSWER, BYTES, &varint(u64::MAX))),
        headless("packet_with_a_fixed_number_cut_off", field(90, 5, &[1, 2])),
        headless("packet_of_json", *br#"{"seq":1}"#),
        headless("packet_with_a_code_cut_off", [16]),
    ]
}

fn bodies() -> Vec<Behaviour> {
    let entry = |content: &[u8]| bytes(5, content);
    vec![
        bad_body("answer_cut_off", [0x0a, 100, b'x']),
        bad_body("answer_with_a_varint_without_end", joined(&[&[0x10], &[0xff; 11]])),
        bad_body("answer_with_a_packed_list_cut_off", bytes(4, &[1, 2, 3, 4, 5, 6])),
        bad_body("answer_with_a_broken_entry", entry(&[0x0a, 100])),
        bad_body("answer_a_thousand_deep", bytes(3, &nested(1000))),
        bad_body("answer_one_too_deep", bytes(3, &nested(101))),
        bad_body("answer_with_wire_type_6", field(1, 6, b"x")),
        bad_body("answer_with_a_group_without_end", field(77, 3, &[8, 1])),
        bad_body("answer_with_field_nought", [0, 1]),
    ]
}

fn strange() -> Vec<Behaviour> {
    let two = joined(&[&bytes(ANSWER, b"\x10\x01"), &bytes(ANSWER, &fine())]);
    vec![
        good_body("answer_of_nothing", []),
        good_body("answer_with_a_text_that_is_no_utf8", bytes(1, b"\xff\xfe")),
        good_body(
            "answer_with_unknown_fields",
            joined(&[&fine(), &bytes(900, b"new"), &field(901, 0, &[1])]),
        ),
        good_body("answer_with_a_number_out_of_range", joined(&[&[0x10], &varint(u64::MAX >> 1)])),
        good_body("answer_with_an_unknown_value_of_an_enum", [0x30, 99]),
        good_body("answer_with_a_text_twice", joined(&[&bytes(1, b"no"), &fine()])),
        good_body("answer_with_an_empty_entry", bytes(5, b"")),
        good_body("answer_ninety_deep", bytes(3, &nested(90))),
        good("packet_with_its_body_twice", two),
        good(
            "packet_with_a_varint_longer_than_need_be",
            joined(&[&[16, 0x80, 0x80, 0], &bytes(ANSWER, &fine())]),
        ),
        good("packet_with_a_note_for_an_answer", bytes(NOTE, &fine())),
    ]
}

fn numbered() -> Vec<Behaviour> {
    let new = |name, counted, number: u16, body: &'static [u8]| {
        Behaviour::new(name, Protocol::Numbered, counted, LIVES, move |peer| {
            let request = peer.request()?;
            peer.send(&joined(&[&request[..4], &number.to_be_bytes(), &request[6..10], body]))
        })
    };
    vec![
        new("number_with_a_broken_body", Counted::Reply("decode"), 1, b"\x0a\x64x"),
        new("number_with_nothing_behind_it", Counted::Answered, 1, b""),
        new("number_of_a_push_for_an_answer", Counted::Answered, 2, b"\x0a\x02hi"),
    ]
}
