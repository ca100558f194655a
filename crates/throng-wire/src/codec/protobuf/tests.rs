use proptest::prelude::*;
use throng_protobuf::{Value as Tree, encode_value};

use super::*;
use crate::codec::Codec;
use crate::spec::{
    CodecSpec, FieldPlace, Fields, ProtobufIds, ProtobufNames, ProtobufRule, ProtobufShape, ProtobufSpec,
    ProtocolError, ProtocolSpec, RefusalSpec, ReplySpec, SourceText,
};
use crate::{Direction, Protocol, ReplyKey};

const SHOP: &str = r#"
    syntax = "proto3";
    package game.v1;
    import "google/protobuf/descriptor.proto";
    extend google.protobuf.MessageOptions { int32 msg_id = 50001; }
    enum MsgId { MSG_ID_NONE = 0; MSG_ID_LOGIN_REQ = 1001; MSG_ID_LOGIN_RESP = 1002; MSG_ID_NOTICE = 2001; }
    message LoginReq { option (msg_id) = 7; string name = 1; }
    message LoginResp { option (msg_id) = 8; int32 code = 1; uint64 gold = 2; }
    message Notice { string text = 1; }
    message Packet { uint32 seq = 1; int32 code = 2; oneof payload { LoginReq login = 3; LoginResp logged = 4; Notice notice = 5; } }
    message Named { string name = 1; bytes body = 2; uint32 seq = 3; }
    service Shop { rpc Greet(Notice) returns (LoginResp); }
"#;

fn spec(shape: ProtobufShape) -> ProtocolSpec {
    let schema = vec![SourceText { name: "shop.proto".to_owned(), text: SHOP.to_owned() }];
    let codec = ProtobufSpec { schema, shape, defaults: Defaults::Scalars };
    ProtocolSpec::new("shop", CodecSpec::Protobuf(Box::new(codec)))
}

fn oneof(session: bool) -> ProtobufShape {
    ProtobufShape::Oneof {
        ty: "Packet".to_owned(),
        oneof: Some("payload".to_owned()),
        session: session.then(|| "seq".to_owned()),
    }
}

fn by_name(names: ProtobufNames) -> ProtobufShape {
    ProtobufShape::Named {
        ty: "Named".to_owned(),
        name: "name".to_owned(),
        body: "body".to_owned(),
        session: None,
        names,
    }
}

fn by_number(ids: ProtobufIds) -> ProtocolSpec {
    let fields = vec!["id:u16be".parse().unwrap(), "seq:u32be".parse().unwrap()];
    let header = Some(Fields { send: fields.clone(), receive: fields });
    let reply = Some(ReplySpec::Field { place: FieldPlace::Header, name: "seq".to_owned() });
    ProtocolSpec { header, reply, ..spec(ProtobufShape::Bare(ids)) }
}

fn by_enum() -> ProtobufIds {
    ProtobufIds::Enum { name: "game.v1.MsgId".to_owned(), rule: ProtobufRule::default() }
}

fn protocol(spec: ProtocolSpec) -> Protocol {
    Protocol::build(spec).unwrap()
}

fn body(protocol: &Protocol, name: &str, fields: Tree) -> Vec<u8> {
    let Codec::Protobuf(codec) = &protocol.codec else { panic!("another codec") };
    let (schema, ty) = codec.body_type(protocol.message(name).unwrap()).unwrap();
    let mut out = Vec::new();
    encode_value(schema, ty, &fields, &mut out).unwrap();
    out
}

fn written(protocol: &Protocol, name: &str, session: Option<i64>, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let message = protocol.message(name).unwrap();
    protocol.write(message, session, body, &mut Vec::new(), &mut out).unwrap();
    out
}

/// What is written is read, with its name, session and body.
#[track_caller]
fn check(protocol: &Protocol, session: Option<i64>, kind: HeadKind) {
    let login = body(protocol, "LoginReq", Tree::message([("name", "ann".into())]));
    let payload = written(protocol, "LoginReq", session, &login);
    let mut scratch = Vec::new();
    let head = protocol.read(&payload, &mut scratch).unwrap();
    assert_eq!((head.kind, head.message, head.body), (kind, protocol.message("LoginReq"), &login[..]));
}

#[test]
fn messages_travel_in_each_shape() {
    check(&protocol(by_number(by_enum())), Some(9), HeadKind::Reply { session: 9 });
    check(&protocol(by_number(ProtobufIds::Option("msg_id".to_owned()))), None, HeadKind::Push);
    let listed = ProtocolSpec {
        ids: Some(vec![("LoginReq".to_owned(), 1), ("game.v1.Notice".to_owned(), 2)]),
        ..by_number(ProtobufIds::Listed)
    };
    check(&protocol(listed), Some(3), HeadKind::Reply { session: 3 });
    check(&protocol(spec(by_name(ProtobufNames::Full))), None, HeadKind::Any);
    check(&protocol(spec(by_name(ProtobufNames::Short))), None, HeadKind::Any);
    check(&protocol(spec(oneof(false))), None, HeadKind::Any);
    check(&protocol(spec(oneof(true))), Some(5), HeadKind::Reply { session: 5 });
    check(&protocol(spec(oneof(true))), None, HeadKind::Push);
}

#[test]
fn the_bytes_are_those_of_the_schema() {
    let named = protocol(spec(by_name(ProtobufNames::Full)));
    assert_eq!(written(&named, "Notice", None, b"\x0a\x01x"), b"\x0a\x0egame.v1.Notice\x12\x03\x0a\x01x");
    let short = protocol(spec(by_name(ProtobufNames::Short)));
    assert_eq!(written(&short, "Notice", None, b""), b"\x0a\x06Notice\x12\0");
    let packet = protocol(spec(oneof(true)));
    assert_eq!(written(&packet, "Notice", Some(7), b"\x0a\x01x"), b"\x08\x07\x2a\x03\x0a\x01x");
    let numbered = protocol(by_number(by_enum()));
    assert_eq!(written(&numbered, "Notice", Some(1), b"\x0a\x01x"), b"\x07\xd1\0\0\0\x01\x0a\x01x");
    assert_eq!(numbered.message("Packet"), None, "only what has a number is a message");
}

#[test]
fn each_direction_may_have_numbers_of_its_own() {
    let rule = |prefix: &str| ProtobufRule { prefix: prefix.to_owned(), ..ProtobufRule::default() };
    let by_enum =
        |name: &str, prefix: &str| Box::new(ProtobufIds::Enum { name: name.to_owned(), rule: rule(prefix) });
    let ids = ProtobufIds::Separate { send: by_enum("C2S", "C2S_"), receive: by_enum("S2C", "S2C_") };
    let mut spec = by_number(ids);
    let CodecSpec::Protobuf(codec) = &mut spec.codec else { panic!("another codec") };
    let enums = "enum C2S { C2S_NONE = 0; C2S_LOGIN_REQ = 1; C2S_NOTICE = 3; } \
                 enum S2C { S2C_NONE = 0; S2C_LOGIN_RESP = 1; S2C_NOTICE = 4; }";
    codec.schema[0].text.push_str(enums);
    let (shop, mirror) = (protocol(spec.clone()), protocol(spec.mirrored()));
    let payload = written(&shop, "LoginReq", Some(9), b"");
    assert_eq!(payload, b"\0\x01\0\0\0\x09");
    let mut scratch = Vec::new();
    assert_eq!(shop.read(&payload, &mut scratch).unwrap().message, shop.message("LoginResp"));
    assert_eq!(mirror.read(&payload, &mut scratch).unwrap().message, mirror.message("LoginReq"));
    assert_eq!(written(&shop, "Notice", None, b"")[1], 3);
    assert_eq!(written(&mirror, "Notice", None, b"")[1], 4);
    let goes = |name, direction| shop.codec.goes(shop.message(name).unwrap(), direction);
    assert!(goes("LoginReq", Direction::Sent) && !goes("LoginReq", Direction::Received));
    assert!(!goes("LoginResp", Direction::Sent) && goes("LoginResp", Direction::Received));
    assert!(goes("Notice", Direction::Sent) && goes("Notice", Direction::Received));
}

#[test]
fn an_enum_says_which_of_its_names_are_no_messages() {
    let numbered = protocol(by_number(by_enum()));
    let Codec::Protobuf(codec) = &numbered.codec else { panic!("another codec") };
    assert_eq!(codec.unmatched(), ["MSG_ID_NONE".into()]);
    assert_eq!(codec.likely_reply(numbered.message("LoginReq").unwrap()), numbered.message("LoginResp"));
    assert_eq!(codec.likely_reply(numbered.message("Notice").unwrap()), numbered.message("LoginResp"));
    assert_eq!(codec.likely_reply(numbered.message("LoginResp").unwrap()), None);
}

#[test]
fn what_no_schema_knows_is_named_as_far_as_it_can_be() {
    let named = protocol(spec(by_name(ProtobufNames::Full)));
    let mut scratch = Vec::new();
    let head = named.read(b"\x0a\x01X\x12\0", &mut scratch).unwrap();
    assert_eq!((head.message, head.unknown_name), (None, Some("X")));
    let packet = protocol(spec(oneof(true)));
    let head = packet.read(b"\x08\x07", &mut scratch).unwrap();
    assert_eq!((head.kind, head.message), (HeadKind::Reply { session: 7 }, None));
    let numbered = protocol(by_number(by_enum()));
    let head = numbered.read(b"\0\x05\0\0\0\0", &mut scratch).unwrap();
    assert_eq!((head.message, head.unknown_name), (None, Some("5")));
}

#[test]
fn a_code_stands_in_the_envelope_or_in_the_body() {
    let refusal = Some(RefusalSpec { field: "code".to_owned(), refused: "!= 0".parse().unwrap() });
    let packet = protocol(ProtocolSpec { refusal: refusal.clone(), ..spec(oneof(true)) });
    let request = packet.message("LoginReq").unwrap();
    let refused = |protocol: &Protocol, payload: &[u8]| {
        let mut scratch = Vec::new();
        let head = protocol.read(payload, &mut scratch).unwrap();
        protocol.refused(request, &head)
    };
    assert_eq!(refused(&packet, b"\x08\x07\x10\x05\x22\0"), Some(5));
    assert_eq!(refused(&packet, b"\x08\x07\x22\x02\x08\x06"), Some(6));
    assert_eq!(refused(&packet, b"\x08\x07\x22\0"), None);
    let numbered = protocol(ProtocolSpec { refusal, ..by_number(by_enum()) });
    assert_eq!(refused(&numbered, b"\x03\xea\0\0\0\x01\x08\x06"), Some(6));
    assert_eq!(refused(&numbered, b"\x07\xd1\0\0\0\x01"), None);
}

#[test]
fn replies_are_found_by_name_too() {
    let pairs = vec![("*Req".to_owned(), "*Resp".to_owned())];
    let named =
        protocol(ProtocolSpec { reply: Some(ReplySpec::Name(pairs)), ..spec(by_name(ProtobufNames::Full)) });
    let request = named.message("LoginReq").unwrap();
    assert_eq!(named.awaits(request, 1), named.message("LoginResp").map(ReplyKey::Name));
}

#[test]
fn parts_that_do_not_go_together_are_refused() {
    let error = |spec| Protocol::build(spec).unwrap_err().to_string();
    assert!(matches!(
        Protocol::build(by_number(ProtobufIds::Listed)),
        Err(ProtocolError::Protobuf(ProtobufError::NoIds))
    ));
    let mut without_header = by_number(by_enum());
    without_header.header = None;
    without_header.reply = None;
    assert!(matches!(Protocol::build(without_header), Err(ProtocolError::NoIdField)));
    let named = ProtobufShape::Named {
        ty: "Named".to_owned(),
        name: "seq".to_owned(),
        body: "body".to_owned(),
        session: None,
        names: ProtobufNames::Full,
    };
    assert!(error(spec(named)).contains("neither a string nor bytes"));
    let unknown = ProtobufShape::Oneof { ty: "Paket".to_owned(), oneof: None, session: None };
    assert!(error(spec(unknown)).contains("did you mean `game.v1.Packet`"));
    let session =
        ProtobufShape::Oneof { ty: "Packet".to_owned(), oneof: None, session: Some("sec".to_owned()) };
    assert!(error(spec(session)).contains("did you mean `seq`"));
    let refusal = Some(RefusalSpec { field: "cude".to_owned(), refused: "!= 0".parse().unwrap() });
    assert!(matches!(
        Protocol::build(ProtocolSpec { refusal, ..spec(oneof(true)) }),
        Err(ProtocolError::UnknownRefusal { .. })
    ));
}

#[test]
fn onlookers_see_fields() {
    let packet = protocol(spec(oneof(true)));
    let logged = packet.message("LoginResp");
    let fields = Tree::message([("gold", Tree::Unsigned(u64::MAX))]);
    let bytes = body(&packet, "LoginResp", fields);
    let seen = packet.body_seen(crate::Direction::Received, (logged, None), &bytes).unwrap().unwrap();
    assert_eq!(seen.to_string(), "{gold = -1}");
    assert!(packet.body_seen(crate::Direction::Received, (logged, None), b"\xff").unwrap().is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(payload in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut scratch = Vec::new();
        for spec in [spec(oneof(true)), spec(by_name(ProtobufNames::Full)), by_number(by_enum())] {
            let protocol = protocol(spec);
            if let Ok(head) = protocol.read(&payload, &mut scratch) {
                let _ = protocol.refused(MessageId(0), &head);
            }
        }
    }
}
