//! Protocol Buffers: any bytes are a message or an error at a place in them, and any text a schema or an error at a place in
//! it.

use std::sync::LazyLock;

use throng_protobuf::{
    EncodeError, Envelope, FieldPath, IdTable, NameRule, Schema, SourceFile, decode_value, dump,
    encode_value, json,
};

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let text = "syntax = \"proto2\"; enum E { ZERO = 0; ONE = 1; }
        message All {
          optional int32 a = 1; optional sint64 b = 2; optional fixed32 c = 3; optional double d = 4; optional bool e = 5;
          optional string s = 6; optional bytes raw = 7; optional E en = 8; optional All one = 9; repeated All many = 10;
          repeated int32 packed = 11 [packed = true]; repeated fixed64 apart = 12; map<string, All> by = 13;
          map<int32, E> ids = 14; optional group G = 15 { optional uint32 x = 1; optional group H = 2 { optional float y = 1; } }
          oneof body { All more = 16; uint64 number = 17; All other = 18; }
        }";
    Schema::compile(&[SourceFile { name: "all.proto", text }]).expect("the schema is right")
});

/// What is decoded can be encoded and decoded again, and an envelope or a path found in it.
pub fn message(bytes: &[u8]) {
    let all = SCHEMA.find_message("All").expect("the schema has All");
    let envelope = Envelope::new(&SCHEMA, "All", Some("body")).expect("All has a oneof");
    let path = FieldPath::new(&SCHEMA, all, "one.one.a").expect("All has an a");
    if let Ok(Some(opened)) = envelope.read(bytes) {
        assert_eq!(&bytes[opened.offset..][..opened.body.len()], opened.body);
    }
    let _ = path.read(bytes);
    let (lines, _) = dump::dump(&SCHEMA, all, bytes);
    assert!(lines.iter().all(|line| line.offset + line.length <= bytes.len()));
    match decode_value(&SCHEMA, all, bytes) {
        Ok(value) => {
            let _ = json::from_json(&SCHEMA, all, &json::to_json(&value));
            let mut out = Vec::new();
            match encode_value(&SCHEMA, all, &value, &mut out) {
                Ok(()) => {}
                Err(EncodeError::TooLarge) => return,
                Err(error) => panic!("{error}"),
            }
            let again = decode_value(&SCHEMA, all, &out).expect("what was encoded");
            let mut twice = Vec::new();
            encode_value(&SCHEMA, all, &again, &mut twice).expect("what was decoded");
            assert_eq!(twice, out);
        }
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
}

/// By what compiles, bytes are decoded.
pub fn schema(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Schema::compile(&[SourceFile { name: "fuzz.proto", text }]) {
        Ok(schema) => {
            for message in schema.messages() {
                let _ = decode_value(&schema, message.id, text.as_bytes());
            }
            for each in schema.enums() {
                let _ = IdTable::from_enum(&schema, &each.name, &NameRule::default());
            }
        }
        Err(error) => assert!(error.line as usize <= text.lines().count() + 1, "{error}"),
    }
}
