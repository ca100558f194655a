//! See `throng_fuzz::documents::msgpack`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_fuzz::documents::msgpack(bytes));
