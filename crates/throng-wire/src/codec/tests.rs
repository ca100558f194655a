use proptest::prelude::*;
use throng_sproto::rpc::{Header, Package};
use throng_sproto::{SourceFile, Value, encode_value, pack, unpack};

use super::*;
use crate::spec::{DEFAULT_UNPACKED, SchemaSpec, SourceText, SprotoSpec};

const CLIENT: &str = ".package { type 0 : integer session 1 : integer }
handshake 1 { response { msg 0 : string } } get 2 { request { what 0 : string } response { result 0 : string } }
both 7 { request { a 0 : integer } }";
const SERVER: &str = ".package { session 4 : integer type 9 : integer }
heartbeat 1 {} moved 2 { request { x 0 : integer } } both 5 { request { b 0 : string } }";

fn texts(text: &str) -> Vec<SourceText> {
    vec![SourceText { name: "a.sproto".to_owned(), text: text.to_owned() }]
}

fn schema(text: &str) -> Schema {
    Schema::parse(&[SourceFile { name: "a.sproto", text }]).unwrap()
}

fn envelope(text: &str, packed: bool) -> Codec {
    let shape = SprotoShape::Envelope { ty: "Msg".into(), name: "Name".into(), body: "Bin".into() };
    let spec = SprotoSpec { schema: SchemaSpec::Both(texts(text)), shape, packed: Some(packed) };
    Codec::build(CodecSpec::Sproto(spec), Listed::default()).unwrap()
}

fn rpc() -> Codec {
    let schema = SchemaSpec::Separate { send: texts(CLIENT), receive: texts(SERVER) };
    let shape = SprotoShape::Rpc { package: "package".into() };
    Codec::build(CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None }), Listed::default()).unwrap()
}

fn write(codec: &Codec, name: &str, session: Option<i64>, body: &[u8]) -> Result<Vec<u8>, WriteError> {
    let message = codec.message(name).unwrap_or(MessageId(u32::MAX));
    let mut out = b"before".to_vec();
    let written = codec.write(message, session, body, &mut b"rubbish".to_vec(), &mut out);
    assert!(out.starts_with(b"before") && (written.is_ok() || out.len() == 6));
    written.map(|()| out.split_off(6))
}

#[test]
fn an_envelope_has_the_bytes_of_the_reference() {
    let codec = envelope(".Msg { Name 0 : string Bin 1 : binary } .ServerListRequest {}", false);
    let payload = write(&codec, "ServerListRequest", None, &[0, 0]).unwrap();
    let mut expected = b"\x02\0\0\0\0\0\x11\0\0\0ServerListRequest\x02\0\0\0\0\0".to_vec();
    assert_eq!(payload, expected);
    // A decoder of Sproto says how much it used; more is no fault at the top.
    expected.extend_from_slice(b"more");
    let mut scratch = Vec::new();
    let head = codec.read(&expected, &mut scratch).unwrap();
    assert_eq!(
        head,
        Head {
            kind: HeadKind::Any,
            message: codec.message("ServerListRequest"),
            unknown_name: None,
            body: &[0, 0],
            refused: None,
        }
    );
}

#[test]
fn an_envelope_is_what_the_schema_says_wherever_its_fields_are() {
    for fields in [
        "Name 0 : string Bin 1 : binary",
        "Bin 0 : binary Name 1 : string",
        "Name 3 : string Bin 9 : binary Other 5 : integer",
        "Bin 32766 : string Name 0 : binary",
    ] {
        let text = format!(".Msg {{ {fields} }} .Echo {{}}");
        let schema = schema(&text);
        let value = Value::structure([
            ("Name", Value::Binary(b"Echo".to_vec())),
            ("Bin", Value::Binary(b"\x01\x02\x03".to_vec())),
        ]);
        let mut expected = Vec::new();
        encode_value(&schema, schema.type_id("Msg").unwrap(), &value, &mut expected).unwrap();
        let codec = envelope(&text, false);
        assert_eq!(write(&codec, "Echo", None, b"\x01\x02\x03").unwrap(), expected, "{fields}");
        let mut scratch = Vec::new();
        let head = codec.read(&expected, &mut scratch).unwrap();
        assert_eq!((head.message, head.body), (codec.message("Echo"), &b"\x01\x02\x03"[..]), "{fields}");
    }
}

#[test]
fn an_envelope_passes_over_fields_it_does_not_know() {
    let rich = schema(
        ".Msg { Time 0 : integer From 1 : string Name 2 : string Big 3 : integer Bin 4 : binary More 6 : *string }",
    );
    let value = Value::structure([
        ("Time", Value::Integer(5)),
        ("From", Value::Binary(b"somebody".to_vec())),
        ("Name", Value::Binary(b"Echo".to_vec())),
        ("Big", Value::Integer(i64::MAX)),
        ("Bin", Value::Binary(b"body".to_vec())),
        ("More", Value::Array(vec![Value::Binary(b"x".to_vec())])),
    ]);
    let mut payload = Vec::new();
    encode_value(&rich, rich.type_id("Msg").unwrap(), &value, &mut payload).unwrap();
    let codec = envelope(".Msg { Name 2 : string Bin 4 : binary } .Echo {}", false);
    let mut scratch = Vec::new();
    assert_eq!(codec.read(&payload, &mut scratch).unwrap().body, b"body");
}

#[test]
fn a_packed_envelope_is_read_back() {
    let codec = envelope(".Msg { Name 0 : string Bin 1 : binary } .Echo {}", true);
    let payload = write(&codec, "Echo", None, &[1, 0, 4, 0]).unwrap();
    let mut scratch = b"rubbish".to_vec();
    let head = codec.read(&payload, &mut scratch).unwrap();
    assert_eq!((head.message, head.body), (codec.message("Echo"), &[1, 0, 4, 0][..]));
}

#[test]
fn an_envelope_without_a_body_carries_a_message_without_fields() {
    let codec = envelope(".Msg { Name 0 : string Bin 1 : binary } .Echo {}", false);
    let mut scratch = Vec::new();
    assert_eq!(codec.read(b"\x01\0\0\0\x04\0\0\0Echo", &mut scratch).unwrap().body, &[0, 0]);
}

#[test]
fn a_name_that_is_not_in_the_schema_is_told() {
    let codec = envelope(".Msg { Name 0 : string Bin 1 : binary } .Echo {}", false);
    let mut scratch = Vec::new();
    let head = codec.read(b"\x01\0\0\0\x04\0\0\0Ecko", &mut scratch).unwrap();
    assert_eq!((head.message, head.unknown_name), (None, Some("Ecko")));
    assert_eq!(
        write(&codec, "Ecko", None, b""),
        Err(WriteError::NotSent { name: format!("message {}", u32::MAX) })
    );
}

#[test]
fn a_broken_envelope_says_how() {
    let codec = envelope(".Msg { Name 0 : string Bin 1 : binary } .Echo {}", false);
    let fails = |payload: &[u8]| codec.read(payload, &mut Vec::new()).unwrap_err();
    let envelope = HeadError::Envelope;
    for cut in [&b""[..], b"\x02", b"\x02\0\0\0", b"\x01\0\0\0\x04\0\0", b"\x01\0\0\0\x05\0\0\0Echo"] {
        assert_eq!(fails(cut), envelope(EnvelopeError::Truncated), "{cut:?}");
    }
    assert_eq!(fails(b"\x01\0\0\0\xff\xff\xff\xffEcho"), envelope(EnvelopeError::Truncated));
    assert_eq!(fails(b"\0\0"), envelope(EnvelopeError::NoName));
    assert_eq!(fails(b"\x01\0\x04\0"), envelope(EnvelopeError::NotBytes));
    assert_eq!(fails(b"\x01\0\0\0\x01\0\0\0\xff"), envelope(EnvelopeError::NameNotText));
}

#[test]
fn an_rpc_request_is_packed_with_its_tag_and_session() {
    let codec = rpc();
    let payload = write(&codec, "get", Some(7), b"body").unwrap();
    let mut unpacked = Vec::new();
    unpack(&payload, 1000, &mut unpacked).unwrap();
    let package = Package::new(&schema(CLIENT), "package").unwrap();
    let (header, used) = package.read(&unpacked).unwrap();
    assert_eq!(header, Header { ty: Some(2), session: Some(7), ud: None });
    assert!(unpacked[used..].starts_with(b"body"));
    // Two records, (2 + 1) * 2 each, packed: 02 00 06 00 06 00 and padding.
    assert_eq!(write(&codec, "get", Some(2), b"").unwrap(), [0x15, 0x02, 0x06, 0x06]);
}

#[test]
fn a_tag_means_what_the_schema_of_its_direction_says() {
    let codec = rpc();
    let package = Package::new(&schema(SERVER), "package").unwrap();
    let payload = |header| {
        let mut unpacked = Vec::new();
        package.write(header, &mut unpacked);
        unpacked.extend_from_slice(b"content");
        let mut payload = Vec::new();
        pack(&unpacked, &mut payload);
        payload
    };
    let mut scratch = Vec::new();
    let push = |ty| Header { ty: Some(ty), session: None, ud: None };
    for (tag, name) in [(1, "heartbeat"), (2, "moved"), (5, "both")] {
        let payload = payload(push(tag));
        let head = codec.read(&payload, &mut scratch).unwrap();
        assert_eq!((head.kind, head.message), (HeadKind::Push, codec.message(name)));
        assert!(head.body.starts_with(b"content"));
    }
    let unknown = payload(push(99));
    let head = codec.read(&unknown, &mut scratch).unwrap();
    assert_eq!((head.message, head.unknown_name), (None, Some("99")));
    assert!(head.body.starts_with(b"content") && !head.body.ends_with(b"99"));
    let reply = payload(Header { ty: None, session: Some(-3), ud: None });
    let head = codec.read(&reply, &mut scratch).unwrap();
    assert_eq!((head.kind, head.message), (HeadKind::Reply { session: -3 }, None));
    let empty = payload(Header::default());
    assert_eq!(codec.read(&empty, &mut scratch), Err(HeadError::EmptyPackage));
}

#[test]
fn what_a_server_asks_with_a_session_is_answered_in_its_own_words() {
    let asks =
        ".package { session 4 : integer type 9 : integer } ask 3 { response { ok 0 : boolean } } tell 5 {}";
    let schema_spec = SchemaSpec::Separate { send: texts(CLIENT), receive: texts(asks) };
    let shape = SprotoShape::Rpc { package: "package".into() };
    let codec = CodecSpec::Sproto(SprotoSpec { schema: schema_spec, shape, packed: None });
    let codec = Codec::build(codec, Listed::default()).unwrap();
    let package = Package::new(&schema(asks), "package").unwrap();
    let (mut unpacked, mut payload, mut scratch) = (Vec::new(), Vec::new(), Vec::new());
    package.write(Header { ty: Some(3), session: Some(0), ud: None }, &mut unpacked);
    pack(&unpacked, &mut payload);
    let head = codec.read(&payload, &mut scratch).unwrap();
    assert_eq!((head.kind, head.message), (HeadKind::Request { session: 0 }, codec.message("ask")));
    let (types, ty) = codec.answer_body_type(codec.message("ask").unwrap()).unwrap();
    assert_eq!(&*types.type_def(ty).name, "ask.response");
    assert!(codec.answer_body_type(codec.message("tell").unwrap()).is_none());

    payload.clear();
    codec.write_answer(0, b"yes", &mut scratch, &mut payload).unwrap();
    unpacked.clear();
    unpack(&payload, 1000, &mut unpacked).unwrap();
    let (header, used) = package.read(&unpacked).unwrap();
    assert_eq!(header, Header { ty: None, session: Some(0), ud: None });
    assert!(unpacked[used..].starts_with(b"yes"));
}

#[test]
fn nobody_waits_for_an_answer_where_there_are_no_sessions() {
    for codec in
        [envelope(".Msg { Name 0 : string Bin 1 : binary } .Echo {}", false), Codec::Raw(RawCodec::default())]
    {
        let mut payload = Vec::new();
        let refused = codec.write_answer(1, b"yes", &mut Vec::new(), &mut payload);
        assert_eq!(refused, Err(WriteError::NoAnswer { codec: codec.word() }));
        assert!(payload.is_empty());
    }
}

#[test]
fn a_message_goes_only_the_way_its_schema_has_it() {
    let codec = rpc();
    let id = |name| codec.message(name).unwrap();
    let goes = |name| [Direction::Sent, Direction::Received].map(|direction| codec.goes(id(name), direction));
    assert_eq!((goes("get"), goes("moved"), goes("both")), ([true, false], [false, true], [true, true]));
    assert_eq!(write(&codec, "moved", None, b""), Err(WriteError::NotSent { name: "moved".to_owned() }));
    let field = |direction| {
        let (schema, ty) = codec.body_type(id("both"), direction).unwrap();
        schema.type_def(ty).fields[0].name.to_string()
    };
    assert_eq!((field(Direction::Sent), field(Direction::Received)), ("a".to_owned(), "b".to_owned()));
    let names: Vec<_> = codec.messages().map(|(_, name)| name).collect();
    assert_eq!(names, ["handshake", "get", "both", "heartbeat", "moved"]);
}

#[test]
fn a_payload_that_unpacks_to_more_than_the_limit_is_refused() {
    // Each zero is eight zeros.
    let bomb = vec![0; DEFAULT_UNPACKED / 8 + 1];
    assert!(matches!(
        rpc().read(&bomb, &mut Vec::new()),
        Err(HeadError::Unpack(UnpackError::TooLarge { .. }))
    ));
}

#[test]
fn a_payload_may_unpack_to_what_its_protocol_allows() {
    // A header with the session 1 in a word of its own, and zeros behind it.
    let reply = |words: usize| [&[0b0001_0101, 2, 1, 4][..], &vec![0; words - 1]].concat();
    for mut codec in [rpc(), envelope(".Msg { Name 0 : string Bin 1 : binary } .Echo {}", true)] {
        codec.limit_unpacked(80);
        let at_the_limit = codec.read(&reply(10), &mut Vec::new()).map(drop);
        assert!(!matches!(at_the_limit, Err(HeadError::Unpack(_))), "{at_the_limit:?}");
        let above = codec.read(&reply(11), &mut Vec::new()).map(drop);
        assert_eq!(above, Err(HeadError::Unpack(UnpackError::TooLarge { limit: 80 })));
    }
}

#[test]
fn raw_bytes_are_their_own_payload() {
    let codec = Codec::Raw(RawCodec::default());
    assert_eq!(write(&codec, "anything", None, b"abc").unwrap(), b"abc");
    assert_eq!(codec.messages().collect::<Vec<_>>(), [(MessageId(0), "message")]);
}

proptest! {
    #[test]
    fn any_bytes_are_a_head_or_an_error(
        bytes in prop::collection::vec(prop_oneof![3 => 0_u8..4, 1 => any::<u8>()], 0..200),
    ) {
        let text = ".Msg { Name 0 : string Bin 2 : binary } .Echo {}";
        let mut scratch = Vec::new();
        for codec in [&envelope(text, false), &envelope(text, true), &rpc()] {
            if let Ok(head) = codec.read(&bytes, &mut scratch) {
                prop_assert!(head.body.len() <= DEFAULT_UNPACKED);
                prop_assert!(head.message.is_none_or(|message| codec.goes(message, Direction::Received)));
            }
        }
    }

    #[test]
    fn an_envelope_carries_any_body(body in prop::collection::vec(any::<u8>(), 0..300), packed: bool) {
        let codec = envelope(".Msg { Name 0 : string Bin 2 : binary } .Echo {}", packed);
        let payload = write(&codec, "Echo", None, &body).unwrap();
        let mut scratch = Vec::new();
        let head = codec.read(&payload, &mut scratch).unwrap();
        prop_assert_eq!((head.message, head.body), (codec.message("Echo"), &body[..]));
    }
}
