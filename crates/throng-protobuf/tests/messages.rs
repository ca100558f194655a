//! Messages: bytes as the documentation of protobuf gives them, merging as it says, and what is refused.

use throng_protobuf::{
    DecodeErrorKind, Decoded, Defaults, EncodeError, Schema, SourceFile, Value, ValueSink, decode,
    decode_value, encode_value,
};

const SCHEMA: &str = "syntax = \"proto3\"; package t;
enum Color { NONE = 0; RED = 1; BLUE = 2; }
message All {
  int32 a = 1; string b = 2; All c = 3; repeated int32 f = 6; repeated string names = 7; map<string, int32> m = 8;
  map<int32, All> units = 9; oneof body { string text = 10; All more = 11; int32 number = 12; }
  uint32 u = 13; uint64 big = 14; sint64 z = 15; double d = 16; float fl = 17; bool yes = 18; bytes raw = 19;
  Color color = 20; repeated Color colors = 21; repeated All children = 22; fixed32 x = 23; sfixed64 y = 24;
  optional int32 told = 25; repeated fixed32 fixed = 26; int64 long = 27;
}";

fn schema() -> Schema {
    Schema::compile(&[SourceFile { name: "t.proto", text: SCHEMA }]).unwrap()
}

#[track_caller]
fn check(value: Value, bytes: &[u8]) {
    let schema = schema();
    let all = schema.find_message("All").unwrap();
    let mut out = Vec::new();
    encode_value(&schema, all, &value, &mut out).unwrap();
    assert_eq!(out, bytes);
    assert_eq!(decode_value(&schema, all, bytes).unwrap(), value);
}

#[track_caller]
fn decoded(bytes: &[u8], expected: &str) {
    let schema = schema();
    let value = decode_value(&schema, schema.find_message("All").unwrap(), bytes).unwrap();
    assert_eq!(value.to_string(), expected);
}

#[track_caller]
fn refused(bytes: &[u8], expected: &str) {
    let schema = schema();
    let error = decode_value(&schema, schema.find_message("All").unwrap(), bytes).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[track_caller]
fn unfit(value: Value, expected: &str) {
    let schema = schema();
    let mut out = vec![7];
    let error = encode_value(&schema, schema.find_message("All").unwrap(), &value, &mut out).unwrap_err();
    assert_eq!((error.to_string().as_str(), out), (expected, vec![7]));
}

fn one(name: &str, value: impl Into<Value>) -> Value {
    Value::message([(name, value.into())])
}

#[test]
fn the_examples_of_the_documentation_have_its_bytes() {
    check(one("a", 150), &[0x08, 0x96, 0x01]);
    check(one("b", "testing"), b"\x12\x07testing");
    check(one("c", one("a", 150)), &[0x1a, 0x03, 0x08, 0x96, 0x01]);
    let f = vec![3.into(), 270.into(), 86_942.into()];
    check(one("f", f), &[0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
    check(one("a", -2), &[0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    check(one("z", -2), &[0x78, 0x03]);
}

#[test]
fn sixty_four_bits_are_exact() {
    check(one("big", Value::Unsigned(u64::MAX)), b"\x70\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    check(one("z", i64::MIN), b"\x78\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    check(one("y", i64::MIN), b"\xc1\x01\0\0\0\0\0\0\0\x80");
    check(one("long", i64::MAX), b"\xd8\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
}

#[test]
fn zeros_are_absent_unless_they_are_told() {
    let schema = schema();
    let all = schema.find_message("All").unwrap();
    let zeros = Value::message([
        ("a", 0.into()),
        ("b", "".into()),
        ("d", 0.0.into()),
        ("yes", false.into()),
        ("color", Value::Enum("NONE".into())),
        ("x", 0.into()),
        ("f", vec![].into()),
        ("told", 0.into()),
        ("number", 0.into()),
        ("c", Value::message([])),
    ]);
    let mut out = Vec::new();
    encode_value(&schema, all, &zeros, &mut out).unwrap();
    assert_eq!(out, [0x1a, 0, 0x60, 0, 0xc8, 0x01, 0]);
    check(one("d", -0.0), b"\x81\x01\0\0\0\0\0\0\0\x80");
}

#[test]
fn long_parts_have_long_lengths() {
    let schema = schema();
    let all = schema.find_message("All").unwrap();
    for length in [126, 127, 128, 129, 16_383, 16_384, 16_385, 70_000] {
        let value = one("c", one("c", one("b", "x".repeat(length).as_str())));
        let mut out = vec![9];
        encode_value(&schema, all, &value, &mut out).unwrap();
        assert_eq!(decode_value(&schema, all, &out[1..]).unwrap(), value);
    }
}

#[test]
fn arrays_of_numbers_may_be_packed_or_not_or_both() {
    decoded(&[0x30, 1, 0x30, 2], "{f = [1, 2]}");
    decoded(&[0x32, 2, 1, 2, 0x30, 3, 0x32, 1, 4], "{f = [1, 2, 3, 4]}");
    decoded(b"\xd2\x01\x08\x01\0\0\0\x02\0\0\0\xd5\x01\x03\0\0\0", "{fixed = [1, 2, 3]}");
    decoded(&[0x32, 0], "{f = []}");
}

#[test]
fn parts_of_a_field_apart_from_each_other_are_one() {
    decoded(&[0x3a, 1, b'x', 8, 5, 0x3a, 1, b'y', 8, 6], "{names = [\"x\", \"y\"], a = 6}");
    decoded(&[0x42, 3, 10, 1, b'x', 8, 5, 0x42, 5, 10, 1, b'y', 16, 7], "{m = {\"x\": 0, \"y\": 7}, a = 5}");
    // A message that comes twice is merged: its scalars are replaced, its arrays go on.
    decoded(
        &[0x1a, 6, 8, 1, 0x3a, 2, b'x', b'x', 8, 9, 0x1a, 5, 8, 2, 0x3a, 1, b'y'],
        "{c = {a = 2, names = [\"xx\", \"y\"]}, a = 9}",
    );
    decoded(&[0x1a, 4, 0x1a, 2, 8, 1, 0x1a, 4, 0x1a, 2, 0x68, 1], "{c = {c = {a = 1, u = 1}}}");
}

#[test]
fn of_a_oneof_the_last_field_counts() {
    decoded(&[0x52, 1, b'x', 0x60, 5], "{number = 5}");
    decoded(&[0x60, 5, 8, 1, 0x5a, 2, 8, 1], "{a = 1, more = {a = 1}}");
    // What comes twice is merged, but not over another field of the oneof.
    decoded(&[0x5a, 2, 8, 1, 0x5a, 2, 0x68, 1], "{more = {a = 1, u = 1}}");
    decoded(&[0x5a, 2, 8, 1, 0x60, 5, 0x5a, 2, 0x68, 1], "{more = {u = 1}}");
    // Also where the oneof is in a message that comes in two parts.
    decoded(&[0x1a, 2, 0x60, 5, 0x1a, 3, 0x52, 1, b'x'], "{c = {text = \"x\"}}");
}

#[test]
fn map_entries_may_lack_parts_and_come_in_any_order() {
    decoded(&[0x42, 0], "{m = {\"\": 0}}");
    decoded(&[0x42, 5, 16, 7, 10, 1, b'k'], "{m = {\"k\": 7}}");
    decoded(&[0x4a, 2, 8, 3], "{units = {3: {}}}");
    decoded(&[0x42, 3, 10, 1, b'x', 0x42, 5, 10, 1, b'x', 16, 9], "{m = {\"x\": 9}}");
}

#[test]
fn enums_are_names_where_the_schema_has_them() {
    decoded(&[0xa0, 0x01, 2], "{color = BLUE}");
    decoded(&[0xa0, 0x01, 77], "{color = 77}");
    check(one("colors", vec![Value::Enum("RED".into()), 77.into()]), &[0xaa, 0x01, 2, 1, 77]);
    let schema = schema();
    let mut out = Vec::new();
    encode_value(&schema, schema.find_message("All").unwrap(), &one("color", 2), &mut out).unwrap();
    assert_eq!(out, [0xa0, 0x01, 2]);
}

#[test]
fn unknown_fields_are_stepped_over_and_counted() {
    let schema = schema();
    let all = schema.find_message("All").unwrap();
    // A varint, eight bytes, bytes, a group with a group inside, four bytes, and a known field.
    let bytes = b"\xa0\x06\x05\xa1\x06\0\0\0\0\0\0\0\0\xa2\x06\x02xx\xa3\x06\x0b\x08\x01\x0c\xa4\x06\xa5\x06\0\0\0\0\x08\x01";
    let mut sink = ValueSink::default();
    let counts = decode(&schema, all, bytes, Defaults::Leave, &mut sink).unwrap();
    assert_eq!(counts, Decoded { unknown: 5, missing: 0 });
    assert_eq!(sink.finish().unwrap().to_string(), "{a = 1}");
}

#[test]
fn what_is_no_message_is_told_with_its_place() {
    refused(&[8], "a number is cut short at byte 1 (t.All.a)");
    refused(&[8, 0xff], "a number is cut short at byte 1 (t.All.a)");
    refused(&[0x88], "a number is cut short at byte 0 (t.All)");
    refused(
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        "a number of more than 64 bits at byte 1 (t.All.a)",
    );
    refused(&[0x12, 5, b'x'], "a length of 5 bytes where 1 are left at byte 1 (t.All.b)");
    refused(
        b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        "a length of 18446744073709551615 bytes where 0 are left at byte 1 (t.All.b)",
    );
    refused(&[0x1a, 2, 0x12, 9], "a length of 9 bytes where 0 are left at byte 3 (t.All.b)");
    refused(&[0x81, 0x01, 0, 0], "a fixed-size number is cut short at byte 2 (t.All.d)");
    refused(&[9, 0], "8 bytes where field 1 needs a varint at byte 0 (t.All.a)");
    refused(&[8, 1, 0x10, 0], "a varint where field 2 needs a length and bytes at byte 2 (t.All.b)");
    refused(&[0x38, 0], "a varint where field 7 needs a length and bytes at byte 0 (t.All.names[1])");
    refused(&[0x42, 2, 8, 0], "a varint where field 1 needs a length and bytes at byte 2 (t.All.m[1])");
    refused(&[0, 0], "field number 0, which cannot be at byte 0 (t.All)");
    refused(b"\xf8\xff\xff\xff\xff\x01\x01", "field number 8589934591, which cannot be at byte 0 (t.All)");
    refused(&[0x0e], "wire type 6, which does not exist at byte 0 (t.All)");
    refused(
        &[0xd2, 0x01, 3, 0, 0, 0],
        "a packed array of 3 bytes, which are no elements of 4 at byte 3 (t.All.fixed)",
    );
    refused(&[0x32, 2, 1, 0x80], "a number is cut short at byte 3 (t.All.f[2])");
    refused(&[0x0c], "the end of group 1, which is not open here at byte 0 (t.All)");
    refused(b"\xa3\x06\x08\x01", "group 100 has no end at byte 4 (t.All)");
    refused(b"\xa3\x06\x0c", "the end of group 1, which is not open here at byte 2 (t.All)");
}

#[test]
fn nesting_has_a_limit_in_both_directions() {
    let schema = schema();
    let all = schema.find_message("All").unwrap();
    let nested = |depth: usize| (1..depth).fold(one("a", 1), |inner, _| one("c", inner));
    let mut out = Vec::new();
    encode_value(&schema, all, &nested(100), &mut out).unwrap();
    assert_eq!(decode_value(&schema, all, &out).unwrap(), nested(100));
    assert_eq!(encode_value(&schema, all, &nested(101), &mut Vec::new()), Err(EncodeError::TooDeep));

    let mut deep = vec![8, 1];
    while deep.len() < 10_000 {
        let length = deep.len();
        let head = if length < 128 {
            vec![0x1a, length as u8]
        } else {
            vec![0x1a, length as u8 | 0x80, (length >> 7) as u8]
        };
        deep.splice(0..0, head);
    }
    assert_eq!(decode_value(&schema, all, &deep).unwrap_err().kind, DecodeErrorKind::TooDeep);
    let groups = [0xa3, 0x06].repeat(10_000);
    assert_eq!(decode_value(&schema, all, &groups).unwrap_err().kind, DecodeErrorKind::TooDeep);
}

#[test]
fn a_field_in_very_many_parts_takes_time_in_proportion() {
    let schema = schema();
    let all = schema.find_message("All").unwrap();
    // Each part interrupts the other's array, map and message; the square of their number would not end in a test's time.
    let part = [0x3a, 1, b'x', 0x42, 3, 10, 1, b'k', 0x1a, 5, 0x42, 3, 10, 1, b'k'];
    let value = decode_value(&schema, all, &part.repeat(50_000)).unwrap();
    let Some(Value::Array(names)) = value.field("names") else { panic!("there are names") };
    assert_eq!(names.len(), 50_000);
}

#[test]
fn values_that_do_not_fit_are_told_with_their_place() {
    unfit(one("a", 1_i64 << 31), "t.All.a cannot hold 2147483648: it is a 32-bit integer");
    unfit(one("u", -1), "t.All.u cannot hold -1: it is an unsigned integer");
    unfit(one("u", 1_i64 << 32), "t.All.u cannot hold 4294967296: it is an unsigned 32-bit integer");
    unfit(
        one("long", Value::Unsigned(u64::MAX)),
        "t.All.long cannot hold 18446744073709551615: it is a 64-bit integer",
    );
    unfit(one("f", vec![1.into(), "x".into()]), "t.All.f[2] is not an integer (it is a string)");
    unfit(one("f", 1), "t.All.f is not an array (it is an integer)");
    unfit(one("m", vec![]), "t.All.m is not a map (it is an array)");
    unfit(one("c", 1), "t.All.c is not a message (it is an integer)");
    unfit(one("children", vec![one("b", 5)]), "t.All.b is not a string (it is an integer)");
    unfit(one("color", "BLEU"), "t.All.color has no value `BLEU` in t.Color, did you mean `BLUE`?");
    unfit(one("b", Value::Bytes(vec![0xff])), "t.All.b is no UTF-8 text: a field of type bytes may hold it");
    unfit(
        Value::message([("text", "x".into()), ("number", 1.into())]),
        "t.All.number is set, but another field of oneof `body` is too",
    );
}

#[test]
fn required_fields_are_written_but_may_be_absent_when_read() {
    let text = "syntax = \"proto2\"; message A { required int32 a = 1; optional A more = 2; optional string s = 3 [default = \"x\"]; }";
    let schema = Schema::compile(&[SourceFile { name: "a.proto", text }]).unwrap();
    let a = schema.find_message("A").unwrap();
    let error = encode_value(&schema, a, &one("more", one("a", 1)), &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "A.a is required, but absent");
    let mut sink = ValueSink::default();
    let counts = decode(&schema, a, &[0x12, 0], Defaults::Leave, &mut sink).unwrap();
    assert_eq!(counts, Decoded { unknown: 0, missing: 2 });
    assert_eq!(sink.finish().unwrap().to_string(), "{more = {}}");
    // Strings of proto2 may hold any bytes.
    let raw = Value::message([("a", 1.into()), ("s", Value::Bytes(vec![0xff]))]);
    encode_value(&schema, a, &raw, &mut Vec::new()).unwrap();
    let mut sink = ValueSink::default();
    decode(&schema, a, &[8, 1], Defaults::Scalars, &mut sink).unwrap();
    assert_eq!(sink.finish().unwrap().to_string(), "{a = 1, s = \"x\"}");
}

#[test]
fn absent_fields_can_be_told_as_what_they_read_as() {
    let text = "syntax = \"proto3\"; enum E { ZERO = 0; } message A { int32 code = 1; optional int32 told = 2; repeated A many = 3;
        map<string, A> by = 4; E e = 5; A one = 6; oneof o { int32 x = 7; } string s = 8; }";
    let schema = Schema::compile(&[SourceFile { name: "a.proto", text }]).unwrap();
    let shown = |bytes: &[u8], defaults| {
        let mut sink = ValueSink::default();
        decode(&schema, schema.find_message("A").unwrap(), bytes, defaults, &mut sink).unwrap();
        sink.finish().unwrap().to_string()
    };
    assert_eq!(shown(&[], Defaults::Leave), "{}");
    assert_eq!(shown(&[], Defaults::Scalars), "{code = 0, e = ZERO, s = \"\"}");
    assert_eq!(shown(&[8, 3], Defaults::All), "{code = 3, many = [], by = {}, e = ZERO, s = \"\"}");
    // The second part of a message does not undo the first.
    assert_eq!(
        shown(&[0x32, 4, 8, 1, 0x1a, 0, 0x32, 2, 0x1a, 0], Defaults::Scalars),
        "{one = {code = 1, many = [{code = 0, e = ZERO, s = \"\"}, {code = 0, e = ZERO, s = \"\"}], e = ZERO, s = \"\"}, \
         code = 0, e = ZERO, s = \"\"}"
    );
}

#[test]
fn groups_are_messages_with_an_end() {
    let text = "syntax = \"proto2\"; message A { repeated group Part = 1 { optional int32 x = 2; } optional int32 y = 3; }";
    let schema = Schema::compile(&[SourceFile { name: "a.proto", text }]).unwrap();
    let a = schema.find_message("A").unwrap();
    let value = Value::message([("part", vec![one("x", 5), Value::message([])].into()), ("y", 1.into())]);
    let mut out = Vec::new();
    encode_value(&schema, a, &value, &mut out).unwrap();
    assert_eq!(out, [0x0b, 0x10, 5, 0x0c, 0x0b, 0x0c, 0x18, 1]);
    assert_eq!(decode_value(&schema, a, &out).unwrap(), value);
    let error = decode_value(&schema, a, &[0x0b, 0x10, 5]).unwrap_err();
    assert_eq!(error.to_string(), "group 1 has no end at byte 3 (A.Part)");
    let error = decode_value(&schema, a, &[0x0b, 0x14]).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::GroupEnd(2));
}
