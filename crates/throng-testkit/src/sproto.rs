//! Sproto: RPC headers, 0-packing, bodies and envelopes.

use crate::behaviour::{Behaviour, Counted, HANGS, LIVES};
use crate::bytes::{joined, le16, le32};
use crate::packed::{Field, packed, structure};
use crate::peer::LATE_MS;
use crate::protocol::{Protocol, envelope_name, fine, rpc_reply, rpc_session};

/// One that answers the first request with this payload, made from its session.
fn replies(
    name: &'static str,
    protocol: Protocol,
    counted: Counted,
    payload: impl Fn(u16) -> Vec<u8> + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::new(name, protocol, counted, LIVES, move |peer| {
        let session = rpc_session(&peer.request()?);
        peer.send(&payload(session))
    })
}

/// One whose payload has no head that can be read.
fn headless(name: &'static str, payload: impl Into<Vec<u8>>) -> Behaviour {
    let payload = payload.into();
    replies(name, Protocol::Rpc, Counted::Connection("decode"), move |_| payload.clone())
}

/// One whose payload is well packed, with a head that cannot be read.
fn bad_header(name: &'static str, plain: impl Into<Vec<u8>>) -> Behaviour {
    headless(name, packed(&plain.into()))
}

/// One whose reply has a body that cannot be read.
fn bad_body(name: &'static str, body: impl Into<Vec<u8>>) -> Behaviour {
    let body = body.into();
    replies(name, Protocol::Rpc, Counted::Reply("decode"), move |session| rpc_reply(session, &body))
}

/// One whose reply has a strange body that can be read.
fn good_body(name: &'static str, body: impl Into<Vec<u8>>) -> Behaviour {
    let body = body.into();
    replies(name, Protocol::Rpc, Counted::Answered, move |session| rpc_reply(session, &body))
}

/// One that sends this before the right reply.
fn before(
    name: &'static str,
    counted: Counted,
    payload: impl Fn(u16) -> Vec<u8> + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::new(name, Protocol::Rpc, counted, LIVES, move |peer| {
        let session = rpc_session(&peer.request()?);
        peer.send(&payload(session))?;
        peer.send(&rpc_reply(session, &fine()))
    })
}

/// One that answers the first envelope with this payload, made from the name of the reply.
fn enveloped(
    name: &'static str,
    counted: Counted,
    payload: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
) -> Behaviour {
    // By name it cannot be told to which of two requests a reply belongs once the first has had none.
    let end = if matches!(counted, Counted::Answered | Counted::Reply(_)) { LIVES } else { HANGS };
    Behaviour::new(name, Protocol::Envelope, counted, end, move |peer| {
        let name = envelope_name(&peer.request()?);
        peer.send(&payload(&joined(&[&name, b"_done"])))
    })
}

/// A session that is no small number.
fn long_session(session: i32) -> Vec<u8> {
    structure(&[Field::Skip(1), Field::Block(session.to_le_bytes().to_vec())])
}

/// Structs inside each other.
fn nested(levels: usize) -> Vec<u8> {
    (0..levels).fold(structure(&[]), |inner, _| structure(&[Field::Block(inner)]))
}

pub(crate) fn behaviours() -> Vec<Behaviour> {
    [sessions(), headers(), packings(), bodies(), strange_bodies(), envelopes()].concat()
}

fn sessions() -> Vec<Behaviour> {
    let push = |tag: u16, body: &[u8]| packed(&joined(&[&structure(&[Field::Small(tag)]), body]));
    let broken = push(500, &structure_of_text(1 << 20));
    let unknown = push(9999, b"");
    vec![
        before("rpc_session_of_nobody", Counted::Orphans(1), |session| rpc_reply(session + 1000, &fine())),
        before("rpc_session_nought", Counted::Orphans(1), |_| rpc_reply(0, &fine())),
        before("rpc_session_negative", Counted::Orphans(1), |_| {
            packed(&joined(&[&long_session(-1), &fine()]))
        }),
        before("rpc_session_of_32_bits", Counted::Orphans(1), |_| {
            packed(&joined(&[&long_session(i32::MAX), &fine()]))
        }),
        before("rpc_reply_twice", Counted::Duplicate, |session| rpc_reply(session, &fine())),
        before("rpc_type_unknown", Counted::Pushes("9999", 1), move |_| unknown.clone()),
        before("rpc_push_that_is_broken", Counted::PushFails("note"), move |_| broken.clone()),
        Behaviour::new("rpc_reply_never", Protocol::Rpc, Counted::Request("timeout"), LIVES, |peer| {
            peer.request().map(|_| ())
        }),
        Behaviour::new("rpc_reply_late", Protocol::Rpc, Counted::Late, LIVES, |peer| {
            let session = rpc_session(&peer.request()?);
            peer.pause(LATE_MS);
            peer.send(&rpc_reply(session, &fine()))
        }),
    ]
}

/// A struct with one text that says it has `length` bytes.
fn structure_of_text(length: u32) -> Vec<u8> {
    joined(&[&le16(1), &le16(0), &le32(length), b"short"])
}

fn headers() -> Vec<Behaviour> {
    let text = |text: &[u8]| Field::text(text);
    vec![
        bad_header("rpc_header_of_noughts", [0; 8]),
        bad_header("rpc_header_cut_in_its_count", [1]),
        bad_header("rpc_header_of_65535_fields", le16(0xffff)),
        bad_header("rpc_header_cut_in_its_fields", joined(&[&le16(9), &le16(4)])),
        bad_header("rpc_header_of_unknown_fields", structure(&[Field::Skip(40), Field::Small(1)])),
        bad_header("rpc_type_is_a_text", structure(&[text(b"login")])),
        bad_header("rpc_type_negative", structure(&[Field::Block((-1_i32).to_le_bytes().to_vec())])),
        bad_header("rpc_session_is_a_text", structure(&[Field::Skip(1), text(b"abc")])),
        bad_header("rpc_session_is_empty", structure(&[Field::Skip(1), text(b"")])),
        bad_header(
            "rpc_session_is_longer_than_there_is",
            joined(&[&le16(2), &le16(1), &le16(0), &le32(u32::MAX)]),
        ),
    ]
}

fn packings() -> Vec<Behaviour> {
    let bomb = vec![0; 3 << 20];
    vec![
        headless("rpc_of_nothing", []),
        headless("packing_cut_in_a_word", [0xff]),
        headless("packing_cut_in_a_run", [0xff, 5, 1, 2, 3]),
        headless("packing_of_bits_without_bytes", [0b0111_1111, 1, 2]),
        headless(
            "packing_left_out",
            joined(&[&[0xff, 0xff], &structure(&[Field::Skip(1), Field::Small(1)])]),
        ),
        headless("http_in_place_of_rpc", *b"HTTP/1.1 404 Not Found\r\n\r\n"),
        replies("packing_bomb", Protocol::LongRpc, Counted::Connection("decode"), move |_| bomb.clone()),
        // A reply of three words, and zeros behind it.
        replies("packing_at_its_limit", Protocol::LongRpc, Counted::Answered, |session| {
            joined(&[&rpc_reply(session, &fine()), &[0; (1 << 20) / 8 - 3]])
        }),
        replies(
            "packing_one_word_above_its_limit",
            Protocol::LongRpc,
            Counted::Connection("decode"),
            |session| joined(&[&rpc_reply(session, &fine()), &[0; (1 << 20) / 8 - 2]]),
        ),
    ]
}

fn bodies() -> Vec<Behaviour> {
    let list = |width: u8, rest: &[u8]| structure(&[Field::Skip(3), Field::Block(joined(&[&[width], rest]))]);
    vec![
        bad_body("body_of_65535_fields", le16(0xffff)),
        bad_body("body_cut_in_its_fields", joined(&[&le16(600), &[0; 16]])),
        bad_body("body_with_a_text_of_four_gigabytes", structure_of_text(u32::MAX)),
        bad_body("body_with_a_text_beyond_its_end", structure_of_text(10_000)),
        bad_body("body_with_a_text_that_is_a_number", structure(&[Field::Small(5)])),
        bad_body("body_with_a_number_of_three_bytes", structure(&[Field::Skip(1), Field::text(b"abc")])),
        bad_body("body_with_a_struct_that_is_a_number", structure(&[Field::Skip(2), Field::Small(5)])),
        bad_body("body_with_a_struct_cut_off", structure(&[Field::Skip(2), Field::Block(vec![1])])),
        bad_body("body_with_a_list_that_is_a_number", structure(&[Field::Skip(3), Field::Small(5)])),
        bad_body("body_with_a_list_of_width_3", list(3, &[1, 2, 3])),
        bad_body("body_with_a_list_cut_off", list(8, &[1, 2, 3, 4, 5])),
        bad_body("body_with_a_double_of_three_bytes", structure(&[Field::Skip(5), Field::text(b"abc")])),
        bad_body("body_a_thousand_deep", structure(&[Field::Skip(2), Field::Block(nested(1000))])),
        bad_body("body_one_too_deep", structure(&[Field::Skip(2), Field::Block(nested(70))])),
    ]
}

fn strange_bodies() -> Vec<Behaviour> {
    let unknown =
        structure(&[Field::text(b"fine"), Field::Skip(50), Field::text(b"unknown"), Field::Small(7)]);
    vec![
        good_body("body_of_nothing", structure(&[])),
        good_body("body_with_bytes_behind_it", joined(&[&fine(), &[0xa5; 20]])),
        good_body("body_with_unknown_fields", unknown),
        good_body("body_with_a_text_that_is_no_utf8", structure(&[Field::text(b"\xff\xfe\0")])),
        good_body("body_with_a_list_of_nothing", structure(&[Field::Skip(3), Field::text(b"")])),
        good_body("body_with_a_boolean_of_seven", structure(&[Field::Skip(4), Field::Small(7)])),
        good_body("body_sixty_deep", structure(&[Field::Skip(2), Field::Block(nested(60))])),
    ]
}

fn envelopes() -> Vec<Behaviour> {
    let headless =
        |name, payload: Vec<u8>| enveloped(name, Counted::Connection("decode"), move |_| payload.clone());
    vec![
        headless("envelope_of_nothing", Vec::new()),
        headless("envelope_of_65535_fields", le16(0xffff).to_vec()),
        headless("envelope_without_a_name", structure(&[Field::Skip(1), Field::Block(fine())])),
        headless("envelope_with_a_number_for_a_name", structure(&[Field::Small(7), Field::Block(fine())])),
        headless(
            "envelope_with_a_name_beyond_its_end",
            joined(&[&le16(2), &le16(0), &le16(0), &le32(999), b"x"]),
        ),
        headless(
            "envelope_with_a_name_that_is_no_text",
            structure(&[Field::text(b"\xff"), Field::Block(fine())]),
        ),
        headless("envelope_of_json", br#"{"cmd":"hello"}"#.to_vec()),
        enveloped("envelope_of_an_unknown_message", Counted::PushInstead("Nobody"), |_| {
            structure(&[Field::text(b"Nobody"), Field::Block(fine())])
        }),
        enveloped("envelope_with_a_broken_body", Counted::Reply("decode"), |name| {
            structure(&[Field::text(name), Field::Block(structure_of_text(999))])
        }),
        enveloped("envelope_without_a_body", Counted::Answered, |name| structure(&[Field::text(name)])),
    ]
}
