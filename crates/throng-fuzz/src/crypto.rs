//! Text forms and ciphers of logins: any text is decoded or an error, any bytes are decrypted or an error, and what was encoded
//! comes back.

use throng_crypto::aes::{self, Padding};
use throng_crypto::skynet::{self, DesPadding};
use throng_crypto::{base64, hex};

use crate::input::Input;

/// Everything that takes bytes of a server's.
pub fn any(bytes: &[u8]) {
    let mut input = Input(bytes);
    let key = [input.byte(), input.byte(), 3, 4, 5, 6, 7, 8];
    let long = [key, key].concat();
    let text = input.0;
    texts(text);

    // Text that is no ciphertext, or padded wrongly, is an error.
    let _ = skynet::desdecode(&key, text, DesPadding::Iso7816);
    let _ = skynet::dhsecret(text, &key);
    let sealed = skynet::desencode(&key, text, DesPadding::Iso7816).expect("a key of eight bytes");
    assert_eq!(skynet::desdecode(&key, &sealed, DesPadding::Iso7816).as_deref(), Ok(text));

    for decrypted in [
        aes::cbc_decrypt(&long, &long, text, Padding::Pkcs7),
        aes::ecb_decrypt(&long, text, Padding::Pkcs7),
        aes::gcm_decrypt(&long, &long[..12], b"", text),
    ] {
        assert!(decrypted.map_or(0, |plain| plain.len()) <= text.len());
    }
    let sealed = aes::cbc_encrypt(&long, &long, text, Padding::Pkcs7).expect("a key");
    assert_eq!(aes::cbc_decrypt(&long, &long, &sealed, Padding::Pkcs7).as_deref(), Ok(text));
    let sealed = aes::gcm_encrypt(&long, &long[..12], b"more", text).expect("a key");
    assert_eq!(aes::gcm_decrypt(&long, &long[..12], b"more", &sealed).as_deref(), Ok(text));
}

fn texts(text: &[u8]) {
    for decoded in [base64::decode(text).ok(), base64::decode_url(text).ok(), skynet::base64decode(text).ok()]
    {
        assert!(decoded.is_none_or(|decoded| decoded.len() <= text.len()));
    }
    for decoded in [hex::decode(text).ok(), skynet::hexdecode(text).ok()] {
        assert!(decoded.is_none_or(|decoded| decoded.len() * 2 == text.len()));
    }
    assert_eq!(base64::decode(base64::encode(text).as_bytes()).as_deref(), Ok(text));
    assert_eq!(base64::decode_url(base64::encode_url(text).as_bytes()).as_deref(), Ok(text));
    assert_eq!(skynet::base64decode(skynet::base64encode(text).as_bytes()).as_deref(), Ok(text));
    assert_eq!(hex::decode(hex::encode(text).as_bytes()).as_deref(), Ok(text));
    assert_eq!(skynet::hexdecode(skynet::hexencode(text).as_bytes()).as_deref(), Ok(text));
}
