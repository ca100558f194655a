//! Any text is a schema or an error at a place in it; a schema comes back from its bundle, and has code.

#![no_main]

use libfuzzer_sys::fuzz_target;
use throng_sproto::{Schema, SourceFile, generate};

fuzz_target!(|text: &str| {
    match Schema::parse(&[SourceFile { name: "fuzz.sproto", text }]) {
        Ok(schema) if schema.types().len() > 0 => {
            let bundle = schema.bundle();
            let loaded = Schema::from_bundle("fuzz", &bundle).expect("a bundle of a schema loads");
            assert_eq!(loaded.bundle(), bundle);
            assert_eq!(generate(&loaded), generate(&schema));
        }
        Ok(_) => {}
        Err(error) => {
            let line = text.split('\n').nth(error.line as usize - 1).expect("the line is there");
            assert!(error.column as usize <= line.chars().count() + 1);
        }
    }
});
