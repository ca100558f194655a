//! Any text is a schema or an error at a place in it; by what compiles, bytes are decoded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use throng_protobuf::{IdTable, NameRule, Schema, SourceFile, decode_value};

fuzz_target!(|text: &str| {
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
});
