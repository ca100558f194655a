//! See `throng_fuzz::framings::cipher`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_fuzz::framings::cipher(bytes));
