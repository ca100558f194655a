//! See `throng_fuzz::sproto::schema`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_fuzz::sproto::schema(bytes));
