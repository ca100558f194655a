use proptest::prelude::*;

use crate::compress::Compressor;
use crate::framing::{Covers, Framing, HeaderFraming, LengthFraming, LengthWidth};
use crate::spec::{
    CodecSpec, CompressionSpec, DocumentSpec, FieldPlace, Fields, FirstSpec, RefusalSpec, SchemaSpec,
    SourceText, SprotoShape, SprotoSpec,
};
use crate::*;

fn fields(texts: &[&str]) -> Vec<FieldSpec> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn header(texts: &[&str]) -> Option<Framing> {
    Some(Framing::Header(Box::new(HeaderFraming::new(fields(texts), 64 << 10))))
}

fn by_header(name: &str) -> Option<ReplySpec> {
    Some(ReplySpec::Field { place: FieldPlace::Header, name: name.to_owned() })
}

fn numbers() -> Option<Vec<(String, i64)>> {
    Some(vec![("Login".to_owned(), 1001), ("Chat".to_owned(), 7)])
}

/// `[protocols.shop]` with bytes as bodies.
fn shop() -> ProtocolSpec {
    ProtocolSpec {
        framing: header(&["len:u16be", "id:u16be", "seq:u32be"]),
        ids: numbers(),
        reply: by_header("seq"),
        ..ProtocolSpec::new("shop", CodecSpec::Raw)
    }
}

/// `[protocols.gate]`.
fn gate() -> ProtocolSpec {
    let width = LengthWidth::U16(Endian::Big);
    ProtocolSpec {
        framing: Some(Framing::Length(LengthFraming::new(width))),
        trailer: Fields { send: fields(&["session:u32be"]), receive: fields(&["ok:u8", "session:u32be"]) },
        reply: Some(ReplySpec::Field { place: FieldPlace::Trailer, name: "session".to_owned() }),
        refusal: Some(RefusalSpec { field: "ok".to_owned(), refused: "== 0".parse().unwrap() }),
        first: Some(Box::new(FirstSpec { codec: CodecSpec::Raw, reply: Some(ReplySpec::Fifo), count: 1 })),
        ..ProtocolSpec::new("gate", CodecSpec::Raw)
    }
}

/// A message as it goes over the wire.
fn sent(
    protocol: &Protocol,
    name: &str,
    session: Option<i64>,
    body: &[u8],
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut channel = Channel::client(protocol.stream_channel().unwrap(), "", "", 1);
    let mut out = b"before".to_vec();
    let mark = channel.begin(&mut out);
    let message = protocol.message(name).unwrap_or(MessageId(0));
    let written = protocol.write(message, session, body, &mut b"rubbish".to_vec(), &mut out);
    if written.is_err() {
        let reserved = Channel::client(protocol.stream_channel().unwrap(), "", "", 1).begin(&mut Vec::new());
        assert!(out.starts_with(b"before") && out.len() <= 10, "{reserved:?}");
    }
    written?;
    channel.finish(&mut out, mark)?;
    Ok(out.split_off(6))
}

#[test]
fn a_number_that_its_field_cannot_hold_is_refused() {
    let narrow = |id: &str| ProtocolSpec { framing: header(&["len:u16be", id, "seq:u32be"]), ..shop() };
    let said = |spec| Protocol::build(spec).unwrap_err().to_string();
    assert_eq!(said(narrow("id:u8")), "the header's `id` cannot hold 1001, the number of `Login`");
    let compression = CompressionSpec {
        compressor: Compressor::Zlib,
        above: 1,
        flag: Some(("id".to_owned(), 0x0008)),
        max: 1000,
    };
    let flagged = ProtocolSpec { compression: Some(compression), ..shop() };
    assert!(said(flagged).ends_with("beside the flag of `compress`"));
    // What one direction cannot hold may be for the other.
    let by_direction = HeaderFraming {
        send: fields(&["len:u16be", "id:u8", "seq:u32be"]).into(),
        ..HeaderFraming::new(fields(&["len:u16be", "id:u16be", "seq:u32be"]), 100)
    };
    let framing = Some(Framing::Header(Box::new(by_direction)));
    let shop = Protocol::build(ProtocolSpec { framing, ..shop() }).unwrap();
    assert!(sent(&shop, "Login", Some(5), b"abc").is_err());
    assert_eq!(sent(&shop, "Chat", None, b"").unwrap(), b"\x00\x00\x07\x00\x00\x00\x00");
}

#[test]
fn a_flag_is_no_part_of_a_constant() {
    let compression = CompressionSpec {
        compressor: Compressor::Zlib,
        above: 1,
        flag: Some(("ver".to_owned(), 0x80)),
        max: 1000,
    };
    let framing = header(&["len:u16be", "ver:u8=1", "id:u16be", "seq:u32be"]);
    let spec = ProtocolSpec { framing, compression: Some(compression), ..shop() };
    assert!(matches!(Protocol::build(spec), Err(ProtocolError::Flag { .. })));
}

#[test]
fn a_header_carries_length_number_and_session() {
    let shop = Protocol::build(shop()).unwrap();
    assert_eq!(sent(&shop, "Login", Some(5), b"abc").unwrap(), b"\x00\x03\x03\xe9\x00\x00\x00\x05abc");
    assert_eq!(sent(&shop, "Chat", None, b"").unwrap(), b"\x00\x00\x00\x07\x00\x00\x00\x00");
    assert_eq!(shop.awaits(shop.message("Login").unwrap(), 5), Some(ReplyKey::Session(5)));
    assert!(sent(&shop, "Nothing", None, b"").is_err());
    assert_eq!(shop.message("Nothing"), None);
    assert!(!shop.codec.names_are_open());

    let mut scratch = Vec::new();
    let reply = b"\x00\x02\x03\xe9\x00\x00\x00\x05ok";
    let head = shop.read(reply, &mut scratch).unwrap();
    assert_eq!(head.kind, HeadKind::Reply { session: 5 });
    assert_eq!((head.message, head.body), (shop.message("Login"), &b"ok"[..]));
    assert_eq!(shop.answers(&head), Some(ReplyKey::Session(5)));
    let push = b"\x00\x02\x00\x07\x00\x00\x00\x00hi";
    let head = shop.read(push, &mut scratch).unwrap();
    assert_eq!((head.kind, head.message), (HeadKind::Push, shop.message("Chat")));
    let head = shop.read(b"\x00\x02\x00\x63\x00\x00\x00\x00hi", &mut scratch).unwrap();
    assert_eq!((head.message, head.unknown_name), (None, Some("99")));
    assert_eq!(shop.read(b"\x00\x02\x00", &mut scratch), Err(HeadError::Short { length: 3 }));

    assert_eq!(shop.field(reply, "seq"), Some(5));
    assert_eq!(shop.field(reply, "ses"), None);
    let all: Vec<_> = shop.fields(reply, Direction::Received).collect();
    assert_eq!(all, [("len", 2), ("id", 1001), ("seq", 5)]);
}

#[test]
fn a_number_may_mean_another_message_in_each_direction() {
    let pairs = |name: &str| Some(vec![(name.to_owned(), 1001)]);
    let spec = ProtocolSpec { ids: pairs("Login"), ids_received: pairs("Welcome"), ..shop() };
    let (shop, mirror) = (Protocol::build(spec.clone()).unwrap(), Protocol::build(spec.mirrored()).unwrap());
    let frame = sent(&shop, "Login", Some(5), b"abc").unwrap();
    assert_eq!(frame, b"\x00\x03\x03\xe9\x00\x00\x00\x05abc");
    let mut scratch = Vec::new();
    assert_eq!(shop.read(&frame, &mut scratch).unwrap().message, shop.message("Welcome"));
    assert_eq!(mirror.read(&frame, &mut scratch).unwrap().message, mirror.message("Login"));
    assert!(sent(&shop, "Welcome", None, b"").is_err(), "it has no number to be sent with");
    assert_eq!(sent(&mirror, "Welcome", Some(5), b"abc").unwrap(), frame);
}

#[test]
fn a_script_gives_values_to_the_fields_that_the_protocol_leaves_alone() {
    let spec = ProtocolSpec {
        framing: header(&[
            "magic:u8=7",
            "len:u16be",
            "version:u8",
            "id:u16be",
            "player:varint",
            "seq:u8",
            "_:1",
        ]),
        trailer: Fields { send: fields(&["check:i16le"]), receive: Vec::new() },
        ..shop()
    };
    let shop = Protocol::build(spec).unwrap();
    let given = [("version", 3), ("player", 300), ("check", -2), ("version", 4)];
    let given: Vec<GivenField> =
        given.iter().map(|(name, value)| shop.given(name, *value).unwrap()).collect();
    let message = shop.message("Login").unwrap();
    let mut out = Vec::new();
    shop.write_with(Outgoing { message, session: Some(9), given: &given }, b"ab", &mut Vec::new(), &mut out)
        .unwrap();
    assert_eq!(out, b"\x07\0\0\x04\x03\xe9\xac\x02\x09\0ab\xfe\xff");
    assert_eq!(shop.givable().collect::<Vec<_>>(), ["version", "player", "check"]);
    for (name, value) in [("seq", 1), ("id", 1), ("len", 1), ("magic", 7), ("_", 0), ("versoin", 1)] {
        assert!(shop.given(name, value).is_err(), "{name}");
    }
    let told = |name, value| shop.given(name, value).unwrap_err().to_string();
    assert_eq!(told("version", 256), "256 does not fit `version`, which is u8");
    assert_eq!(told("check", 40_000), "40000 does not fit `check`, which is i16le");
    assert_eq!(told("seq", 1), "`seq` is the session, which the protocol fills");
    let bare = Protocol::build(ProtocolSpec::new("x", CodecSpec::Raw)).unwrap();
    assert!(matches!(bare.given("a", 1), Err(GivenError::NoField { .. })));
}

#[test]
fn the_bits_of_a_flag_are_not_a_script_s_to_set() {
    let framing = header(&["len:u16be", "id:u16be", "flags:u8", "seq:u32be"]);
    let compression = CompressionSpec {
        compressor: Compressor::Zlib,
        above: 0,
        flag: Some(("flags".to_owned(), 0x80)),
        max: 1000,
    };
    let shop = Protocol::build(ProtocolSpec { framing, compression: Some(compression), ..shop() }).unwrap();
    assert!(shop.given("flags", 0x7f).is_ok());
    assert!(matches!(shop.given("flags", 0x81), Err(GivenError::Flag { .. })));
    let (message, given) = (shop.message("Login").unwrap(), [shop.given("flags", 3).unwrap()]);
    let mut out = Vec::new();
    shop.write_with(
        Outgoing { message, session: None, given: &given },
        &[b'a'; 500],
        &mut Vec::new(),
        &mut out,
    )
    .unwrap();
    assert_eq!(shop.fields(&out, Direction::Sent).nth(2), Some(("flags", 0x83)));
}

#[test]
fn a_session_goes_round_in_its_field_and_is_never_nought() {
    let framing = header(&["len:u16be", "id:u16be", "seq:u8"]);
    let shop = Protocol::build(ProtocolSpec { framing, ..shop() }).unwrap();
    let login = shop.message("Login").unwrap();
    for (session, carried) in [(1, 1), (255, 255), (256, 1), (510, 255), (0, 255), (-1, 254)] {
        assert_eq!(shop.awaits(login, session), Some(ReplyKey::Session(carried)), "{session}");
        let frame = sent(&shop, "Login", Some(session), b"").unwrap();
        assert_eq!(i64::from(frame[4]), carried, "{session}");
    }
}

#[test]
fn a_trailer_stands_behind_the_body_and_can_say_no() {
    let gate = Protocol::build(gate()).unwrap();
    assert_eq!(sent(&gate, "ask", Some(9), b"abc").unwrap(), b"\x00\x07abc\x00\x00\x00\x09");
    let mut scratch = Vec::new();
    let head = gate.read(b"fine\x01\x00\x00\x00\x09", &mut scratch).unwrap();
    assert_eq!((head.kind, head.body, head.refused), (HeadKind::Reply { session: 9 }, &b"fine"[..], None));
    let head = gate.read(b"\x00\x00\x00\x00\x09", &mut scratch).unwrap();
    assert_eq!((head.body, head.refused), (&b""[..], Some(0)));
    assert_eq!(gate.read(b"\x00\x00\x00\x09", &mut scratch), Err(HeadError::Short { length: 4 }));
    assert_eq!(gate.field(b"body\x01\x00\x00\x00\x09", "ok"), Some(1));
}

#[test]
fn a_handshake_comes_before_the_protocol_s_own_rules() {
    let gate = std::sync::Arc::new(Protocol::build(gate()).unwrap());
    let first = gate.after(0);
    assert!(matches!(first.reply, ReplyRule::Fifo) && matches!(gate.after(1).reply, ReplyRule::Session));
    assert_eq!(sent(first, "hello", None, b"user@server").unwrap(), b"\x00\x0buser@server");
    assert_eq!(first.read(b"200 OK", &mut Vec::new()).unwrap().body, b"200 OK");
}

#[test]
fn a_constant_is_written_and_checked() {
    let framing = header(&["magic:u16be=0xcafe", "len:u32le", "_:2", "version:u8=3"]);
    let spec =
        ProtocolSpec { framing, reply: Some(ReplySpec::Fifo), ..ProtocolSpec::new("x", CodecSpec::Raw) };
    let protocol = Protocol::build(spec).unwrap();
    let frame = sent(&protocol, "any", None, b"hi").unwrap();
    assert_eq!(frame, b"\xca\xfe\x02\x00\x00\x00\x00\x00\x03hi");
    let mut other = frame.clone();
    other[8] = 4;
    let error = protocol.read(&other, &mut Vec::new()).unwrap_err();
    assert_eq!(error, HeadError::Constant { field: "version".into(), wanted: 3, found: 4 });
    assert_eq!(protocol.fields(&frame, Direction::Sent).count(), 3);
}

fn compressed(compressor: Compressor) -> ProtocolSpec {
    let compression =
        CompressionSpec { compressor, above: 100, flag: Some(("id".to_owned(), 0x8000)), max: 10_000 };
    ProtocolSpec { compression: Some(compression), ..shop() }
}

#[test]
fn large_bodies_are_compressed_and_say_so() {
    for compressor in [Compressor::Zlib, Compressor::Zstd, Compressor::Lz4] {
        let shop = Protocol::build(compressed(compressor)).unwrap();
        let small = sent(&shop, "Login", Some(1), &[b'a'; 99]).unwrap();
        assert_eq!((small.len(), &small[2..4]), (107, &b"\x03\xe9"[..]));
        let large = sent(&shop, "Login", Some(1), &[b'a'; 5000]).unwrap();
        assert!(large.len() < 200 && large[2..4] == *b"\x83\xe9", "{compressor:?}");
        let mut scratch = Vec::new();
        let head = shop.read(&large, &mut scratch).unwrap();
        assert_eq!((head.message, head.body), (shop.message("Login"), &[b'a'; 5000][..]));
        let bomb = sent(&shop, "Login", Some(1), &[b'a'; 10_001]).unwrap();
        assert!(matches!(
            shop.read(&bomb, &mut scratch),
            Err(HeadError::Inflate(InflateError::TooLong { .. }))
        ));
        let mut broken = large.clone();
        broken.truncate(9);
        assert!(matches!(shop.read(&broken, &mut scratch), Err(HeadError::Inflate(_))));
        let mut unknown = large.clone();
        unknown[3] = 0;
        let head = shop.read(&unknown, &mut scratch).unwrap();
        assert_eq!((head.unknown_name, head.body.len()), (Some("768"), 5000));
    }
}

#[test]
fn documents_and_sproto_types_go_behind_headers() {
    let document = DocumentSpec { form: DocumentForm::Json, name: None, session: None, body: None };
    let json = Protocol::build(ProtocolSpec { codec: CodecSpec::Document(document), ..shop() }).unwrap();
    let frame = sent(&json, "Chat", Some(2), b"{\"a\":1}").unwrap();
    assert_eq!(frame, b"\x00\x07\x00\x07\x00\x00\x00\x02{\"a\":1}");
    assert_eq!(json.read(&frame, &mut Vec::new()).unwrap().message, json.message("Chat"));

    let texts =
        vec![SourceText { name: "a".into(), text: ".Login { a 0 : integer } .Chat {} .Other {}".into() }];
    let sproto = SprotoSpec { schema: SchemaSpec::Both(texts), shape: SprotoShape::Bare, packed: None };
    let spec = ProtocolSpec { codec: CodecSpec::Sproto(sproto), ..shop() };
    let bare = Protocol::build(spec.clone()).unwrap();
    let frame = sent(&bare, "Login", Some(2), b"\x00\x00").unwrap();
    let mut scratch = Vec::new();
    let head = bare.read(&frame, &mut scratch).unwrap();
    assert!(bare.reply_body_type(bare.message("Chat").unwrap(), head.message).is_some());
    assert!(sent(&bare, "Other", None, b"").is_err(), "it has no number");
    let pairs = Some(ReplySpec::Name(vec![("Login".to_owned(), "Chat".to_owned())]));
    let named = Protocol::build(ProtocolSpec { reply: pairs, ..spec.clone() }).unwrap();
    assert_eq!(
        named.awaits(named.message("Login").unwrap(), 0),
        Some(ReplyKey::Name(named.message("Chat").unwrap()))
    );
    let without = Protocol::build(ProtocolSpec { ids: None, ..spec.clone() });
    assert!(matches!(without, Err(ProtocolError::NoIds)));
    let ids = Some(vec![("Logn".to_owned(), 1)]);
    let unknown = Protocol::build(ProtocolSpec { ids, ..spec }).unwrap_err();
    assert_eq!(unknown.unknown_name().unwrap().0, "Logn");
}

#[test]
fn parts_that_do_not_go_together_say_why() {
    let build = |spec| Protocol::build(spec).unwrap_err();
    let spec = ProtocolSpec { reply: by_header("sq"), ..shop() };
    let error = build(spec);
    assert_eq!(error.unknown_name().map(|(name, known)| (name, known.len())), Some(("sq", 3)));
    assert!(matches!(
        build(ProtocolSpec { framing: header(&["len:u16be", "seq:u8"]), ..shop() }),
        ProtocolError::NoIdField
    ));
    let ids = Some(vec![("A".to_owned(), 1), ("B".to_owned(), 1)]);
    assert!(matches!(build(ProtocolSpec { ids, ..shop() }), ProtocolError::SameId { number: 1, .. }));
    let twice = Fields { send: fields(&["a:u8", "a:u8"]), receive: Vec::new() };
    assert!(matches!(build(ProtocolSpec { trailer: twice, ..gate() }), ProtocolError::SameFieldName { .. }));
    let varint = Fields { send: fields(&["session:varint"]), receive: fields(&["session:u8"]) };
    assert!(matches!(build(ProtocolSpec { trailer: varint, ..gate() }), ProtocolError::VarintTrailer));
    let refusal = Some(RefusalSpec { field: "okay".to_owned(), refused: "== 0".parse().unwrap() });
    assert!(matches!(build(ProtocolSpec { refusal, ..gate() }), ProtocolError::UnknownRefusal { .. }));
    let mut flag = compressed(Compressor::Zlib);
    if let Some(compression) = &mut flag.compression {
        compression.flag = Some(("seq".to_owned(), 1));
    }
    assert!(matches!(build(flag), ProtocolError::Flag { .. }));
}

struct Rotate(u8);

impl Cipher for Rotate {
    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), CipherError> {
        for byte in bytes {
            *byte = byte.wrapping_add(self.0);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn messages_arrive_whole_and_decrypted_however_they_are_cut(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 1..6),
        pieces in prop::collection::vec(1usize..9, 1..20),
        covers in prop::sample::select(vec![Covers::Body, Covers::All, Covers::Rest]),
        coverage in prop::sample::select(vec![None, Some(Coverage::Body), Some(Coverage::All)]),
        lines in any::<bool>(),
    ) {
        let lines = lines && coverage != Some(Coverage::Body);
        let framing = if lines {
            Framing::Delimiter(DelimiterFraming::new(b"\r\n", 100))
        } else {
            let fields = fields(&["m:u8=9", "len:varint", "id:u16be", "seq:u16le"]);
            Framing::Header(Box::new(HeaderFraming { covers, ..HeaderFraming::new(fields, 1000) }))
        };
        let spec = if lines {
            ProtocolSpec { framing: Some(framing), ..ProtocolSpec::new("l", CodecSpec::Raw) }
        } else {
            ProtocolSpec { framing: Some(framing), ..shop() }
        };
        let protocol = Protocol::build(spec).unwrap();
        let (name, channel) = (if lines { "message" } else { "Chat" }, protocol.stream_channel().unwrap());
        let (mut client, mut server) = (Channel::client(channel, "", "", 1), Channel::server(channel));
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for (n, body) in bodies.iter().enumerate() {
            if n == 1 && let Some(coverage) = coverage {
                client.set_cipher(Direction::Sent, Some(Box::new(Rotate(7))), coverage).unwrap();
            }
            if n == 3 && let Some(coverage) = coverage {
                client.set_cipher(Direction::Sent, Some(Box::new(Rotate(100))), coverage).unwrap();
            }
            let body: Vec<u8> = if lines { body.iter().map(|byte| byte | 32).collect() } else { body.clone() };
            let mark = client.begin(&mut stream);
            protocol.write(protocol.message(name).unwrap(), Some(n as i64 + 1), &body, &mut Vec::new(), &mut stream).unwrap();
            client.finish(&mut stream, mark).unwrap();
            expected.push(body);
        }
        let (mut kept, mut at, mut found) = (Vec::new(), 0, Vec::new());
        for piece in pieces.iter().cycle() {
            if at == stream.len() {
                break;
            }
            let end = stream.len().min(at + piece);
            kept.extend_from_slice(&stream[at..end]);
            at = end;
            loop {
                let used = match server.cut(&kept).unwrap() {
                    Received::Need { at_least } => {
                        prop_assert!(at_least > kept.len());
                        break;
                    }
                    Received::Message { payload, used } => {
                        let mut scratch = Vec::new();
                        let head = protocol.read(payload, &mut scratch).unwrap();
                        found.push(head.body.to_vec());
                        used
                    }
                    Received::Control { used } => {
                        kept.drain(..used);
                        continue;
                    }
                    other => panic!("{other:?}"),
                };
                if let Some(coverage) = coverage {
                    match found.len() {
                        1 => server.set_cipher(Direction::Received, Some(Box::new(Rotate(249))), coverage).unwrap(),
                        3 => server.set_cipher(Direction::Received, Some(Box::new(Rotate(156))), coverage).unwrap(),
                        _ => {}
                    }
                }
                kept.drain(..used);
            }
        }
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!((client.sent() as usize, server.received() as usize), (expected.len(), expected.len()));
        prop_assert_eq!(server.end_of_input(), Ok(()));
    }

    #[test]
    fn any_payload_is_read_or_refused(payload in prop::collection::vec(any::<u8>(), 0..40)) {
        for spec in [shop(), gate(), compressed(Compressor::Zlib), compressed(Compressor::Lz4), compressed(Compressor::Zstd)] {
            let protocol = Protocol::build(spec).unwrap();
            let _ = protocol.read(&payload, &mut Vec::new());
            let _ = protocol.fields(&payload, Direction::Received).count();
        }
    }
}
