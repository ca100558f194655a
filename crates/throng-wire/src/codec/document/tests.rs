use proptest::prelude::*;

use super::*;

fn codec(form: DocumentForm, keys: [Option<&str>; 3]) -> DocumentCodec {
    let [name, session, body] = keys.map(|key| key.map(str::to_owned));
    DocumentCodec::new(DocumentSpec { form, name, session, body }, None)
}

fn written(codec: &DocumentCodec, name: &str, session: Option<i64>, body: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    codec.write(codec.message(name).unwrap(), session, body, &mut out).unwrap();
    out.split_off(6)
}

const ALL: [Option<&str>; 3] = [Some("cmd"), Some("seq"), Some("data")];
const BESIDE: [Option<&str>; 3] = [Some("cmd"), Some("seq"), None];

#[track_caller]
fn check_json(keys: [Option<&str>; 3], session: Option<i64>, body: &str, expected: &str) {
    let codec = codec(DocumentForm::Json, keys);
    let document = written(&codec, "move", session, body.as_bytes());
    assert_eq!(std::str::from_utf8(&document), Ok(expected));
    serde_json::from_slice::<serde_json::Value>(&document).unwrap();
}

#[test]
fn a_json_message_has_its_keys_around_or_beside_its_body() {
    check_json(ALL, Some(5), r#"{"x":1}"#, r#"{"cmd":"move","seq":5,"data":{"x":1}}"#);
    check_json(ALL, None, "", r#"{"cmd":"move"}"#);
    check_json(ALL, None, "[1]", r#"{"cmd":"move","data":[1]}"#);
    check_json(BESIDE, Some(5), r#" { "x" : 1 } "#, r#"{"cmd":"move","seq":5,"x" : 1}"#);
    check_json(BESIDE, None, "{}", r#"{"cmd":"move"}"#);
    check_json([None; 3], None, "[1]", "[1]");
    let mut out = Vec::new();
    let codec = codec(DocumentForm::Json, BESIDE);
    assert_eq!(codec.write(codec.message("a").unwrap(), None, b"[1]", &mut out), Err(WriteError::NotObject));
    assert_eq!(written(&codec, "a\"b", None, b""), br#"{"cmd":"a\"b"}"#);
}

#[track_caller]
fn read<'a>(codec: &DocumentCodec, document: &'a [u8]) -> (HeadKind, Option<String>, &'a [u8]) {
    let head = codec.read(document, None).unwrap();
    let name = head.message.and_then(|id| codec.message_name(id)).map(str::to_owned);
    (head.kind, name, head.body)
}

#[test]
fn a_json_head_is_read_wherever_its_keys_stand() {
    let around = codec(DocumentForm::Json, ALL);
    let text = br#" { "data" : [ {"cmd":"no"} ], "x":null, "seq" : 7 , "cmd":"mov\u0065" } "#;
    let expected = (HeadKind::Reply { session: 7 }, Some("move".to_owned()), &br#"[ {"cmd":"no"} ]"#[..]);
    assert_eq!(read(&around, text), expected);
    assert_eq!(read(&around, br#"{"cmd":12}"#), (HeadKind::Push, Some("12".to_owned()), &b""[..]));
    assert_eq!(read(&around, br#"{"cmd":"a","cmd":"b"}"#).1.as_deref(), Some("b"), "the last one counts");
    for push in [&br#"{"seq":0}"#[..], br#"{"seq":null}"#, br#"{"seq":"x"}"#, b"{}"] {
        assert_eq!(read(&around, push), (HeadKind::Push, None, &b""[..]));
    }
    let beside = codec(DocumentForm::Json, [Some("cmd"), None, None]);
    let text = br#"{"cmd":"chat","text":"hi"}"#;
    assert_eq!(read(&beside, text), (HeadKind::Any, Some("chat".to_owned()), &text[..]));
}

#[test]
fn what_is_no_json_object_is_an_error() {
    let codec = codec(DocumentForm::Json, ALL);
    for wrong in
        ["", "[]", "7", "{", r#"{"cmd":}"#, "{} {}", r#"{"cmd":"a",}"#, "\u{feff}{}", "{\"cmd\":\"\x01\"}"]
    {
        assert!(codec.read(wrong.as_bytes(), None).is_err(), "{wrong}");
    }
    assert!(codec.read(b"{\"cmd\":\"\xff\"}", None).is_err());
    // What lies below is stepped over without a stack.
    let deep = [&b"{\"data\":"[..], &[b'['; 100_000], &[b']'; 100_000], b"}"].concat();
    assert_eq!(codec.read(&deep, None).map(|head| head.body.len()), Ok(200_000));
}

#[test]
fn a_msgpack_message_has_its_keys_around_or_beside_its_body() {
    let around = codec(DocumentForm::Msgpack, ALL);
    let document = written(&around, "move", Some(5), b"\x81\xa1x\x01");
    assert_eq!(document, b"\x83\xa3cmd\xa4move\xa3seq\x05\xa4data\x81\xa1x\x01");
    assert_eq!(
        read(&around, &document),
        (HeadKind::Reply { session: 5 }, Some("move".to_owned()), &b"\x81\xa1x\x01"[..])
    );
    let beside = codec(DocumentForm::Msgpack, BESIDE);
    assert_eq!(written(&beside, "move", None, b"\x81\xa1x\x01"), b"\x82\xa3cmd\xa4move\xa1x\x01");
    assert_eq!(written(&beside, "move", None, b""), b"\x81\xa3cmd\xa4move");
    assert!(beside.write(MessageId(0), None, b"\x91\x01", &mut Vec::new()).is_err());
    let full: Vec<u8> = [&[0x8f][..], &b"\x01\x01".repeat(15)].concat();
    assert!(written(&beside, "move", None, &full).starts_with(b"\xde\x00\x10"));
}

#[test]
fn what_is_no_msgpack_map_is_an_error() {
    let codec = codec(DocumentForm::Msgpack, ALL);
    for wrong in [
        &b""[..],
        b"\x90",
        b"\x81",
        b"\x81\xa1",
        b"\x80\x80",
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xa1x\xdd\xff\xff\xff\xff",
        b"\x81\xa1x\xc1",
        b"\x81\xa1x\xc6\xff\xff\xff\xff",
    ] {
        assert!(codec.read(wrong, None).is_err(), "{wrong:x?}");
    }
    let deep = [&b"\x81\xa4data"[..], &[0x91; 100_000], b"\xc0"].concat();
    assert_eq!(codec.read(&deep, None).map(|head| head.body.len()), Ok(100_001));
}

#[test]
fn a_code_stands_beside_the_body_or_in_it() {
    let mut json = codec(DocumentForm::Json, ALL);
    let mut msgpack = codec(DocumentForm::Msgpack, BESIDE);
    json.refuse_by("code", "!= 0".parse().unwrap());
    msgpack.refuse_by("ok", "== 0".parse().unwrap());
    let refused = |codec: &DocumentCodec, document: &[u8]| codec.read(document, None).unwrap().refused;
    assert_eq!(refused(&json, br#"{"code":7}"#), Some(7));
    assert_eq!(refused(&json, br#"{"data":{"code":-7}}"#), Some(-7));
    assert_eq!(refused(&json, br#"{"code":0}"#), None);
    assert_eq!(refused(&json, br#"{"data":[1]}"#), None);
    assert_eq!(refused(&msgpack, b"\x81\xa2ok\xc2"), Some(0));
    assert_eq!(refused(&msgpack, b"\x81\xa2ok\xc3"), None);
}

#[test]
fn numbers_stand_for_names_where_a_table_says_so() {
    for form in [DocumentForm::Json, DocumentForm::Msgpack] {
        let spec = DocumentSpec { form, name: Some("id".into()), session: None, body: None };
        let messages = Messages::new(["Login", "Move"].into_iter());
        let mut codec = DocumentCodec::new(spec, Some(messages));
        let numbers = [(MessageId(0), 1001), (MessageId(1), -2)];
        codec.number(Ids::new(&numbers, &numbers).unwrap());
        let document = written(&codec, "Move", None, b"");
        let mut scratch = Vec::new();
        assert_eq!(codec.read(&document, Some(&mut scratch)).unwrap().message, Some(MessageId(1)));
        let unknown: &[u8] = if form == DocumentForm::Json { br#"{"id":77}"# } else { b"\x81\xa2id\x4d" };
        let head = codec.read(unknown, Some(&mut scratch)).unwrap();
        assert_eq!((head.message, head.unknown_name), (None, Some("77")));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = codec(DocumentForm::Json, ALL).read(&bytes, None);
        let _ = codec(DocumentForm::Msgpack, ALL).read(&bytes, None);
        let map = [&b"\x83"[..], &bytes].concat();
        let _ = codec(DocumentForm::Msgpack, BESIDE).read(&map, None);
    }

    #[test]
    fn what_is_written_is_read(name in "[a-z\"\\\\é]{1,9}", session in 1..i64::MAX, json in any::<bool>()) {
        let (form, body) = if json { (DocumentForm::Json, &b"{\"x\":[1]}"[..]) } else { (DocumentForm::Msgpack, &b"\x81\xa1x\x91\x01"[..]) };
        for keys in [ALL, BESIDE] {
            let codec = codec(form, keys);
            let document = written(&codec, &name, Some(session), body);
            let head = codec.read(&document, None).unwrap();
            prop_assert_eq!(head.kind, HeadKind::Reply { session });
            prop_assert_eq!(head.message, codec.message(&name));
            if keys[2].is_some() {
                prop_assert_eq!(head.body, body);
            }
        }
    }
}
