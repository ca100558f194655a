//! Any bytes are a bundle or an error at a place in them; what loads can be written, loaded again and decoded by.

#![no_main]

use libfuzzer_sys::fuzz_target;
use throng_sproto::{Schema, Value, decode_value, encode_value, generate};

fuzz_target!(|bytes: &[u8]| {
    match Schema::from_bundle("fuzz", bytes) {
        Ok(schema) => {
            let bundle = schema.bundle();
            let again = Schema::from_bundle("fuzz", &bundle).expect("a bundle of a schema loads");
            assert_eq!(again.bundle(), bundle);
            let _ = generate(&schema);
            for (id, _) in schema.types() {
                let _ = decode_value(&schema, id, bytes);
                let mut out = Vec::new();
                encode_value(&schema, id, &Value::default_of(&schema, id), &mut out)
                    .expect("a default encodes");
            }
        }
        Err(error) => assert!(error.offset <= bytes.len()),
    }
});
