//! Any bytes are a message or an error at a place in them, the same for values and for generated structs.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use throng_sproto::typed::Message;
use throng_sproto::{EncodeError, Schema, SourceFile, decode_value, encode_value};

#[allow(dead_code)]
mod everything {
    include!("../../crates/throng-sproto/tests/typed/everything.rs");
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let text = include_str!("../../crates/throng-sproto/tests/typed/everything.sproto");
    Schema::parse(&[SourceFile { name: "everything", text }]).expect("the schema is right")
});

fuzz_target!(|bytes: &[u8]| {
    let ty = SCHEMA.type_id("All").expect("the schema has All");
    match (everything::All::decode(bytes), decode_value(&SCHEMA, ty, bytes)) {
        (Ok(message), Ok(value)) => {
            let (mut typed, mut dynamic) = (Vec::new(), Vec::new());
            match (message.encode(&mut typed), encode_value(&SCHEMA, ty, &value, &mut dynamic)) {
                (Ok(()), Ok(())) => {}
                // As doubles the largest fixed-point numbers are rounded up to what no longer fits.
                (Err(EncodeError::OutOfRange { .. }), Err(EncodeError::OutOfRange { .. })) => return,
                (typed, dynamic) => panic!("{typed:?} for {dynamic:?}"),
            }
            let typed = decode_value(&SCHEMA, ty, &typed).expect("what was encoded").to_string();
            let dynamic = decode_value(&SCHEMA, ty, &dynamic).expect("what was encoded").to_string();
            assert_eq!(typed, dynamic);
        }
        (Err(typed), Err(dynamic)) => {
            assert!(typed.offset <= bytes.len() && dynamic.offset <= bytes.len(), "{typed}, {dynamic}");
        }
        (typed, dynamic) => panic!("{typed:?} for {dynamic:?}"),
    }
});
