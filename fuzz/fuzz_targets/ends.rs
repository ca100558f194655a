//! See `throng_fuzz::ends::any`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_fuzz::ends::any(bytes));
