//! Published test vectors, and for skynet's own functions values that its C code gave.

mod aes;
mod digests;
mod skynet;
mod streams;
mod texts;

/// The bytes of hex digits; spaces and line breaks between them are for the eye.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    throng_crypto::hex::decode(&digits).unwrap()
}
