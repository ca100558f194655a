//! JSON and MessagePack: documents that are none, and heads that say strange things.

use crate::behaviour::{BROKEN, Behaviour, Counted, LIVES};
use crate::bytes::joined;
use crate::protocol::Protocol;

/// The session of a request, as it is written.
fn json_session(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let (_, rest) = text.split_once("\"seq\":").unwrap_or_default();
    rest.chars().take_while(char::is_ascii_digit).collect()
}

/// The right reply.
pub(crate) fn json_answer(request: &[u8]) -> Vec<u8> {
    format!(r#"{{"cmd":"answer","seq":{},"data":{{"text":"fine"}}}}"#, json_session(request)).into_bytes()
}

/// The session of a request, which is small.
fn msgpack_session(request: &[u8]) -> u8 {
    let key = b"\xa3seq";
    let at = request.windows(key.len()).position(|window| window == key).unwrap_or_default();
    request[at + key.len()]
}

/// The right reply.
pub(crate) fn msgpack_answer(request: &[u8]) -> Vec<u8> {
    packet(msgpack_session(request), b"\x81\xa4text\xa4fine")
}

/// A reply around these bytes.
fn packet(session: u8, body: &[u8]) -> Vec<u8> {
    joined(&[b"\x83\xa3cmd\xa6answer\xa3seq", &[session], b"\xa4data", body])
}

/// One that answers the first request with this text, in which `$` is its session.
fn json(
    name: &'static str,
    protocol: Protocol,
    counted: Counted,
    end: &'static str,
    text: impl Into<Vec<u8>>,
) -> Behaviour {
    let text = text.into();
    Behaviour::new(name, protocol, counted, end, move |peer| {
        let session = json_session(&peer.request()?);
        let parts: Vec<&[u8]> = text.split(|byte| *byte == b'$').collect();
        peer.send(&parts.join(session.as_bytes()))
    })
}

/// One whose text has no head that can be read.
fn headless(name: &'static str, text: impl Into<Vec<u8>>) -> Behaviour {
    json(name, Protocol::Json, Counted::Connection("decode"), LIVES, text)
}

/// The same where the settings say that the connection is closed then.
fn closing(name: &'static str, text: impl Into<Vec<u8>>) -> Behaviour {
    json(name, Protocol::Closing, Counted::Connection("decode"), BROKEN, text)
}

/// One whose reply has this body.
fn body(name: &'static str, counted: Counted, body: &[u8]) -> Behaviour {
    let text = joined(&[br#"{"cmd":"answer","seq":$,"data":"#, body, b"}"]);
    json(name, Protocol::Json, counted, LIVES, text)
}

fn bad_body(name: &'static str, text: &[u8]) -> Behaviour {
    body(name, Counted::Reply("decode"), text)
}

fn good_body(name: &'static str, text: &[u8]) -> Behaviour {
    body(name, Counted::Answered, text)
}

/// One whose reply has a strange head.
fn head(name: &'static str, counted: Counted, text: &str) -> Behaviour {
    json(name, Protocol::Json, counted, LIVES, text)
}

pub(crate) fn behaviours() -> Vec<Behaviour> {
    [texts(), bodies(), heads(), closed(), msgpack()].concat()
}

fn texts() -> Vec<Behaviour> {
    let deep = joined(&[&b"[".repeat(100_000), &b"]".repeat(100_000)]);
    vec![
        headless("json_of_nothing", ""),
        headless("json_of_words", "hello"),
        headless("json_of_http", "HTTP/1.1 404 Not Found\r\n\r\n"),
        headless("json_of_noughts", [0; 64]),
        headless("json_that_is_a_list", "[1,2,3]"),
        headless("json_that_is_a_number", "17"),
        headless("json_that_is_a_text", "\"hello\""),
        headless("json_that_is_null", "null"),
        headless("json_of_a_hundred_thousand_lists", deep),
        headless("json_cut_off", r#"{"cmd":"answer","seq":$"#),
        headless("json_cut_off_in_a_text", r#"{"cmd":"answ"#),
        headless("json_with_words_behind_it", r#"{"cmd":"answer","seq":$} and more"#),
        headless("json_twice_in_one", r#"{"cmd":"answer","seq":$}{"cmd":"answer","seq":$}"#),
        headless("json_behind_a_byte_order_mark", "\u{feff}{\"cmd\":\"answer\",\"seq\":$}"),
        headless("json_in_utf16", "{\0\"\0c\0m\0d\0\"\0:\x001\0}\0"),
        headless("json_in_single_quotes", "{'cmd':'answer','seq':$}"),
        headless("json_with_a_comment", r#"{"cmd":"answer",/* why */"seq":$}"#),
        headless("json_with_a_comma_too_much", r#"{"cmd":"answer","seq":$,}"#),
        headless("json_with_a_comma_too_few", r#"{"cmd":"answer" "seq":$}"#),
        headless("json_with_a_bare_key", r#"{cmd:"answer","seq":$}"#),
        headless("json_with_a_number_for_a_key", r#"{1:"answer","seq":$}"#),
        headless("json_with_nan", r#"{"cmd":"answer","seq":$,"data":NaN}"#),
        headless("json_with_infinity", r#"{"cmd":"answer","seq":$,"data":-Infinity}"#),
        headless("json_with_a_leading_nought", r#"{"cmd":"answer","seq":0$}"#),
        headless("json_with_a_plus", r#"{"cmd":"answer","seq":+$}"#),
        headless("json_with_a_line_break_in_a_text", "{\"cmd\":\"ans\nwer\",\"seq\":$}"),
        headless("json_with_an_unknown_escape", r#"{"cmd":"ans\qwer","seq":$}"#),
        headless("json_that_is_no_utf8", *b"{\"cmd\":\"\xff\xfe\",\"seq\":$}"),
        headless("json_of_python", "{\"cmd\":\"answer\",\"seq\":$,\"data\":None}"),
    ]
}

fn bodies() -> Vec<Behaviour> {
    let lists = |levels: usize| joined(&[&b"[".repeat(levels), &b"]".repeat(levels)]);
    let objects = joined(&[&br#"{"a":"#.repeat(5000), b"1", &b"}".repeat(5000)]);
    vec![
        bad_body("json_body_a_thousand_deep", &lists(1000)),
        bad_body("json_body_one_too_deep", &lists(128)),
        bad_body("json_body_of_objects_too_deep", &objects),
        bad_body("json_body_with_a_lone_surrogate", br#"{"text":"\ud800"}"#),
        bad_body("json_body_with_half_a_pair", br#"{"text":"\ud83d\u0041"}"#),
        bad_body("json_body_with_a_number_beyond_all", b"1e999"),
        good_body("json_body_at_the_deepest", &lists(127)),
        good_body("json_body_with_a_long_number", b"123456789012345678901234567890"),
        good_body("json_body_with_the_smallest_number", b"1e-999"),
        good_body("json_body_with_negative_nought", b"-0"),
        good_body("json_body_with_a_key_twice", br#"{"text":"no","text":"fine"}"#),
        good_body("json_body_with_an_empty_key", br#"{"":{"":[]}}"#),
        good_body("json_body_with_a_nought_in_a_text", br#"{"text":"\u0000"}"#),
        good_body("json_body_that_is_null", b"null"),
        good_body("json_body_that_is_a_number", b"7"),
        good_body("json_body_with_spaces", b" \t\r\n{ } \n"),
    ]
}

fn heads() -> Vec<Behaviour> {
    let instead = Counted::PushInstead("answer");
    vec![
        head("json_session_is_a_text", instead, r#"{"cmd":"answer","seq":"$"}"#),
        head("json_session_is_a_fraction", instead, r#"{"cmd":"answer","seq":$.5}"#),
        head("json_session_is_beyond_64_bits", instead, r#"{"cmd":"answer","seq":1e30}"#),
        head("json_session_is_a_list", instead, r#"{"cmd":"answer","seq":[$]}"#),
        head("json_session_is_true", instead, r#"{"cmd":"answer","seq":true}"#),
        head("json_session_is_null", instead, r#"{"cmd":"answer","seq":null}"#),
        head("json_session_missing", instead, r#"{"cmd":"answer"}"#),
        head("json_session_nought", instead, r#"{"cmd":"answer","seq":0}"#),
        head("json_name_missing", Counted::Answered, r#"{"seq":$}"#),
        head("json_name_is_a_list", Counted::Answered, r#"{"cmd":["answer"],"seq":$}"#),
        head("json_name_is_null", Counted::Answered, r#"{"cmd":null,"seq":$}"#),
        head("json_name_of_escapes", Counted::Answered, r#"{"cmd":"\u0061\ud83d\ude00","seq":$}"#),
        head("json_with_a_session_twice", Counted::Answered, r#"{"cmd":"answer","seq":999,"seq":$}"#),
        head("json_that_says_no", Counted::Request("rejected"), r#"{"cmd":"answer","seq":$,"code":7}"#),
        head(
            "json_that_says_no_inside",
            Counted::Request("rejected"),
            r#"{"cmd":"answer","seq":$,"data":{"code":7}}"#,
        ),
        Behaviour::new("json_session_negative", Protocol::Json, Counted::Orphans(1), LIVES, |peer| {
            let request = peer.request()?;
            peer.send(br#"{"cmd":"answer","seq":-1}"#)?;
            peer.send(&json_answer(&request))
        }),
        Behaviour::new("json_twice", Protocol::Json, Counted::Duplicate, LIVES, |peer| {
            let answer = json_answer(&peer.request()?);
            peer.send(&answer)?;
            peer.send(&answer)
        }),
        Behaviour::new(
            "json_of_hundreds_of_names",
            Protocol::Json,
            Counted::Pushes("made_up_299", 1),
            LIVES,
            |peer| {
                let request = peer.request()?;
                let pushes = (0..300)
                    .map(|push| Protocol::Json.framed(format!(r#"{{"cmd":"made_up_{push}"}}"#).as_bytes()));
                peer.say(&pushes.collect::<Vec<_>>().concat())?;
                peer.send(&json_answer(&request))
            },
        ),
        Behaviour::new("json_with_a_name_without_end", Protocol::Json, Counted::Answered, LIVES, |peer| {
            let request = peer.request()?;
            peer.send(format!(r#"{{"cmd":"{}"}}"#, "x".repeat(100_000)).as_bytes())?;
            peer.send(&json_answer(&request))
        }),
    ]
}

fn closed() -> Vec<Behaviour> {
    vec![
        closing("json_of_words_and_closed", "hello"),
        closing("json_cut_off_and_closed", r#"{"cmd":"answer","seq":$"#),
        json(
            "json_body_broken_and_closed",
            Protocol::Closing,
            Counted::Reply("decode"),
            BROKEN,
            r#"{"cmd":"answer","seq":$,"data":"\ud800"}"#,
        ),
        json(
            "json_body_deeper_than_allowed",
            Protocol::Closing,
            Counted::Reply("decode"),
            BROKEN,
            r#"{"cmd":"answer","seq":$,"data":[[[[[1]]]]]}"#,
        ),
        json(
            "json_body_as_deep_as_allowed",
            Protocol::Closing,
            Counted::Answered,
            LIVES,
            r#"{"cmd":"answer","seq":$,"data":[[[[1]]]]}"#,
        ),
        json(
            "json_push_broken_and_closed",
            Protocol::Closing,
            Counted::PushFails("note"),
            BROKEN,
            r#"{"cmd":"note","data":"\ud800"}"#,
        ),
    ]
}

fn msgpack() -> Vec<Behaviour> {
    let headless = |name, payload: Vec<u8>| {
        Behaviour::new(name, Protocol::Msgpack, Counted::Connection("decode"), LIVES, move |peer| {
            peer.request()?;
            peer.send(&payload)
        })
    };
    let body = |name, counted, body: Vec<u8>| {
        Behaviour::new(name, Protocol::Msgpack, counted, LIVES, move |peer| {
            let session = msgpack_session(&peer.request()?);
            peer.send(&packet(session, &body))
        })
    };
    let ask = |name, counted, session: Vec<u8>| {
        Behaviour::new(name, Protocol::Msgpack, counted, LIVES, move |peer| {
            peer.request()?;
            peer.send(&joined(&[b"\x82\xa3cmd\xa6answer\xa3seq", &session]))
        })
    };
    let broken = Counted::Connection("decode");
    let instead = Counted::PushInstead("answer");
    vec![
        headless("msgpack_of_nothing", Vec::new()),
        headless("msgpack_of_the_reserved_byte", vec![0xc1]),
        headless("msgpack_that_is_a_list", vec![0x93, 1, 2, 3]),
        headless("msgpack_of_four_billion_entries", vec![0xdf, 0xff, 0xff, 0xff, 0xff]),
        headless("msgpack_cut_off", b"\x82\xa3cmd\xa6ans".to_vec()),
        headless("msgpack_of_json", br#"{"cmd":"answer"}"#.to_vec()),
        body("msgpack_body_of_four_billion", broken, vec![0xdd, 0xff, 0xff, 0xff, 0xff]),
        body("msgpack_body_with_a_text_beyond_its_end", broken, vec![0xdb, 0xff, 0xff, 0xff, 0xff, b'x']),
        body("msgpack_body_of_the_reserved_byte", broken, vec![0xc1]),
        body("msgpack_with_bytes_behind_it", broken, vec![0xc0, 0xc0, 0xc0]),
        body("msgpack_body_a_thousand_deep", Counted::Reply("decode"), joined(&[&[0x91; 1000], &[0xc0]])),
        body("msgpack_body_of_an_extension", Counted::Answered, b"\xd6\x05abcd".to_vec()),
        body("msgpack_body_with_nan", Counted::Answered, vec![0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]),
        body("msgpack_body_with_a_map_for_a_key", Counted::Reply("decode"), vec![0x81, 0x80, 1]),
        ask("msgpack_session_is_a_text", instead, b"\xa11".to_vec()),
        ask("msgpack_session_is_a_fraction", instead, vec![0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
        ask("msgpack_session_is_beyond_64_bits", instead, joined(&[&[0xcf], &[0xff; 8]])),
    ]
}
