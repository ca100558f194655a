//! Base64 and hex (RFC 4648).

use throng_crypto::base64::{self, Base64Error};
use throng_crypto::hex::{self, HexError};

/// RFC 4648, 10.
const BASE64: [(&str, &str); 7] = [
    ("", ""),
    ("f", "Zg=="),
    ("fo", "Zm8="),
    ("foo", "Zm9v"),
    ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
];

/// RFC 4648, 10, in lower case.
const HEX: [(&str, &str); 7] = [
    ("", ""),
    ("f", "66"),
    ("fo", "666f"),
    ("foo", "666f6f"),
    ("foob", "666f6f62"),
    ("fooba", "666f6f6261"),
    ("foobar", "666f6f626172"),
];

#[test]
fn base64_is_that_of_rfc_4648() {
    for (plain, text) in BASE64 {
        assert_eq!(base64::encode(plain.as_bytes()), text);
        assert_eq!(base64::decode(text.as_bytes()).unwrap(), plain.as_bytes());
        let bare = text.trim_end_matches('=');
        assert_eq!(base64::encode_url(plain.as_bytes()), bare);
        for text in [text, bare] {
            assert_eq!(base64::decode(text.as_bytes()).unwrap(), plain.as_bytes());
            assert_eq!(base64::decode_url(text.as_bytes()).unwrap(), plain.as_bytes());
        }
    }
}

#[test]
fn the_two_alphabets_differ_in_two_symbols_and_refuse_each_other_s() {
    let bytes = [0xfb, 0xff, 0xbf];
    assert_eq!(base64::encode(&bytes), "+/+/");
    assert_eq!(base64::encode_url(&bytes), "-_-_");
    assert_eq!(base64::decode(b"+/+/").unwrap(), bytes);
    assert_eq!(base64::decode_url(b"-_-_").unwrap(), bytes);
    assert_eq!(base64::decode(b"-_-_"), Err(Base64Error::Symbol { byte: b'-', at: 1 }));
    assert_eq!(base64::decode_url(b"AA+/"), Err(Base64Error::Symbol { byte: b'+', at: 3 }));
}

#[test]
fn wrong_base64_is_named_with_its_place() {
    let check = |text: &str, expected: &str| {
        assert_eq!(base64::decode(text.as_bytes()).unwrap_err().to_string(), expected);
    };
    check("Zm9v!mFy", "'!' at position 5 of the base64 text does not belong there");
    check("Zm9v\nYmFy", "'\\n' at position 5 of the base64 text does not belong there");
    check("Zh==", "'h' at position 2 of the base64 text has bits left over");
    check("Zm9vY", "the base64 text of 5 bytes is incomplete: four symbols make a group");
    check("Zg==Zg==", "'=' at position 3 of the base64 text does not belong there");
}

#[test]
fn hex_is_that_of_rfc_4648_and_read_in_either_case() {
    for (plain, text) in HEX {
        assert_eq!(hex::encode(plain.as_bytes()), text);
        assert_eq!(hex::decode(text.as_bytes()).unwrap(), plain.as_bytes());
        assert_eq!(hex::decode(text.to_uppercase().as_bytes()).unwrap(), plain.as_bytes());
    }
    assert_eq!(hex::decode(b"0aF9").unwrap(), [0x0a, 0xf9]);
}

#[test]
fn wrong_hex_is_named_with_its_place() {
    assert_eq!(hex::decode(b"0g"), Err(HexError::Digit { byte: b'g', at: 2 }));
    assert_eq!(hex::decode(b"012"), Err(HexError::Length { length: 3 }));
    assert_eq!(hex::decode(b"0 2"), Err(HexError::Digit { byte: b' ', at: 2 }));
    let text = |bytes: &[u8]| hex::decode(bytes).unwrap_err().to_string();
    assert_eq!(text(b"00\xff0"), "'\\xff' at position 3 of the hex text is not a digit");
    assert_eq!(text(b"012"), "hex text has two digits for each byte, this one has 3");
}
