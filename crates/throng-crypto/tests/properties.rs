//! Round trips, streams cut anywhere, and garbage that must be refused and not panic.

use proptest::collection::vec;
use proptest::prelude::*;
use throng_crypto::aes::{self, Padding};
use throng_crypto::skynet::{self, DesPadding};
use throng_crypto::{CipherStream, base64, hex, rc4, xor};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

fn aes_key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 16), vec(any::<u8>(), 24), vec(any::<u8>(), 32)]
}

fn des_padding() -> impl Strategy<Value = DesPadding> {
    prop_oneof![Just(DesPadding::Iso7816), Just(DesPadding::Pkcs7)]
}

/// A text that often looks like base64 or hex.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let strings = prop_oneof!["[A-Za-z0-9+/]{0,38}={0,2}", "[A-Za-z0-9+/=\n]{0,12}", "[0-9a-fA-F]{0,40}"];
    prop_oneof![4 => strings.prop_map(String::into_bytes), 1 => bytes()]
}

/// `stream` over `bytes` in pieces of these sizes, then the rest.
fn in_pieces(mut stream: CipherStream, bytes: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut rest = &mut bytes[..];
    for size in sizes {
        let (piece, after) = rest.split_at_mut((*size).min(rest.len()));
        stream.apply(piece);
        rest = after;
    }
    stream.apply(rest);
    bytes
}

proptest! {
    #[test]
    fn texts_come_back(bytes in bytes()) {
        prop_assert_eq!(&hex::decode(hex::encode(&bytes).as_bytes()).unwrap(), &bytes);
        prop_assert_eq!(&base64::decode(base64::encode(&bytes).as_bytes()).unwrap(), &bytes);
        prop_assert_eq!(&base64::decode_url(base64::encode_url(&bytes).as_bytes()).unwrap(), &bytes);
        prop_assert_eq!(&skynet::hexdecode(skynet::hexencode(&bytes).as_bytes()).unwrap(), &bytes);
        prop_assert_eq!(&skynet::base64decode(skynet::base64encode(&bytes).as_bytes()).unwrap(), &bytes);
    }

    #[test]
    fn what_is_read_as_text_is_written_the_same(text in text()) {
        if let Ok(bytes) = hex::decode(&text) {
            prop_assert_eq!(hex::encode(&bytes).into_bytes(), text.to_ascii_lowercase());
        }
        if let Ok(bytes) = base64::decode(&text) {
            let (bare, text) = (base64::encode(&bytes), String::from_utf8(text.clone()).unwrap());
            prop_assert_eq!(bare.trim_end_matches('='), text.trim_end_matches('='));
        }
        if let Ok(bytes) = skynet::hexdecode(&text) {
            prop_assert_eq!(skynet::hexencode(&bytes).into_bytes(), text);
        }
    }

    #[test]
    fn skynet_s_base64_reads_what_the_strict_one_reads(text in text()) {
        if text.len().is_multiple_of(4) && let Ok(bytes) = base64::decode(&text) {
            prop_assert_eq!(skynet::base64decode(&text), Ok(bytes));
        }
    }

    #[test]
    fn aes_gives_the_text_back(key in aes_key(), iv in any::<[u8; 16]>(), text in bytes(), additional in bytes()) {
        let cipher = aes::cbc_encrypt(&key, &iv, &text, Padding::Pkcs7).unwrap();
        prop_assert_eq!(cipher.len(), text.len() / 16 * 16 + 16);
        prop_assert_eq!(&aes::cbc_decrypt(&key, &iv, &cipher, Padding::Pkcs7).unwrap(), &text);
        let cipher = aes::ecb_encrypt(&key, &text, Padding::Pkcs7).unwrap();
        prop_assert_eq!(&aes::ecb_decrypt(&key, &cipher, Padding::Pkcs7).unwrap(), &text);
        let cipher = aes::ctr(&key, &iv, &text).unwrap();
        prop_assert_eq!(&aes::ctr(&key, &iv, &cipher).unwrap(), &text);
        for nonce in [&iv[..12], &iv] {
            let cipher = aes::gcm_encrypt(&key, nonce, &additional, &text).unwrap();
            prop_assert_eq!(cipher.len(), text.len() + 16);
            prop_assert_eq!(&aes::gcm_decrypt(&key, nonce, &additional, &cipher).unwrap(), &text);
        }
    }

    #[test]
    fn blocks_need_no_padding(key in aes_key(), iv in any::<[u8; 16]>(), blocks in vec(any::<[u8; 16]>(), 0..8)) {
        let text = blocks.concat();
        let cipher = aes::cbc_encrypt(&key, &iv, &text, Padding::None).unwrap();
        prop_assert_eq!(cipher.len(), text.len());
        prop_assert_eq!(aes::cbc_decrypt(&key, &iv, &cipher, Padding::None).unwrap(), text);
    }

    #[test]
    fn garbage_is_refused_or_decrypted_but_never_panics(
        key in bytes(), iv in vec(any::<u8>(), 0..20), text in bytes(), padding in des_padding(),
    ) {
        for aes_padding in [Padding::Pkcs7, Padding::None] {
            if let Ok(plain) = aes::cbc_decrypt(&key, &iv, &text, aes_padding) {
                prop_assert!(plain.len() <= text.len());
            }
            if let Ok(plain) = aes::ecb_decrypt(&key, &text, aes_padding) {
                prop_assert!(plain.len() <= text.len());
            }
        }
        prop_assert!(aes::gcm_decrypt(&key, &iv, b"", &text).is_err());
        if let Ok(plain) = skynet::desdecode(&key, &text, padding) {
            prop_assert!(plain.len() < text.len());
        }
    }

    #[test]
    fn a_stream_cut_anywhere_is_the_whole(
        key in aes_key(), iv in any::<[u8; 16]>(), text in bytes(), sizes in vec(0..60_usize, 0..12),
    ) {
        let pieces = in_pieces(CipherStream::rc4(&key).unwrap(), &text, &sizes);
        prop_assert_eq!(pieces, rc4(&key, &text).unwrap());
        let pieces = in_pieces(CipherStream::aes_ctr(&key, &iv).unwrap(), &text, &sizes);
        prop_assert_eq!(pieces, aes::ctr(&key, &iv, &text).unwrap());
        let pieces = in_pieces(CipherStream::xor(&key).unwrap(), &text, &sizes);
        prop_assert_eq!(pieces, xor(&text, &key).unwrap());
    }

    #[test]
    fn a_stream_undoes_itself(key in vec(any::<u8>(), 1..=256), text in bytes()) {
        prop_assert_eq!(&rc4(&key, &rc4(&key, &text).unwrap()).unwrap(), &text);
        prop_assert_eq!(&xor(&xor(&text, &key).unwrap(), &key).unwrap(), &text);
    }

    #[test]
    fn des_gives_the_text_back(key in any::<[u8; 8]>(), text in bytes(), padding in des_padding()) {
        let cipher = skynet::desencode(&key, &text, padding).unwrap();
        prop_assert_eq!(cipher.len(), text.len() / 8 * 8 + 8);
        prop_assert_eq!(skynet::desdecode(&key, &cipher, padding).unwrap(), text);
    }

    #[test]
    fn both_sides_of_an_exchange_get_one_secret(ours in any::<[u8; 8]>(), theirs in any::<[u8; 8]>()) {
        let (ours, theirs) = (skynet::randomkey(ours), skynet::randomkey(theirs));
        let secret = skynet::dhsecret(&skynet::dhexchange(&theirs).unwrap(), &ours).unwrap();
        prop_assert_eq!(secret, skynet::dhsecret(&skynet::dhexchange(&ours).unwrap(), &theirs).unwrap());
    }
}
