//! RC4 (RFC 6229), CTR (SP 800-38A) and exclusive or, as streams.

use throng_crypto::{CipherStream, KeyError, rc4, xor};

use crate::aes::{COUNTER, CTR, KEYS, TEXT};
use crate::bytes;

#[test]
fn rc4_is_that_of_rfc_6229() {
    let check = |key: &str, expected: [(usize, &str); 6]| {
        let keystream = rc4(&bytes(key), &[0; 4112]).unwrap();
        for (offset, expected) in expected {
            assert_eq!(keystream[offset..offset + 16], bytes(expected), "at offset {offset}");
        }
    };
    check(
        "0102030405",
        [
            (0, "b2396305f03dc027ccc3524a0a1118a8"),
            (16, "6982944f18fc82d589c403a47a0d0919"),
            (240, "28cb1132c96ce286421dcaadb8b69eae"),
            (256, "1cfcf62b03eddb641d77dfcf7f8d8c93"),
            (4080, "068326a2118416d21f9d04b2cd1ca050"),
            (4096, "ff25b58995996707e51fbdf08b34d875"),
        ],
    );
    check(
        "0102030405060708090a0b0c0d0e0f10",
        [
            (0, "9ac7cc9a609d1ef7b2932899cde41b97"),
            (16, "5248c4959014126a6e8a84f11d1a9e1c"),
            (240, "065902e4b620f6cc36c8589f66432f2b"),
            (256, "d39d566bc6bce3010768151549f3873f"),
            (4080, "ff38265c1642c1abe8d3c2fe5e572bf8"),
            (4096, "a36a4c301ae8ac13610ccbc12256cacc"),
        ],
    );
}

#[test]
fn an_rc4_stream_keeps_its_position() {
    let mut stream = CipherStream::rc4(&bytes("0102030405")).unwrap();
    let mut skipped = [0; 240];
    stream.apply(&mut skipped);
    stream.apply(&mut []);
    let mut next = [0; 16];
    stream.apply(&mut next);
    assert_eq!(next.to_vec(), bytes("28cb1132c96ce286421dcaadb8b69eae"));
}

#[test]
fn a_ctr_stream_is_the_mode_cut_anywhere() {
    for (key, expected) in KEYS.into_iter().zip(CTR) {
        let mut stream = CipherStream::aes_ctr(&bytes(key), &bytes(COUNTER)).unwrap();
        let mut text = bytes(TEXT);
        let (head, tail) = text.split_at_mut(21);
        stream.apply(head);
        stream.apply(tail);
        assert_eq!(text, bytes(expected));
    }
}

#[test]
fn xor_repeats_its_key() {
    assert_eq!(xor(b"hello world", b"key").unwrap(), bytes("030015070a591c0a0b0701"));
    let mut stream = CipherStream::xor(b"key").unwrap();
    let mut text = *b"hello world";
    stream.apply(&mut text[..4]);
    stream.apply(&mut text[4..]);
    assert_eq!(text.to_vec(), bytes("030015070a591c0a0b0701"));
}

#[test]
fn keys_of_the_wrong_length_are_named() {
    let text = |result: Result<CipherStream, KeyError>| result.unwrap_err().to_string();
    assert_eq!(text(CipherStream::rc4(b"")), "an RC4 key has 1 to 256 bytes, this one has 0");
    assert_eq!(text(CipherStream::rc4(&[0; 257])), "an RC4 key has 1 to 256 bytes, this one has 257");
    assert_eq!(text(CipherStream::xor(b"")), "an XOR key must not be empty");
    assert_eq!(CipherStream::aes_ctr(&[0; 20], &[0; 16]).unwrap_err(), KeyError::Aes { length: 20 });
    assert_eq!(CipherStream::aes_ctr(&[0; 32], &[0; 8]).unwrap_err(), KeyError::Iv { length: 8 });
    assert!(CipherStream::rc4(&[0; 1]).is_ok());
    assert!(CipherStream::rc4(&[0; 256]).is_ok());
}

#[test]
fn a_stream_does_not_show_its_key() {
    let shown = |stream: CipherStream| format!("{stream:?}");
    assert_eq!(shown(CipherStream::xor(b"secret").unwrap()), "CipherStream(xor)");
    assert_eq!(shown(CipherStream::rc4(b"secret").unwrap()), "CipherStream(rc4)");
    assert_eq!(shown(CipherStream::aes_ctr(&[0; 32], &[0; 16]).unwrap()), "CipherStream(aes-256-ctr)");
}
