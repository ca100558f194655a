//! Ids, envelopes, paths, JSON and dumps: what stands around a message.

use throng_protobuf::{
    Envelope, FieldPath, IdError, IdTable, NameRule, Schema, SourceFile, decode_value, dump, encode_value,
    json,
};

fn compile(text: &str) -> Schema {
    Schema::compile(&[SourceFile { name: "game.proto", text }]).unwrap()
}

fn named(schema: &Schema, table: &IdTable) -> Vec<String> {
    table.entries().iter().map(|(id, message)| format!("{id} {}", schema.message(*message).name)).collect()
}

#[track_caller]
fn by_enum(text: &str, rule: NameRule<'_>, expected: &[&str], unmatched: &[&str]) {
    let schema = compile(&format!("syntax = \"proto3\"; package game; {text}"));
    let table = IdTable::from_enum(&schema, "MsgId", &rule).unwrap();
    assert_eq!(named(&schema, &table), expected);
    assert_eq!(table.unmatched().iter().map(|name| &**name).collect::<Vec<_>>(), unmatched);
}

#[track_caller]
fn enum_refused(text: &str, rule: NameRule<'_>, expected: &str) {
    let schema = compile(&format!("syntax = \"proto3\"; package game; {text}"));
    assert_eq!(IdTable::from_enum(&schema, "MsgId", &rule).unwrap_err().to_string(), expected);
}

#[test]
fn names_of_an_enum_are_messages_in_another_spelling() {
    by_enum(
        "message Ids { enum MsgId { NONE = 0; LOGIN_REQ = 1; Move = 2; } } message LoginReq {} message Move {} message Other {}",
        NameRule::default(),
        &["1 game.LoginReq", "2 game.Move"],
        &["NONE"],
    );
    // The enum's own name before all of them, as protobuf's style guide has it.
    by_enum(
        "enum MsgId { MSG_ID_NONE = 0; MSG_ID_LOGIN_REQ = 1; } message LoginReq {}",
        NameRule::default(),
        &["1 game.LoginReq"],
        &["MSG_ID_NONE"],
    );
    by_enum(
        "enum MsgId { ZERO = 0; CMD_LOGIN_ID = 1; } message C2S_LoginMsg {} message S2C_LoginMsg {}",
        NameRule {
            value_prefix: "CMD_",
            value_suffix: "_ID",
            message_prefix: "C2S_",
            message_suffix: "Msg",
            ..NameRule::default()
        },
        &["1 game.C2S_LoginMsg"],
        &["ZERO"],
    );
}

#[test]
fn an_exact_name_beats_another_spelling() {
    by_enum(
        "message Ids { enum MsgId { Z = 0; LOGIN = 1; Login = 2; } } message Login {} message LOGIN {}",
        NameRule::default(),
        &["1 game.LOGIN", "2 game.Login"],
        &["Z"],
    );
}

#[test]
fn names_that_fit_several_messages_or_none_are_refused() {
    let text = "enum MsgId { Z = 0; MOVE = 1; } message A { message Move {} } message B { message Move {} }";
    enum_refused(
        text,
        NameRule::default(),
        "`MOVE` of enum `game.MsgId` may be any of game.A.Move, game.B.Move: say in which package they are",
    );
    by_enum(text, NameRule { package: "game.B", ..NameRule::default() }, &["1 game.B.Move"], &["Z"]);
    enum_refused(
        "enum MsgId { Z = 0; LOGIN_REQ = 1; } message LoginRequest {}",
        NameRule::default(),
        "no name of enum `game.MsgId` is that of a message: `LOGIN_REQ` was looked for as `loginreq`, did you mean \
         `game.LoginRequest`?",
    );
}

#[test]
fn ids_come_from_an_option_or_from_pairs() {
    let text = "syntax = \"proto3\"; package game; import \"google/protobuf/descriptor.proto\";
        extend google.protobuf.MessageOptions { uint32 msg_id = 50001; }
        message Login { option (msg_id) = 1001; } message Move { option (msg_id) = 1002; } message Other {}";
    let schema = compile(text);
    let table = IdTable::from_option(&schema, "msg_id").unwrap();
    assert_eq!(named(&schema, &table), ["1001 game.Login", "1002 game.Move"]);
    let other = schema.find_message("Other").unwrap();
    assert_eq!((table.message(1003), table.id(other)), (None, None));
    assert_eq!(table.message(1002).and_then(|id| table.id(id)), Some(1002));
    assert_eq!(
        IdTable::from_option(&schema, "id").unwrap_err().to_string(),
        "no message has the option `id` with an integer (there is game.msg_id)"
    );

    let table = IdTable::from_pairs(&schema, [("Move", 7), ("game.Other", -1)]).unwrap();
    assert_eq!(named(&schema, &table), ["-1 game.Other", "7 game.Move"]);
    let error = IdTable::from_pairs(&schema, [("Move", 7), ("Login", 7)]).unwrap_err();
    assert_eq!(error.to_string(), "id 7 stands for `game.Move` and for `game.Login`");
    let error = IdTable::from_pairs(&schema, [("Move", 7), ("Move", 8)]).unwrap_err();
    assert_eq!(error.to_string(), "message `game.Move` has two ids, 7 and 8");
    let error = IdTable::from_pairs(&schema, [("Mov", 7)]).unwrap_err();
    assert!(matches!(error, IdError::Name(_)), "{error}");
}

const ENVELOPE: &str = "syntax = \"proto3\"; package game;
message Head { uint32 seq = 1; sint32 code = 2; string token = 3; fixed64 time = 4; bool last = 5; }
message Login { string name = 1; } message Move { int32 x = 1; }
message Packet { Head head = 1; int64 id = 2; oneof body { Login login = 10; Move move = 11; string text = 12; } repeated Move more = 20; }
message Two { oneof a { Login login = 1; } oneof b { Move move = 2; } }
message Old { Login login = 1; Move move = 300; int32 seq = 3; }";

#[test]
fn an_envelope_is_opened_without_decoding_the_rest() {
    let schema = compile(ENVELOPE);
    let packet = schema.find_message("Packet").unwrap();
    let envelope = Envelope::new(&schema, "Packet", None).unwrap();
    let names: Vec<_> = envelope.cases().iter().map(|case| (&*case.name, case.number)).collect();
    assert_eq!(names, [("login", 10), ("move", 11)]);

    let seq = FieldPath::new(&schema, packet, "head.seq").unwrap();
    let token = FieldPath::new(&schema, packet, "head.token").unwrap();
    let mut out = Vec::new();
    seq.write_integer(700, &mut out);
    envelope.write(envelope.case("move").unwrap(), &[8, 5], &mut out);
    token.write_bytes(b"secret", &mut out);

    let opened = envelope.read(&out).unwrap().unwrap();
    assert_eq!(
        (&*opened.case.name, opened.body, &out[opened.offset..][..2]),
        ("move", &[8, 5][..], &[8, 5][..])
    );
    assert_eq!(schema.message(opened.case.message).short_name(), "Move");
    assert_eq!(seq.integer(&out).unwrap(), Some(700));
    assert_eq!(token.bytes(&out).unwrap(), Some(&b"secret"[..]));
    assert_eq!(
        decode_value(&schema, packet, &out).unwrap().to_string(),
        "{head = {seq = 700, token = \"secret\"}, move = {x = 5}}"
    );
    assert_eq!(envelope.read(&[0x10, 5]).unwrap(), None);
}

#[test]
fn of_several_messages_in_an_envelope_the_last_counts() {
    let schema = compile(ENVELOPE);
    let envelope = Envelope::new(&schema, "Packet", Some("body")).unwrap();
    let mut out = Vec::new();
    envelope.write(envelope.case("move").unwrap(), &[8, 5], &mut out);
    envelope.write(envelope.case("login").unwrap(), b"", &mut out);
    assert_eq!(&*envelope.read(&out).unwrap().unwrap().case.name, "login");
}

#[test]
fn a_message_without_oneofs_is_an_envelope_by_its_messages() {
    let schema = compile(ENVELOPE);
    let envelope = Envelope::new(&schema, "Old", None).unwrap();
    let mut out = Vec::new();
    envelope.write(envelope.case("move").unwrap(), &[8, 5], &mut out);
    assert_eq!(out, [0xe2, 0x12, 2, 8, 5]);
    assert_eq!(envelope.read(&out).unwrap().unwrap().case.number, 300);
}

#[test]
fn what_is_no_envelope_or_path_is_refused() {
    let schema = compile(ENVELOPE);
    #[track_caller]
    fn says<T: std::fmt::Debug>(result: Result<T, throng_protobuf::EnvelopeError>, expected: &str) {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
    says(
        Envelope::new(&schema, "Packet", Some("boddy")),
        "message `game.Packet` has no oneof `boddy` (it has body)",
    );
    says(
        Envelope::new(&schema, "Two", None),
        "message `game.Two` has several oneofs (it has a, b): name one",
    );
    says(
        Envelope::new(&schema, "Move", None),
        "no field of message `game.Move` holds one message of several",
    );
    let packet = schema.find_message("Packet").unwrap();
    let path = |path| FieldPath::new(&schema, packet, path);
    says(path("head.sec"), "message `game.Head` has no field `sec`, did you mean `seq`?");
    says(path("head"), "field `head` of message `game.Packet` is not a single number, string, bytes or enum");
    says(path("id.seq"), "field `id` of message `game.Packet` is not a single message");
    says(path("more.x"), "field `more` of message `game.Packet` is not a single message");
    says(path(""), "message `game.Packet` has no field ``");
}

#[test]
fn wrong_bytes_in_an_envelope_are_told_with_their_place() {
    let schema = compile(ENVELOPE);
    let packet = schema.find_message("Packet").unwrap();
    let envelope = Envelope::new(&schema, "Packet", None).unwrap();
    let error = envelope.read(&[0x10, 1, 0x58, 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a varint where field 11 needs a length and bytes at byte 2 (game.Packet.move)"
    );
    assert_eq!(envelope.read(&[0x5a, 9]).unwrap_err().offset, 1);
    let seq = FieldPath::new(&schema, packet, "head.seq").unwrap();
    let error = seq.read(&[0x10, 1, 0x0a, 2, 0x0a, 0]).unwrap_err();
    assert_eq!(error.to_string(), "a length and bytes where field 1 needs a varint at byte 4 (head.seq)");
    assert_eq!(seq.read(&[0x10, 1, 0x0a, 2, 0x08, 0x80]).unwrap_err().offset, 5);
}

#[test]
fn a_path_writes_and_reads_every_type_of_integer() {
    let schema = compile(ENVELOPE);
    let packet = schema.find_message("Packet").unwrap();
    for (path, value) in
        [("head.code", -5), ("head.time", i64::MIN), ("head.last", 1), ("id", -1), ("head.seq", 1)]
    {
        let field = FieldPath::new(&schema, packet, path).unwrap();
        let mut out = Vec::new();
        field.write_integer(value, &mut out);
        assert_eq!(field.integer(&out).unwrap(), Some(value), "{path}");
        assert!(decode_value(&schema, packet, &out).is_ok());
        assert_eq!(field.bytes(&out).unwrap(), None);
    }
}

const JSON: &str = "syntax = \"proto3\"; enum E { ZERO = 0; ONE = 1; } message A { int64 big = 1; uint64 huge = 2; double d = 3;
    bytes raw = 4; E e = 5; map<int32, A> by_id = 6; repeated string names = 7; map<bool, string> flags = 8; string s = 9; bool yes = 10; }";

#[test]
fn json_goes_in_and_out() {
    let schema = compile(JSON);
    let a = schema.find_message("A").unwrap();
    let text = r#"{"big":-9223372036854775808,"huge":18446744073709551615,"d":"NaN","raw":"AP8=","e":"ONE","by_id":{"-3":{"d":1.5}},
        "names":["x","y"],"flags":{"true":"t"},"s":"角色","yes":true}"#;
    let parsed: serde_json::Value = serde_json::from_str(text).unwrap();
    let value = json::from_json(&schema, a, &parsed).unwrap();
    let mut bytes = Vec::new();
    encode_value(&schema, a, &value, &mut bytes).unwrap();
    assert_eq!(json::to_json(&decode_value(&schema, a, &bytes).unwrap()), parsed);
    // The other forms that protobuf's own mapping has.
    let parsed = serde_json::json!({"byId": {"1": {}}, "big": "5", "e": 1, "s": null});
    let value = json::from_json(&schema, a, &parsed).unwrap();
    assert_eq!(value.to_string(), "{by_id = {1: {}}, big = 5, e = 1}");
}

#[test]
fn json_that_is_no_message_is_told_with_its_place() {
    let schema = compile(JSON);
    let a = schema.find_message("A").unwrap();
    let check = |parsed: serde_json::Value, expected: &str| {
        assert_eq!(json::from_json(&schema, a, &parsed).unwrap_err().to_string(), expected);
    };
    check(serde_json::json!({"bigg": 1}), "$: message `A` has no field `bigg`, did you mean `big`?");
    check(
        serde_json::json!({"by_id": {"1": {"big": "x"}}}),
        "$.by_id.1.big: \"x\" is not an integer that fits",
    );
    check(serde_json::json!({"by_id": {"x": {}}}), "$.by_id.x: \"x\" is not an integer");
    check(serde_json::json!({"names": ["x", 1]}), "$.names[1]: 1 is not a string");
    check(serde_json::json!({"huge": -1}), "$.huge: -1 is not an integer that fits");
    check(serde_json::json!({"raw": "?"}), "$.raw: \"?\" is not bytes in base64");
    check(serde_json::json!([]), "$: an array is not an object");
}

#[test]
fn a_dump_shows_each_field_with_its_offset() {
    let schema = compile(
        "syntax = \"proto3\"; enum E { ZERO = 0; ONE = 1; } message A { sint32 x = 1; A more = 2; repeated int32 many = 3;
         map<string, A> by = 4; E e = 5; string s = 6; }",
    );
    let a = schema.find_message("A").unwrap();
    let bytes = b"\x08\x03\x12\x02\x28\x01\x1a\x03\x01\x96\x01\x22\x07\x0a\x01k\x12\x02\x28\x09\x32\x02hi\x38\x07\x0d\0\0\0\0\x32\x09";
    let (lines, error) = dump::dump(&schema, a, bytes);
    let shown: Vec<_> = lines
        .iter()
        .map(|line| format!("{:02} {}{}", line.offset, "  ".repeat(line.depth), line.text))
        .collect();
    assert_eq!(
        shown,
        [
            "00 x (1, sint32) = -2",
            "02 more (2, A)",
            "04   e (5, E) = ONE (1)",
            "06 many (3, int32) = [1, 150]",
            "11 by (4, A)",
            "13   key = \"k\"",
            "16   value",
            "18     e (5, E) = 9, which the enum does not name",
            "20 s (6, string) = \"hi\"",
            "24 ?7 = varint 7",
            "26 x (1, sint32) = 4 bytes 0x00000000, which is no sint32",
        ]
    );
    assert_eq!(error.unwrap().to_string(), "a length of 9 bytes where 0 are left at byte 32 (A)");
    assert_eq!(lines[1].length, 4);
    let (_, error) = dump::dump(&schema, a, &[]);
    assert_eq!(error, None);
}
