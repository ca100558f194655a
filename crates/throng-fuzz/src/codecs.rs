//! Heads of Sproto and Protocol Buffers in every shape they travel in: any payload has one or is an error, its body is a part
//! of what came or was unpacked, and what is written with a body that came is read again.

use std::sync::LazyLock;

use throng_protobuf::Defaults;
use throng_wire::{
    CodecSpec, Comparison, Direction, FieldPlace, Fields, Head, Limits, MessageId, ProtobufIds,
    ProtobufNames, ProtobufRule, ProtobufShape, ProtobufSpec, Protocol, ProtocolSpec, RefusalSpec, ReplySpec,
    SchemaSpec, SourceText, SprotoShape, SprotoSpec,
};

/// The most that a packed payload unpacks to.
const UNPACKED: usize = 1 << 24;

const GAME: &str = "
    .package { type 0 : integer  session 1 : integer  error 2 : integer }
    .Msg { Name 0 : string  Bin 1 : binary }
    .Login { name 0 : string  level 1 : integer  friends 2 : *string  place 3 : Place }
    .Place { x 0 : integer  y 1 : integer  next 2 : Place }
    login 1 { request Login response Login }
    ask 2 { response { ok 0 : boolean } }
    ack 3 { response nil }
    fire 4 { }
    push 7 { request Login }";

const SHOP: &str = r#"
    syntax = "proto3";
    enum MsgId { MSG_ID_NONE = 0; MSG_ID_LOGIN_REQ = 1; MSG_ID_LOGIN_RESP = 2; MSG_ID_NOTICE = 3; }
    message LoginReq { string name = 1; repeated int32 path = 2; map<string, LoginReq> friends = 3; }
    message LoginResp { int32 code = 1; uint64 gold = 2; LoginReq who = 3; }
    message Notice { string text = 1; }
    message Packet { uint32 seq = 1; int32 code = 2; oneof payload { LoginReq login = 3; LoginResp logged = 4; Notice notice = 5; } }
    message Named { string name = 1; bytes body = 2; uint32 seq = 3; }
"#;

static SPROTO: LazyLock<[Protocol; 4]> = LazyLock::new(|| {
    let schema = || SchemaSpec::Both(vec![SourceText { name: "game.sproto".into(), text: GAME.into() }]);
    let envelope = || SprotoShape::Envelope { ty: "Msg".into(), name: "Name".into(), body: "Bin".into() };
    let build = |shape, packed| {
        let codec = CodecSpec::Sproto(SprotoSpec { schema: schema(), shape, packed: Some(packed) });
        let spec = ProtocolSpec { limits: shallow(), ..ProtocolSpec::new("game", codec) };
        Protocol::build(spec).expect("a protocol")
    };
    let rpc = || SprotoShape::Rpc { package: "package".into() };
    [build(envelope(), false), build(envelope(), true), build(rpc(), true), build(rpc(), false)]
});

static PROTOBUF: LazyLock<[Protocol; 3]> = LazyLock::new(|| {
    let schema = || vec![SourceText { name: "shop.proto".into(), text: SHOP.into() }];
    let spec = |shape| {
        let codec = ProtobufSpec { schema: schema(), shape, defaults: Defaults::All };
        ProtocolSpec { limits: shallow(), ..ProtocolSpec::new("shop", CodecSpec::Protobuf(Box::new(codec))) }
    };
    let seq = || Some("seq".to_owned());
    let oneof = ProtocolSpec {
        refusal: Some(RefusalSpec { field: "code".into(), refused: comparison() }),
        ..spec(ProtobufShape::Oneof { ty: "Packet".into(), oneof: None, session: seq() })
    };
    let named = spec(ProtobufShape::Named {
        ty: "Named".into(),
        name: "name".into(),
        body: "body".into(),
        session: seq(),
        names: ProtobufNames::Short,
    });
    let fields = || vec!["id:u8".parse().expect("a field"), "seq:u8".parse().expect("a field")];
    let rule = ProtobufRule::default();
    let by_id = ProtocolSpec {
        header: Some(Fields { send: fields(), receive: fields() }),
        reply: Some(ReplySpec::Field { place: FieldPlace::Header, name: "seq".into() }),
        ..spec(ProtobufShape::Bare(ProtobufIds::Enum { name: "MsgId".into(), rule }))
    };
    [oneof, named, by_id].map(|spec| Protocol::build(spec).expect("a protocol"))
});

fn shallow() -> Limits {
    Limits { depth: Some(3), ..Limits::default() }
}

fn comparison() -> Comparison {
    "!= 0".parse().expect("a comparison")
}

/// Sproto's envelopes and packages.
pub fn sproto(bytes: &[u8]) {
    let Some((choice, payload)) = bytes.split_first() else { return };
    any(&SPROTO[usize::from(choice % 4)], payload);
}

/// The envelopes and numbers of Protocol Buffers.
pub fn protobuf(bytes: &[u8]) {
    let Some((choice, payload)) = bytes.split_first() else { return };
    any(&PROTOBUF[usize::from(choice % 3)], payload);
}

fn any(protocol: &Protocol, payload: &[u8]) {
    let mut scratch = Vec::new();
    let Ok(head) = protocol.read(payload, &mut scratch) else { return };
    assert!(head.body.len() <= UNPACKED.max(payload.len()));
    look(protocol, &head);
    let Some(message) = head.message else { return };
    let body = head.body.to_vec();
    let (mut out, mut scratch) = (Vec::new(), Vec::new());
    // Some messages are only received.
    if protocol.write(message, Some(3), &body, &mut scratch, &mut out).is_ok() {
        let head = protocol.read(&out, &mut scratch).expect("what was written");
        assert_eq!(head.message, Some(message));
        // Packed ones are followed by zeros.
        assert!(head.body.starts_with(&body));
    }
}

/// What is asked of a message that came, and of its body.
fn look(protocol: &Protocol, head: &Head<'_>) {
    let request = MessageId(0);
    let _ = (protocol.answers(head), protocol.refused(request, head));
    for asked in [None, Some(request)] {
        let _ = protocol.check_depth(head.message, asked, head.body);
        let _ = protocol.body_seen(Direction::Received, (head.message, asked), head.body);
    }
}
