//! See `throng_fuzz::tls::client`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_fuzz::tls::client(bytes));
