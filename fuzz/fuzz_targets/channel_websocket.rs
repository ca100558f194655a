//! See `throng_fuzz::websocket::channel`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_fuzz::websocket::channel(bytes));
