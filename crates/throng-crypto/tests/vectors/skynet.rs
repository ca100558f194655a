//! skynet's login set. Values without another source were computed with skynet's `lua-crypt.c` (the one of commit
//! 4c78775, which has padding modes and `hmac64_md5`), built for Lua 5.4 and called from a script.

use throng_crypto::base64::Base64Error;
use throng_crypto::hex::HexError;
use throng_crypto::skynet::{
    Argument, DesError, DesPadding, ExchangeError, WordError, base64decode, base64encode, desdecode,
    desencode, dhexchange, dhsecret, hashkey, hexdecode, hexencode, hmac_hash, hmac_sha1, hmac64, hmac64_md5,
    randomkey, sha1, xor_str,
};
use throng_crypto::{KeyError, md5};

use crate::bytes;

const COUNT: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const OTHER: [u8; 8] = [0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12];

#[test]
fn hashkey_is_that_of_skynet() {
    let check = |text: &[u8], expected: &str| assert_eq!(hashkey(text).to_vec(), bytes(expected));
    check(b"", "05150000a7c6674e");
    check(b"a", "06b602004d00f5ae");
    check(b"hello", "9930920fcbef1867");
    check(b"password", "38dcf617e682c149");
    check(b"\x00\xff\x80", "44d4860b5da89a1a");
    check(&b"0123456789".repeat(10), "47011d1c56e1dacc");
}

#[test]
fn hmac64_and_hmac64_md5_are_those_of_skynet() {
    let check = |x: &[u8; 8], y: &[u8; 8], own: &str, with_md5: &str| {
        assert_eq!(hmac64(x, y).unwrap().to_vec(), bytes(own));
        assert_eq!(hmac64_md5(x, y).unwrap().to_vec(), bytes(with_md5));
    };
    check(&COUNT, &OTHER, "7ba199c526d8ef17", "65c42d6db3dd4a3e");
    check(&OTHER, &COUNT, "00b16ffa222c8666", "10c936e509aee576");
    check(&[0; 8], &[0; 8], "a2a90fe5ec190ee5", "54ffbebd728133f0");
    check(&[0xff; 8], &[0xff; 8], "249422d47b81a4b7", "6b23f80f49a53353");
    check(b"challeng", b"secret!!", "a3c7b72e6d3345c6", "3cf1b1bef77f35c9");
}

/// As the comment above `lhmac64_md5` says it should be.
#[test]
fn hmac64_md5_is_the_halves_of_an_md5_combined() {
    let digest = md5(&[COUNT, OTHER, COUNT, OTHER, COUNT, OTHER].concat());
    let halves = xor_str(&digest[..8], &digest[8..]).unwrap();
    assert_eq!(hmac64_md5(&COUNT, &OTHER).unwrap().to_vec(), halves);
}

#[test]
fn hmac_hash_is_that_of_skynet() {
    let check = |key: &[u8], text: &[u8], expected: &str| {
        assert_eq!(hmac_hash(key, text).unwrap().to_vec(), bytes(expected));
    };
    check(&COUNT, b"", "5557eef0a339145d");
    check(&COUNT, b"hello@sample#0:1", "73cf0addd77c78d9");
    check(&OTHER, b"user@server#subid:1", "321ba2e5bcac7b4a");
}

#[test]
fn words_of_another_length_are_named() {
    let first = WordError { argument: Argument::First, length: 5 };
    assert_eq!(first.to_string(), "the first argument must have 8 bytes, it has 5");
    assert_eq!(hmac64(b"short", &COUNT), Err(first.clone()));
    assert_eq!(hmac_hash(b"short", b"text"), Err(first.clone()));
    assert_eq!(dhexchange(b"short"), Err(ExchangeError::Length(first)));
    let second = WordError { argument: Argument::Second, length: 10 };
    assert_eq!(second.to_string(), "the second argument must have 8 bytes, it has 10");
    assert_eq!(hmac64(&COUNT, b"toolongkey"), Err(second.clone()));
    assert_eq!(hmac64_md5(&COUNT, b"toolongkey"), Err(second.clone()));
    assert_eq!(dhsecret(&COUNT, b"toolongkey"), Err(ExchangeError::Length(second)));
}

#[test]
fn dhexchange_is_that_of_skynet() {
    let check = |secret: &str, expected: &str| {
        assert_eq!(dhexchange(&bytes(secret)).unwrap().to_vec(), bytes(expected));
    };
    check("0100000000000000", "0500000000000000");
    check("0200000000000000", "1900000000000000");
    check("0102030405060708", "984e1418283235ed");
    check("f0debc9a78563412", "1e9fdfb99dfa004c");
    check("0000000000000080", "963c2ce6be8c4d83");
    check("ffffffffffffffff", "4e2ea6baf651b377");
    // One less than the prime gives 1 (Fermat), the prime itself gives 5 again.
    check("c4ffffffffffffff", "0100000000000000");
    check("c5ffffffffffffff", "0500000000000000");
}

#[test]
fn dhsecret_is_that_of_skynet() {
    let check = |received: &str, secret: &str, expected: &str| {
        assert_eq!(dhsecret(&bytes(received), &bytes(secret)).unwrap().to_vec(), bytes(expected));
    };
    check("984e1418283235ed", "f0debc9a78563412", "e61d2b68e6360faa");
    check("1e9fdfb99dfa004c", "0102030405060708", "e61d2b68e6360faa");
    check("ffffffffffffffff", "ffffffffffffffff", "2c4f081c6ac8d444");
    // What lies at or above the prime.
    check("ffffffffffffffff", "0100000000000000", "3a00000000000000");
    check("c6ffffffffffffff", "0102030405060708", "0100000000000000");
    check("c4ffffffffffffff", "0102030405060708", "c4ffffffffffffff");
    check("c5ffffffffffffff", "0100000000000000", "c5ffffffffffffff");
    check("c5ffffffffffffff", "0200000000000000", "0000000000000000");
}

#[test]
fn keys_of_zero_are_refused() {
    let first = ExchangeError::Zero { argument: Argument::First };
    assert_eq!(first.to_string(), "the first argument must not be 8 bytes of zero");
    assert_eq!(dhexchange(&[0; 8]), Err(first.clone()));
    assert_eq!(dhsecret(&[0; 8], &COUNT), Err(first));
    assert_eq!(dhsecret(&COUNT, &[0; 8]), Err(ExchangeError::Zero { argument: Argument::Second }));
}

/// From reading `lrandomkey`: the lowest bit is set where the bytes' exclusive or is zero.
#[test]
fn randomkey_is_never_zero_and_else_what_was_given() {
    assert_eq!(randomkey(COUNT), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(randomkey([0; 8]), [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(randomkey([2, 2, 0, 0, 0, 0, 0, 0]), [3, 2, 0, 0, 0, 0, 0, 0]);
    assert_eq!(randomkey([3, 3, 0, 0, 0, 0, 0, 0]), [3, 3, 0, 0, 0, 0, 0, 0]);
}

/// NIST SP 800-17, tables of variable plaintext, variable key and substitution, and the example of FIPS 81.
#[test]
fn des_is_the_published_one() {
    let check = |key: &str, text: &str, expected: &str| {
        let cipher = desencode(&bytes(key), &bytes(text), DesPadding::Iso7816).unwrap();
        assert_eq!(cipher[..8], bytes(expected));
    };
    check("0101010101010101", "8000000000000000", "95f8a5e5dd31d900");
    check("0101010101010101", "4000000000000000", "dd7f121ca5015619");
    check("8001010101010101", "0000000000000000", "95a8d72813daa94d");
    check("7ca110454a1a6e57", "01a1d6d039776742", "690f5b0d9a26939b");
    check("0123456789abcdef", "4e6f772069732074", "3fa40e8a984d4815");
}

#[test]
fn desencode_pads_as_skynet_does() {
    let check = |text: &[u8], iso7816: &str, pkcs7: &str| {
        for (key, padding, expected) in
            [(COUNT, DesPadding::Iso7816, iso7816), (OTHER, DesPadding::Pkcs7, pkcs7)]
        {
            let cipher = desencode(&key, text, padding).unwrap();
            assert_eq!(cipher, bytes(expected));
            assert_eq!(desdecode(&key, &cipher, padding).unwrap(), text);
        }
    };
    check(b"", "384c312b2a807fe6", "5752def1ee77eb64");
    check(b"a", "ea05bb5249b3d910", "f12f0c2ec0c04c85");
    check(b"1234567", "46b12a6b6956a553", "53566e5e55b5c7e9");
    check(b"12345678", "b86d92ebeeec07f0 384c312b2a807fe6", "7085ddde1dd570c3 5752def1ee77eb64");
    check(b"123456789", "b86d92ebeeec07f0 912674c9dd142791", "7085ddde1dd570c3 f1f8bcf75189bccc");
    check(
        b"token:user@server:password",
        "94735428c8664ad6 36653e291d8114b2 dd025728ba0b9b9b 64396aedb4aa3f12",
        "608ccab02ae4236c 3a3bf754be0500b4 7df468cde9bdbb8a 63cdbfe2e9dbed60",
    );
    let long = format!("{} 907182f0d75ebf80", "3ecff9957e1ec2ae".repeat(37));
    assert_eq!(desencode(&COUNT, &[b'x'; 300], DesPadding::Iso7816).unwrap(), bytes(&long));
}

#[test]
fn des_refuses_what_skynet_refuses() {
    let (iso7816, pkcs7) = (DesPadding::Iso7816, DesPadding::Pkcs7);
    assert_eq!(desencode(b"1234567", b"x", iso7816), Err(DesError::Key { length: 7 }));
    assert_eq!(desdecode(b"123456789", &[0; 8], pkcs7), Err(DesError::Key { length: 9 }));
    assert_eq!(desdecode(&COUNT, b"", iso7816), Err(DesError::Blocks { length: 0 }));
    assert_eq!(desdecode(&COUNT, b"1234567", iso7816), Err(DesError::Blocks { length: 7 }));
    assert_eq!(desdecode(&COUNT, b"12345678", iso7816), Err(DesError::Padding { length: 8 }));
    let cipher = desencode(&COUNT, b"abc", iso7816).unwrap();
    assert_eq!(desdecode(&COUNT, &cipher, pkcs7), Err(DesError::Padding { length: 8 }));
    let text = |error: DesError| error.to_string();
    assert_eq!(text(DesError::Key { length: 7 }), "a DES key has 8 bytes, this one has 7");
    assert_eq!(
        text(DesError::Padding { length: 8 }),
        "the 8 decrypted bytes do not end in padding: wrong key, padding mode or text"
    );
}

/// The cipher of eight zeros under the key 0101010101010101 (SP 800-17), so a block without 0x80 in it.
#[test]
fn a_block_of_zeros_is_no_iso7816_padding() {
    let refused = Err(DesError::Padding { length: 8 });
    assert_eq!(desdecode(&[1; 8], &bytes("8ca64de9c1b123a7"), DesPadding::Iso7816), refused);
}

#[test]
fn padding_modes_have_skynet_s_names_and_numbers() {
    for (name, padding) in DesPadding::ALL {
        assert_eq!(DesPadding::from_mode(padding.mode()), Ok(padding), "{name}");
    }
    assert_eq!(DesPadding::ALL[0], ("iso7816_4", DesPadding::from_mode(0).unwrap()));
    assert_eq!(DesPadding::ALL[1], ("pkcs7", DesPadding::from_mode(1).unwrap()));
    assert_eq!(DesPadding::default(), DesPadding::Iso7816);
    for mode in [-1, 2] {
        assert_eq!(DesPadding::from_mode(mode), Err(DesError::Mode { mode }));
    }
}

#[test]
fn hex_is_that_of_skynet() {
    assert_eq!(hexencode(&[0x00, 0xff, 0x1a]), "00ff1a");
    assert_eq!(hexdecode(b"").unwrap(), b"");
    assert_eq!(hexdecode(b"00ff1a").unwrap(), [0x00, 0xff, 0x1a]);
    assert_eq!(hexdecode(b"0"), Err(HexError::Length { length: 1 }));
    assert_eq!(hexdecode(b"00FF"), Err(HexError::Digit { byte: b'F', at: 3 }));
    assert_eq!(hexdecode(b"zz"), Err(HexError::Digit { byte: b'z', at: 1 }));
    assert_eq!(hexdecode(b"1 "), Err(HexError::Digit { byte: b' ', at: 2 }));
}

/// There `gg` and `Wg` give 0x10, and `g0` gives 0x00.
#[test]
fn hex_digits_that_skynet_takes_by_mistake_are_refused() {
    for text in [b"gg", b"g0"] {
        assert_eq!(hexdecode(text), Err(HexError::Digit { byte: b'g', at: 1 }));
    }
    assert_eq!(hexdecode(b"Wg"), Err(HexError::Digit { byte: b'W', at: 1 }));
}

#[test]
fn base64_is_that_of_skynet() {
    assert_eq!(base64encode(b""), "");
    assert_eq!(base64encode(b"A"), "QQ==");
    let check = |text: &[u8], expected: &[u8]| assert_eq!(base64decode(text).unwrap(), expected);
    check(b"", b"");
    check(b"QQ==", b"A");
    check(b"QUJD", b"ABC");
    check(b"\nQQ==", b"A");
    check(b"Q Q = =", b"A");
    check(b"-_-_QUJD", b"ABC");
    check(b"QQ==QUI=", b"AAB");
}

#[test]
fn base64_that_skynet_refuses_is_refused() {
    let check = |text: &[u8], expected: Base64Error| assert_eq!(base64decode(text), Err(expected));
    let incomplete = |length| Base64Error::Incomplete { length };
    check(b"QQ", incomplete(2));
    check(b"\n", incomplete(1));
    check(b"QUJD ", incomplete(5));
    check(b"QQ==\n", incomplete(5));
    check(b"=QQQ", Base64Error::Symbol { byte: b'=', at: 1 });
    check(b"\n\nQQ=Q", Base64Error::Symbol { byte: b'=', at: 5 });
    check(b"Q R==", Base64Error::LeftOver { byte: b'R', at: 3 });
    check(b"QUJDQUJ=", Base64Error::LeftOver { byte: b'J', at: 7 });
    assert!(base64decode(b"Q===").is_err());
    assert!(base64decode(b"====").is_err());
}

#[test]
fn xor_str_is_that_of_skynet() {
    assert_eq!(xor_str(b"hello world", b"key").unwrap(), bytes("030015070a591c0a0b0701"));
    assert_eq!(xor_str(b"", b"k").unwrap(), b"");
    assert_eq!(xor_str(b"x", b""), Err(KeyError::EmptyXor));
}

/// RFC 3174 and RFC 2202; skynet's are the published ones.
#[test]
fn sha1_and_hmac_sha1_are_here_under_skynet_s_names() {
    assert_eq!(sha1(b"abc").to_vec(), bytes("a9993e364706816aba3e25717850c26c9cd0d89d"));
    let signed = hmac_sha1(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(signed.to_vec(), bytes("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
}
