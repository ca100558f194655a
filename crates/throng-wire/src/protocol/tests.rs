use super::*;
use crate::codec::RawCodec;
use crate::framing::{Framing, HeaderFraming};
use crate::framing::{LengthFraming, LengthWidth};
use crate::spec::{
    CodecSpec, HeartbeatSpec, ProtocolError, ProtocolSpec, ReplySpec, SchemaSpec, SourceText, SprotoShape,
    SprotoSpec,
};

const GAME: &str = ".Msg { Name 0 : string Bin 1 : binary Size 2 : integer }
.EchoRequest { Text 0 : string } .EchoResponse { Text 0 : string } .Ping {} .KickNotify {}";
const CLIENT: &str = ".package { type 0 : integer session 1 : integer }
handshake 1 { response { msg 0 : string } } set 3 { request { what 0 : string } } quit 4 {}
get 2 { request { what 0 : string } response { result 0 : string } }";
const SERVER: &str =
    ".package { type 0 : integer session 1 : integer } heartbeat 1 {} moved 2 { request { x 0 : integer } }";

fn texts(text: &str) -> Vec<SourceText> {
    vec![SourceText { name: "a.sproto".to_owned(), text: text.to_owned() }]
}

fn game() -> ProtocolSpec {
    let shape = SprotoShape::Envelope { ty: "Msg".into(), name: "Name".into(), body: "Bin".into() };
    let schema = SchemaSpec::Both(texts(GAME));
    ProtocolSpec::new("game", CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None }))
}

fn battle() -> ProtocolSpec {
    let schema = SchemaSpec::Separate { send: texts(CLIENT), receive: texts(SERVER) };
    let shape = SprotoShape::Rpc { package: "package".into() };
    ProtocolSpec::new("battle", CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None }))
}

fn raw() -> ProtocolSpec {
    ProtocolSpec::new("raw", CodecSpec::Raw)
}

fn named(pairs: &[(&str, &str)]) -> Option<ReplySpec> {
    Some(ReplySpec::Name(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()))
}

#[track_caller]
fn check_unknown(spec: ProtocolSpec, name: &str, candidates: &[&str]) {
    let error = Protocol::build(spec).unwrap_err();
    let (found, listed) = error.unknown_name().unwrap_or_else(|| panic!("{error}"));
    assert_eq!((found, listed.iter().map(String::as_str).collect::<Vec<_>>().as_slice()), (name, candidates));
    assert!(error.to_string().contains(name), "{error}");
}

#[test]
fn a_described_protocol_has_the_promised_defaults() {
    let protocol = Protocol::build(battle()).unwrap();
    assert_eq!(protocol.request_timeout, Duration::from_secs(10));
    assert_eq!(protocol.on_close, OnClose::Restart);
    assert!(matches!(protocol.reply, ReplyRule::Session));
    assert!(protocol.stream_channel().is_none(), "a stream needs a framing");
    assert!(matches!(protocol.websocket_channel().framing(), Framing::Message));
    assert!(matches!(Protocol::build(game()).unwrap().reply, ReplyRule::None));
}

#[test]
fn a_reply_by_name_is_told_from_a_push() {
    let reply = named(&[("*Request", "*Response")]);
    let protocol = Protocol::build(ProtocolSpec { reply, ..game() }).unwrap();
    let id = |name| protocol.message(name).unwrap();
    let awaited = protocol.awaits(id("EchoRequest"), 1);
    assert_eq!(awaited, Some(ReplyKey::Name(id("EchoResponse"))));
    assert_eq!(protocol.awaits(id("Ping"), 1), None);
    assert!(protocol.expects_reply(id("EchoRequest")) && !protocol.expects_reply(id("Ping")));
    let head = |name| Head {
        kind: HeadKind::Any,
        message: Some(id(name)),
        unknown_name: None,
        body: b"",
        refused: None,
    };
    assert_eq!(protocol.answers(&head("EchoResponse")), awaited);
    assert_eq!(protocol.answers(&head("KickNotify")), None);
    assert_eq!(protocol.message("Msg"), None, "the envelope is no message");
}

#[test]
fn an_rpc_reply_has_the_type_of_its_request() {
    let protocol = Protocol::build(battle()).unwrap();
    let id = |name| protocol.message(name).unwrap();
    let ty =
        |found: Option<(&Schema, TypeId)>| found.map(|(schema, ty)| schema.type_def(ty).name.to_string());
    assert_eq!(ty(protocol.body_type(id("get"), Direction::Sent)).as_deref(), Some("get.request"));
    assert_eq!(ty(protocol.reply_body_type(id("get"), None)).as_deref(), Some("get.response"));
    assert_eq!(ty(protocol.reply_body_type(id("set"), None)), None);
    assert_eq!(ty(protocol.body_type(id("moved"), Direction::Received)).as_deref(), Some("moved.request"));
    assert_eq!(ty(protocol.body_type(id("moved"), Direction::Sent)), None);
    assert!(protocol.expects_reply(id("get")) && !protocol.expects_reply(id("quit")));
    assert_eq!(protocol.awaits(id("quit"), 9), Some(ReplyKey::Session(9)), "agents answer all sessions");
    let reply = Head {
        kind: HeadKind::Reply { session: 9 },
        message: None,
        unknown_name: None,
        body: b"",
        refused: None,
    };
    assert_eq!(protocol.answers(&reply), Some(ReplyKey::Session(9)));
    assert_eq!(protocol.answers(&Head { kind: HeadKind::Push, message: Some(id("moved")), ..reply }), None);
}

#[test]
fn whoever_looks_on_decodes_each_message_with_its_own_type() {
    let asks = format!("{SERVER} ask 3 {{ request {{ x 0 : integer }} response {{ ok 0 : boolean }} }}");
    let schema = SchemaSpec::Separate { send: texts(CLIENT), receive: texts(&asks) };
    let shape = SprotoShape::Rpc { package: "package".into() };
    let codec = CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None });
    let protocol = Protocol::build(ProtocolSpec::new("battle", codec)).unwrap();
    let seen = |direction, message: Option<&str>, request: Option<&str>| {
        let id = |name| protocol.message(name).unwrap();
        let found = protocol.body_type_seen(direction, message.map(id), request.map(id));
        found.map(|(schema, ty)| schema.type_def(ty).name.to_string())
    };
    assert_eq!(seen(Direction::Sent, Some("get"), None).as_deref(), Some("get.request"));
    assert_eq!(seen(Direction::Received, None, Some("get")).as_deref(), Some("get.response"));
    assert_eq!(seen(Direction::Received, Some("ask"), None).as_deref(), Some("ask.request"));
    assert_eq!(seen(Direction::Sent, None, Some("ask")).as_deref(), Some("ask.response"));
    assert_eq!(seen(Direction::Sent, None, None), None);
}

#[test]
fn an_answer_has_the_header_and_trailer_that_messages_have() {
    let fields = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
    let mut spec = battle();
    let header = HeaderFraming::new(fields(&["len:u16be", "ver:u8=3"]), 1000);
    spec.framing = Some(Framing::Header(Box::new(header)));
    spec.trailer.send = fields(&["end:u8=9"]);
    let (framed, bare) = (Protocol::build(spec).unwrap(), Protocol::build(battle()).unwrap());
    let answer = |protocol: &Protocol| {
        let mut payload = Vec::new();
        protocol.write_answer(5, b"body", &mut Vec::new(), &mut payload).unwrap();
        payload
    };
    assert_eq!(answer(&framed), [&b"\0\0\x03"[..], &answer(&bare), b"\x09"].concat());
}

#[test]
fn raw_messages_come_in_order_or_not_at_all() {
    let fifo = Protocol::build(ProtocolSpec { reply: Some(ReplySpec::Fifo), ..raw() }).unwrap();
    let mut scratch = Vec::new();
    let head = fifo.read(b"abc", &mut scratch).unwrap();
    assert_eq!((head.body, fifo.answers(&head)), (&b"abc"[..], Some(ReplyKey::Fifo)));
    assert_eq!(head.message, fifo.message(RawCodec::RECEIVED));
    assert_eq!(fifo.message_name(MessageId(7)), "_other");
    let none = Protocol::build(raw()).unwrap();
    assert_eq!((none.answers(&head), none.awaits(MessageId(3), 1)), (None, None));
}

#[test]
fn a_heartbeat_has_a_body_without_fields() {
    let beat = |send: &str| Some(HeartbeatSpec { send: send.into(), every: Duration::from_secs(5) });
    let game = ProtocolSpec { heartbeat: beat("Ping"), ..game() };
    assert_eq!(&*Protocol::build(game).unwrap().heartbeat.unwrap().body, &[0, 0]);
    let battle = ProtocolSpec { heartbeat: beat("quit"), ..battle() };
    assert_eq!(&*Protocol::build(battle).unwrap().heartbeat.unwrap().body, b"");
}

#[test]
fn a_raw_heartbeat_is_the_text_it_is_written_as() {
    let beat = |send: &str| Some(HeartbeatSpec { send: send.into(), every: Duration::from_secs(5) });
    let body = |send| {
        Protocol::build(ProtocolSpec { heartbeat: beat(send), ..raw() }).map(|p| p.heartbeat.unwrap().body)
    };
    for (text, bytes) in
        [("PING\r\n", &b"PING\r\n"[..]), (r"\x00\xfF\\x", b"\x00\xff\\x"), ("\0ö", b"\0\xc3\xb6")]
    {
        assert_eq!(&*body(text).unwrap(), bytes, "{text:?}");
    }
    for wrong in ["", r"\n", r"\x1", r"\xzz", r"a\", r"\x+1"] {
        assert!(matches!(body(wrong), Err(ProtocolError::RawHeartbeat)), "{wrong:?}");
    }
}
#[test]
fn a_wrong_name_comes_with_those_that_exist() {
    let envelope = |ty: &str, name: &str, body: &str| {
        let mut spec = game();
        let CodecSpec::Sproto(sproto) = &mut spec.codec else { panic!("game is sproto") };
        sproto.shape = SprotoShape::Envelope { ty: ty.into(), name: name.into(), body: body.into() };
        spec
    };
    let types = ["EchoRequest", "EchoResponse", "KickNotify", "Msg", "Ping"];
    check_unknown(envelope("Mgs", "Name", "Bin"), "Mgs", &types);
    check_unknown(envelope("Msg", "name", "Bin"), "name", &["Name", "Bin", "Size"]);
    check_unknown(envelope("Msg", "Name", "Bim"), "Bim", &["Name", "Bin", "Size"]);
    let messages = ["EchoRequest", "EchoResponse", "KickNotify", "Ping"];
    let heartbeat = Some(HeartbeatSpec { send: "Pimg".into(), every: Duration::from_secs(5) });
    check_unknown(ProtocolSpec { heartbeat, ..game() }, "Pimg", &messages);
    check_unknown(ProtocolSpec { reply: named(&[("Ecko", "Ping")]), ..game() }, "Ecko", &messages);
    let heartbeat = Some(HeartbeatSpec { send: "moved".into(), every: Duration::from_secs(5) });
    check_unknown(ProtocolSpec { heartbeat, ..battle() }, "moved", &["handshake", "get", "set", "quit"]);
}

#[test]
fn parts_that_do_not_go_together_are_refused() {
    let refused = |spec: ProtocolSpec| Protocol::build(spec).unwrap_err().to_string();
    let rule = |reply, spec: ProtocolSpec| refused(ProtocolSpec { reply: Some(reply), ..spec });
    assert_eq!(rule(ReplySpec::Session, raw()), "replies by session are not possible with the codec raw");
    assert!(rule(ReplySpec::Session, game()).contains("sproto with an envelope"));
    assert!(rule(ReplySpec::Fifo, battle()).contains("replies by fifo"));
    assert!(rule(ReplySpec::Name(Vec::new()), raw()).contains("a pattern map"));
    assert!(
        refused(ProtocolSpec { request_timeout: Duration::ZERO, ..raw() }).contains("time-out cannot be 0")
    );
    let heartbeat = Some(HeartbeatSpec { send: "Ping".into(), every: Duration::ZERO });
    assert!(refused(ProtocolSpec { heartbeat, ..game() }).contains("heartbeats cannot be 0"));
    assert!(refused(ProtocolSpec { framing: Some(Framing::Fixed(0)), ..raw() }).contains("size of 0"));
    let at_offset = LengthFraming { offset: 4, ..LengthFraming::new(LengthWidth::U8) };
    let framing = Some(Framing::Length(at_offset));
    assert!(refused(ProtocolSpec { framing: framing.clone(), ..game() }).contains("needs the codec raw"));
    assert!(Protocol::build(ProtocolSpec { framing, ..raw() }).unwrap().stream_channel().is_some());
}

#[test]
fn an_envelope_field_must_hold_bytes() {
    let shape =
        |name: &str| SprotoShape::Envelope { ty: "Msg".into(), name: name.into(), body: "Bin".into() };
    let build = |name: &str| {
        let schema = SchemaSpec::Both(texts(GAME));
        let codec = CodecSpec::Sproto(SprotoSpec { schema, shape: shape(name), packed: None });
        Protocol::build(ProtocolSpec::new("game", codec)).unwrap_err().to_string()
    };
    assert_eq!(build("Size"), "`Msg.Size` is neither a string nor binary");
    assert_eq!(build("Bin"), "`Msg.Bin` cannot hold both the name and the body");
}

#[test]
fn a_package_must_have_what_the_reply_rule_needs() {
    let build = |text: &str, package: &str| {
        let schema = SchemaSpec::Both(texts(text));
        let shape = SprotoShape::Rpc { package: package.into() };
        Protocol::build(ProtocolSpec::new("b", CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None })))
    };
    let error = build(CLIENT, "packag").unwrap_err();
    assert!(error.unknown_name().is_some_and(|(name, _)| name == "packag"), "{error}");
    let error = build(".package { type 0 : integer } ping 1 {} .T {}", "package").unwrap_err();
    assert!(matches!(error, ProtocolError::NoSession), "{error}");
    let error = build(".package { session 0 : integer } .T {}", "package").unwrap_err();
    assert!(matches!(error, ProtocolError::Package(_)), "{error}");
}

#[test]
fn a_schema_error_says_where() {
    let schema = SchemaSpec::Both(texts(".Msg {"));
    let shape = SprotoShape::Rpc { package: "package".into() };
    let codec = CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None });
    let error = Protocol::build(ProtocolSpec::new("b", codec)).unwrap_err();
    assert!(matches!(error, ProtocolError::Schema(_)) && error.to_string().contains("a.sproto"), "{error}");
}

#[test]
fn those_who_look_on_see_documents_and_fields() {
    let document = crate::spec::DocumentSpec {
        form: crate::codec::DocumentForm::Json,
        name: Some("cmd".into()),
        session: None,
        body: None,
    };
    let json = Protocol::build(ProtocolSpec::new("json", CodecSpec::Document(document))).unwrap();
    let seen = |body: &[u8]| {
        json.body_seen(Direction::Received, (None, None), body)
            .map(|seen| seen.map(|value| value.to_string()))
    };
    assert_eq!(seen(br#"{"cmd":"a","x":[1]}"#), Some(Ok(r#"{cmd = "a", x = [1]}"#.to_owned())));
    assert!(seen(b"{").unwrap().is_err());
    assert_eq!(seen(b""), None);
    let game = Protocol::build(game()).unwrap();
    let echo = game.message("EchoRequest");
    assert!(game.body_seen(Direction::Sent, (echo, None), &[0, 0]).unwrap().is_ok());
    assert_eq!(Protocol::build(raw()).unwrap().body_seen(Direction::Sent, (None, None), b"x"), None);
}

#[test]
fn a_sproto_reply_says_no_in_a_field() {
    let refusal = |field: &str| {
        Some(crate::spec::RefusalSpec { field: field.to_owned(), refused: "!= 0".parse().unwrap() })
    };
    let schema = SchemaSpec::Both(texts(
        ".package { type 0 : integer session 1 : integer }
         .Inner { code 0 : integer }
         buy 1 { request {} response { code 1 : integer inner 2 : Inner list 3 : *Inner } }",
    ));
    let shape = SprotoShape::Rpc { package: "package".into() };
    let codec = CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None });
    let spec = ProtocolSpec { refusal: refusal("code"), ..ProtocolSpec::new("shop", codec) };
    let shop = Protocol::build(spec.clone()).unwrap();
    let buy = shop.message("buy").unwrap();
    let (schema, ty) = shop.reply_body_type(buy, None).unwrap();
    let refused = |fields: Vec<(&str, Value)>| {
        let mut body = Vec::new();
        throng_sproto::encode_value(schema, ty, &Value::structure(fields), &mut body).unwrap();
        let kind = HeadKind::Reply { session: 1 };
        let head = Head { kind, message: None, unknown_name: None, body: &body, refused: None };
        shop.refused(buy, &head)
    };
    let inner = || Value::structure([("code", Value::Integer(5))]);
    assert_eq!(refused(vec![("code", Value::Integer(7)), ("inner", inner())]), Some(7));
    assert_eq!(refused(vec![("code", Value::Integer(0))]), None);
    assert_eq!(refused(vec![("inner", inner()), ("list", Value::Array(vec![inner()]))]), None);
    let unknown = Protocol::build(ProtocolSpec { refusal: refusal("cod"), ..spec });
    assert!(matches!(unknown, Err(ProtocolError::UnknownRefusal { .. })));
}
