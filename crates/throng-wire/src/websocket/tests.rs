use super::*;

const NEVER: usize = 1 << 20;

fn spec(max_message: usize) -> WebSocketSpec {
    WebSocketSpec { max_message, ..WebSocketSpec::default() }
}

/// A client and a server past their handshakes.
fn open() -> (WebSocket, WebSocket) {
    let (mut client, mut server) = (WebSocket::client("localhost", "/", 7), WebSocket::server());
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    client.start(&spec(NEVER), &mut request);
    assert!(matches!(cut(&mut server, &request), Ok(Step::Opened(_))));
    server.drain_control(&mut answer);
    match cut(&mut client, &answer) {
        Ok(Step::Opened(used)) => assert_eq!(used, answer.len()),
        other => panic!("{other:?}"),
    }
    (client, server)
}

fn cut(websocket: &mut WebSocket, input: &[u8]) -> Result<Step, WebSocketError> {
    websocket.cut(&spec(NEVER), &Framing::Message, input)
}

/// All messages in `input`, which must hold nothing but whole frames.
#[track_caller]
fn messages(websocket: &mut WebSocket, mut input: &[u8]) -> Result<Vec<Vec<u8>>, WebSocketError> {
    let mut messages = Vec::new();
    loop {
        let used = match cut(websocket, input)? {
            Step::Input { payload, used } => {
                messages.push(input[payload].to_vec());
                used
            }
            Step::Buffer { payload, used } => {
                messages.push(websocket.buffer()[payload].to_vec());
                used
            }
            Step::Control(used) | Step::Closed { used, .. } => used,
            Step::Opened(_) => panic!("it was open"),
            Step::Need(_) => {
                assert!(input.is_empty(), "{} bytes are left over", input.len());
                return Ok(messages);
            }
        };
        input = &input[used..];
    }
}

#[track_caller]
fn check_message(input: &[u8], expected: &[u8]) {
    assert_eq!(messages(&mut open().0, input), Ok(vec![expected.to_vec()]));
}

#[track_caller]
fn check_error(input: &[u8], expected: WebSocketError, close_code: u16) {
    let mut client = open().0;
    assert_eq!(messages(&mut client, input), Err(expected));
    let mut farewell = Vec::new();
    client.drain_control(&mut farewell);
    assert_eq!(content_of_masked(&farewell), (0x88, close_code.to_be_bytes().to_vec()));
    assert!(!client.is_open());
    assert!(matches!(cut(&mut client, b"\x82\x00"), Ok(Step::Control(2))), "nothing is read after an error");
}

/// First byte and content of a short masked frame.
fn content_of_masked(frame: &[u8]) -> (u8, Vec<u8>) {
    let [first, second, a, b, c, d, content @ ..] = frame else { panic!("no frame: {frame:?}") };
    assert_eq!(usize::from(*second), content.len() | 0x80);
    let mut content = content.to_vec();
    frame::apply_mask([*a, *b, *c, *d], 0, &mut content);
    (*first, content)
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    check_message(b"\x81\x05Hello", b"Hello");
    check_message(b"\x01\x03Hel\x80\x02lo", b"Hello");
    let mut long = b"\x82\x7e\x01\x00".to_vec();
    long.extend_from_slice(&[9; 256]);
    check_message(&long, &[9; 256]);
    let mut longer = b"\x82\x7f\0\0\0\0\0\x01\0\0".to_vec();
    longer.extend_from_slice(&[9; 65_536]);
    check_message(&longer, &[9; 65_536]);
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(messages(&mut open().1, masked), Ok(vec![b"Hello".to_vec()]));
}

#[test]
fn a_whole_message_is_not_copied() {
    let mut client = open().0;
    assert!(matches!(
        cut(&mut client, b"\x82\x03abc"),
        Ok(Step::Input { payload: Range { start: 2, end: 5 }, used: 5 })
    ));
    assert_eq!(client.buffer().len(), 0);
}

#[test]
fn a_ping_between_fragments_is_answered_with_its_content() {
    let mut client = open().0;
    assert_eq!(messages(&mut client, b"\x01\x03Hel\x89\x05Hello\x80\x02lo"), Ok(vec![b"Hello".to_vec()]));
    let mut pong = Vec::new();
    client.drain_control(&mut pong);
    assert_eq!(content_of_masked(&pong), (0x8a, b"Hello".to_vec()));
    pong.clear();
    client.drain_control(&mut pong);
    assert!(pong.is_empty());
}

#[test]
fn a_flood_of_pings_has_one_answer() {
    let mut client = open().0;
    let flood: Vec<u8> = (0..200_u8).flat_map(|count| [0x89, 0x01, count]).collect();
    assert_eq!(messages(&mut client, &flood), Ok(Vec::new()));
    let mut pong = Vec::new();
    client.drain_control(&mut pong);
    assert_eq!(content_of_masked(&pong), (0x8a, vec![199]));
}

#[test]
fn a_pong_is_nothing() {
    let mut client = open().0;
    assert_eq!(messages(&mut client, b"\x8a\x05Hello"), Ok(Vec::new()));
    let mut out = Vec::new();
    client.drain_control(&mut out);
    assert!(out.is_empty());
}

#[test]
fn a_broken_frame_is_answered_with_the_code_for_it() {
    check_error(b"\xc1\x00", WebSocketError::ReservedBits, 1002);
    check_error(b"\xa1", WebSocketError::ReservedBits, 1002);
    check_error(b"\x91", WebSocketError::ReservedBits, 1002);
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        check_error(&[0x80 | opcode], WebSocketError::UnknownOpcode(opcode), 1002);
    }
    check_error(b"\x09\x00", WebSocketError::FragmentedControl, 1002);
    check_error(b"\x89\x7e", WebSocketError::LongControl, 1002);
    check_error(b"\x88\x7f", WebSocketError::LongControl, 1002);
    check_error(b"\x82\x80", WebSocketError::Masked, 1002);
    check_error(b"\x80\x00", WebSocketError::NothingToContinue, 1002);
    check_error(b"\x01\x01a\x81\x01b", WebSocketError::UnfinishedMessage, 1002);
    assert_eq!(messages(&mut open().1, b"\x82\x00"), Err(WebSocketError::NotMasked));
}

#[test]
fn a_message_above_the_limit_is_refused_from_its_header() {
    let cut = |input: &[u8]| {
        let mut client = open().0;
        let first = client.cut(&spec(10), &Framing::Message, input)?;
        let Step::Control(used) = first else { return Ok(first) };
        client.cut(&spec(10), &Framing::Message, &input[used..])
    };
    let long = |length| WebSocketError::TooLong { length, max: 10 };
    assert!(matches!(cut(b"\x82\x0a"), Ok(Step::Need(12))));
    assert_eq!(cut(b"\x82\x0b").unwrap_err(), long(11));
    assert_eq!(cut(b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff").unwrap_err(), long(u64::MAX));
    assert_eq!(cut(b"\x02\x06abcdef\x80\x05").unwrap_err(), long(11));
    assert_eq!(cut(b"\x02\x06abcdef\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff").unwrap_err(), long(u64::MAX));
    assert_eq!(long(11).close_code(), 1009);
}

#[test]
fn text_is_checked_across_fragments() {
    // One character of each length: o, ö, €, and an emoji, cut at each byte into two and into single bytes.
    let text = "oö€😀".as_bytes();
    for cut in 0..=text.len() {
        let mut input = vec![0x01, cut as u8];
        input.extend_from_slice(&text[..cut]);
        input.extend_from_slice(&[0x80, (text.len() - cut) as u8]);
        input.extend_from_slice(&text[cut..]);
        check_message(&input, text);
    }
    let mut single = b"\x01\x00".to_vec();
    single.extend(text.iter().flat_map(|byte| [0x00, 0x01, *byte]));
    single.extend_from_slice(b"\x80\x00");
    check_message(&single, text);
}

#[test]
fn text_that_cannot_become_utf8_is_refused_at_once() {
    for whole in [
        &b"\x81\x01\xff"[..],
        b"\x81\x02\xc3\x28",
        b"\x81\x03\xed\xa0\x80",
        b"\x81\x01\xc3",
        b"\x81\x02\xc0\xaf",
    ] {
        check_error(whole, WebSocketError::TextNotUtf8, 1007);
    }
    for fragments in [
        &b"\x01\x01\xc3\x00\x01\x28"[..],
        b"\x01\x01\xf4\x00\x01\x90",
        b"\x01\x02\xed\xa0",
        b"\x01\x01\xe2\x80\x01\x82",
        b"\x01\x01a\x80\x01\xff",
    ] {
        check_error(fragments, WebSocketError::TextNotUtf8, 1007);
    }
    check_message(b"\x82\x01\xff", b"\xff");
    check_message(b"\x02\x01\xff\x80\x01\xfe", b"\xff\xfe");
}

#[test]
fn a_text_cut_short_does_not_spoil_the_next() {
    let mut client = open().0;
    let input = b"\x01\x01a\x80\x02\xc3\xb6\x81\x02\xc3\xb6";
    assert_eq!(messages(&mut client, input), Ok(vec![b"a\xc3\xb6".to_vec(), b"\xc3\xb6".to_vec()]));
}

#[test]
fn a_close_is_echoed_and_ends_the_reading() {
    let mut client = open().0;
    let input = b"\x88\x05\x03\xe8bye\x82\x01a";
    let Ok(Step::Closed { code: Some(1000), reason, used: 7 }) = cut(&mut client, input) else { panic!() };
    assert_eq!(&*reason, "bye");
    assert!(matches!(cut(&mut client, &input[7..]), Ok(Step::Control(3))));
    assert!(matches!(cut(&mut client, b""), Ok(Step::Need(1))));
    let mut echo = Vec::new();
    client.drain_control(&mut echo);
    assert_eq!(content_of_masked(&echo), (0x88, 1000_u16.to_be_bytes().to_vec()));
    echo.clear();
    client.close(1000, &mut echo);
    assert!(echo.is_empty(), "one close is enough");
    let mut client = open().0;
    assert!(matches!(cut(&mut client, b"\x88\x00"), Ok(Step::Closed { code: None, used: 2, .. })));
}

#[test]
fn a_ping_before_a_close_is_answered_before_it() {
    let mut client = open().0;
    messages(&mut client, b"\x89\x01p\x88\x00").unwrap();
    let mut out = Vec::new();
    client.drain_control(&mut out);
    assert_eq!(content_of_masked(&out[..7]), (0x8a, b"p".to_vec()));
    assert_eq!(content_of_masked(&out[7..]), (0x88, Vec::new()));
}

#[test]
fn messages_still_come_after_our_own_close() {
    let (mut client, mut server) = open();
    let mut out = Vec::new();
    client.close(3000, &mut out);
    client.close(3001, &mut out);
    assert!(!client.is_open());
    assert!(matches!(cut(&mut server, &out), Ok(Step::Closed { code: Some(3000), used: 8, .. })));
    assert_eq!(out.len(), 8);
    assert_eq!(messages(&mut client, b"\x82\x01a"), Ok(vec![b"a".to_vec()]));
    let mut echo = Vec::new();
    server.drain_control(&mut echo);
    assert_eq!(echo, b"\x88\x02\x0b\xb8");
    assert!(matches!(cut(&mut client, &echo), Ok(Step::Closed { code: Some(3000), used: 4, .. })));
    out.clear();
    client.drain_control(&mut out);
    assert!(out.is_empty());
}

#[test]
fn close_codes_are_those_that_may_be_sent() {
    let allowed =
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
    for code in allowed {
        let [high, low] = u16::to_be_bytes(code);
        let closed = cut(&mut open().0, &[0x88, 2, high, low]);
        assert!(matches!(closed, Ok(Step::Closed { code: Some(found), .. }) if found == code), "{code}");
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        let [high, low] = u16::to_be_bytes(code);
        check_error(&[0x88, 2, high, low], WebSocketError::BadCloseCode(code), 1002);
    }
    check_error(b"\x88\x01\x03", WebSocketError::HalfCloseCode, 1002);
    check_error(b"\x88\x03\x03\xe8\xff", WebSocketError::ReasonNotUtf8, 1007);
}

#[test]
fn messages_are_written_with_the_shortest_length() {
    let (mut client, mut server) = open();
    for size in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
        let payload: Vec<u8> = (0..size).map(|byte| byte as u8).collect();
        for (role, extra) in [(Role::Client, 4), (Role::Server, 0)] {
            let (from, to) = match role {
                Role::Client => (&mut client, &mut server),
                Role::Server => (&mut server, &mut client),
            };
            let mut out = b"before".to_vec();
            let mark = from.begin(&mut out);
            out.extend_from_slice(&payload);
            from.finish(&spec(NEVER), &mut out, mark);
            let header = 2
                + extra
                + if size < 126 {
                    0
                } else if size < 65_536 {
                    2
                } else {
                    8
                };
            assert_eq!(out.len(), 6 + header + size);
            assert_eq!(messages(to, &out[6..]), Ok(vec![payload.clone()]));
        }
    }
}

#[test]
fn every_message_has_a_mask_of_its_own() {
    let mut client = open().0;
    let mut masks = std::collections::HashSet::new();
    for _ in 0..50 {
        let mut out = Vec::new();
        let mark = client.begin(&mut out);
        client.finish(&spec(NEVER), &mut out, mark);
        masks.insert(out[2..].to_vec());
    }
    assert_eq!(masks.len(), 50);
}

#[test]
fn a_large_buffer_does_not_stay() {
    let mut client = open().0;
    let mut input = b"\x02\x7e\xff\xff".to_vec();
    input.extend_from_slice(&[1; 65_535]);
    input.extend_from_slice(b"\x80\x00");
    assert_eq!(messages(&mut client, &input).unwrap()[0].len(), 65_535);
    assert!(client.incoming.buffer.capacity() <= 4096);
}

fn request(subprotocol: Option<&str>) -> (WebSocket, WebSocketSpec, String) {
    let spec = WebSocketSpec { subprotocol: subprotocol.map(Into::into), ..spec(NEVER) };
    let client = WebSocket::client("game.test:8765", "/lobby?x=1", 1);
    let mut out = Vec::new();
    client.start(&spec, &mut out);
    (client, spec, String::from_utf8(out).unwrap())
}

fn answer_to(request: &str, spec: &WebSocketSpec) -> String {
    let mut server = WebSocket::server();
    let opened = server.cut(spec, &Framing::Message, request.as_bytes());
    assert!(matches!(opened, Ok(Step::Opened(used)) if used == request.len()), "{opened:?}");
    let mut out = Vec::new();
    server.drain_control(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_upgrade_asks_for_what_the_rfc_wants() {
    let (_, _, request) = request(Some("game.v2"));
    assert!(request.starts_with("GET /lobby?x=1 HTTP/1.1\r\nHost: game.test:8765\r\n"));
    assert!(request.ends_with("\r\n\r\n") && request.matches("\r\n\r\n").count() == 1);
    for line in [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: game.v2",
    ] {
        assert!(request.contains(&format!("\r\n{line}\r\n")), "{request}");
    }
    let other = WebSocket::client("game.test:8765", "/lobby?x=1", 2);
    let mut out = Vec::new();
    other.start(&spec(NEVER), &mut out);
    assert_ne!(String::from_utf8(out).unwrap().split("Key: ").nth(1), request.split("Key: ").nth(1));
}

#[track_caller]
fn check_answer(change: impl Fn(&str) -> String, expected: Result<(), HandshakeError>) {
    let (mut client, spec, request) = request(Some("game.v2"));
    let answer = change(&answer_to(&request, &spec));
    let found = client.cut(&spec, &Framing::Message, answer.as_bytes());
    match expected {
        Ok(()) => assert!(matches!(found, Ok(Step::Opened(used)) if used == answer.len()), "{found:?}"),
        Err(expected) => assert_eq!(found.unwrap_err(), WebSocketError::Handshake(expected)),
    }
}

#[test]
fn an_answer_is_checked() {
    let replace = |from: &'static str, to: &'static str| {
        move |answer: &str| {
            assert!(answer.contains(from), "{answer}");
            answer.replace(from, to)
        }
    };
    check_answer(str::to_owned, Ok(()));
    check_answer(|answer| answer.replace("Sec-WebSocket-Accept:", "sec-websocket-ACCEPT:   "), Ok(()));
    check_answer(replace("Connection: Upgrade", "connection: keep-alive, UPGRADE"), Ok(()));
    check_answer(replace("Sec-WebSocket-Protocol: game.v2\r\n", ""), Ok(()));
    let status = |code, reason: &str| Err(HandshakeError::Status { code, reason: reason.to_owned() });
    check_answer(replace("101 Switching Protocols", "403 Not for you"), status(403, "Not for you"));
    check_answer(replace("101 Switching Protocols", "200"), status(200, ""));
    check_answer(replace("HTTP/1.1 101", "HTTP/1.0 101"), Err(HandshakeError::NotHttp));
    check_answer(replace("101", "lots"), Err(HandshakeError::NotHttp));
    check_answer(replace("Upgrade: websocket", "Upgrade: h2c"), Err(HandshakeError::Header("Upgrade")));
    check_answer(replace("Connection: Upgrade", "X: y"), Err(HandshakeError::Header("Connection")));
    check_answer(
        replace("Sec-WebSocket-Accept", "Sec-WebSocket-Reject"),
        Err(HandshakeError::Header("Sec-WebSocket-Accept")),
    );
    check_answer(
        replace("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x"),
        Err(HandshakeError::WrongAccept),
    );
    check_answer(
        replace("Connection", "Sec-WebSocket-Extensions: permessage-deflate\r\nConnection"),
        Err(HandshakeError::Extension),
    );
    check_answer(replace("game.v2", "game.v1"), Err(HandshakeError::Subprotocol("game.v1".to_owned())));
}

#[test]
fn an_answer_may_come_byte_by_byte_with_a_message_behind_it() {
    let (mut client, spec, request) = request(None);
    let mut answer = answer_to(&request, &spec).into_bytes();
    let head = answer.len();
    answer.extend_from_slice(b"\x82\x01a");
    for end in 0..head {
        assert!(
            matches!(client.cut(&spec, &Framing::Message, &answer[..end]), Ok(Step::Need(need)) if need > end)
        );
        assert!(!client.is_open() && client.is_opening());
    }
    assert!(matches!(client.cut(&spec, &Framing::Message, &answer), Ok(Step::Opened(used)) if used == head));
    assert_eq!(messages(&mut client, &answer[head..]), Ok(vec![b"a".to_vec()]));
}

#[test]
fn a_peer_that_speaks_something_else_is_found_out_at_once() {
    let (mut client, spec, _) = request(None);
    let found = client.cut(&spec, &Framing::Message, b"\x00\x05hello").unwrap_err();
    assert_eq!(found, WebSocketError::Handshake(HandshakeError::NotHttp));
    let mut out = Vec::new();
    client.drain_control(&mut out);
    assert!(out.is_empty(), "there is no websocket to close");
}

#[test]
fn a_head_without_an_end_is_refused() {
    let (mut client, spec, _) = request(None);
    let mut endless = b"HTTP/1.1 101 ".to_vec();
    endless.resize(1 << 14, b'x');
    let found = client.cut(&spec, &Framing::Message, &endless).unwrap_err();
    assert_eq!(found, WebSocketError::Handshake(HandshakeError::TooLong { max: 1 << 14 }));
}

#[test]
fn a_head_may_be_as_long_as_allowed() {
    for (room, opens) in [(0, true), (-1, false)] {
        let (mut client, mut spec, request) = request(None);
        let mut server = WebSocket::server();
        server.cut(&spec, &Framing::Message, request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        server.drain_control(&mut answer);
        spec.max_handshake = answer.len().checked_add_signed(room).unwrap();
        let cut = client.cut(&spec, &Framing::Message, &answer);
        assert_eq!(cut.is_ok(), opens, "{cut:?}");
    }
}

#[test]
fn a_server_refuses_what_is_no_upgrade() {
    let (_, spec, request) = request(None);
    for (from, to) in [
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Version: 13", "Version: 8"),
        ("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: x"),
        ("GET", "PUT"),
    ] {
        let mut server = WebSocket::server();
        let refused = server.cut(&spec, &Framing::Message, request.replace(from, to).as_bytes());
        assert!(matches!(refused, Err(WebSocketError::Handshake(_))), "{from}: {refused:?}");
        let mut out = Vec::new();
        server.drain_control(&mut out);
        assert!(out.starts_with(b"HTTP/1.1 400 "));
    }
}
