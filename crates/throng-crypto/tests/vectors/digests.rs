//! Digests, HMAC and CRC-32.

use throng_crypto::{
    Hash, crc32, hex, hmac_md5, hmac_sha1, hmac_sha256, hmac_sha512, md5, sha1, sha256, sha512,
};

use crate::bytes;

const ALPHABETS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const TWO_BLOCKS: &[u8] = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

#[test]
fn md5_is_that_of_rfc_1321() {
    let check = |text: &[u8], expected: &str| assert_eq!(hex::encode(&md5(text)), expected);
    check(b"", "d41d8cd98f00b204e9800998ecf8427e");
    check(b"a", "0cc175b9c0f1b6a831c399e269772661");
    check(b"abc", "900150983cd24fb0d6963f7d28e17f72");
    check(b"message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    check(b"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
    check(ALPHABETS, "d174ab98d277d9f5a5611c2c9f419d9f");
    check(&b"1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a");
}

#[test]
fn sha1_is_that_of_rfc_3174() {
    let check = |text: &[u8], expected: &str| assert_eq!(hex::encode(&sha1(text)), expected);
    check(b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    check(TWO_BLOCKS, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    check(&b"a".repeat(1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    check(&b"01234567".repeat(80), "dea356a2cddd90c7a7ecedc5ebb563934f460452");
}

#[test]
fn sha256_is_that_of_fips_180() {
    let check = |text: &[u8], expected: &str| assert_eq!(hex::encode(&sha256(text)), expected);
    check(b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check(b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check(TWO_BLOCKS, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check(&b"a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

#[test]
fn sha512_is_that_of_fips_180() {
    let check = |text: &[u8], expected: &str| assert_eq!(hex::encode(&sha512(text)), bytes_as_hex(expected));
    check(
        b"abc",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    );
    check(
        &b"a".repeat(1_000_000),
        "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb
         de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
    );
}

fn bytes_as_hex(text: &str) -> String {
    hex::encode(&bytes(text))
}

#[test]
fn hmac_with_md5_and_sha1_is_that_of_rfc_2202() {
    let check = |key: &[u8], text: &[u8], with_md5: &str, with_sha1: &str| {
        assert_eq!(hex::encode(&hmac_md5(key, text)), with_md5);
        assert_eq!(hex::encode(&hmac_sha1(key, text)), with_sha1);
    };
    check(
        b"Jefe",
        b"what do ya want for nothing?",
        "750c783e6ab0b503eaa86e310a5db738",
        "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    );
    check(
        &bytes("0102030405060708090a0b0c0d0e0f10111213141516171819"),
        &[0xcd; 50],
        "697eaf0aca3a3aea3a75164746ffaa79",
        "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
    );
    check(
        &[0xaa; 80],
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
        "aa4ae5e15272d00e95705637ce8a3b55ed402112",
    );
    check(
        &[0xaa; 80],
        b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
        "6f630fad67cda0ee1fb1f562db3aa53e",
        "e8e99d0f45237d786d6bbaa7965c7808bbff1a91",
    );
    assert_eq!(hex::encode(&hmac_md5(&[0x0b; 16], b"Hi There")), "9294727a3638bb1c13f48ef8158bfc9d");
    assert_eq!(hex::encode(&hmac_sha1(&[0x0b; 20], b"Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00");
}

#[test]
fn hmac_with_sha256_and_sha512_is_that_of_rfc_4231() {
    let check = |key: &[u8], text: &[u8], with_sha256: &str, with_sha512: &str| {
        assert_eq!(hmac_sha256(key, text).to_vec(), bytes(with_sha256));
        assert_eq!(hmac_sha512(key, text).to_vec(), bytes(with_sha512));
    };
    check(
        &[0x0b; 20],
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
         daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
    );
    check(
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
         9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    );
    check(
        &[0xaa; 131],
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352
         6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
    );
}

#[test]
fn a_digest_is_known_by_its_name_only() {
    for hash in Hash::ALL {
        assert_eq!(Hash::named(hash.name()), Some(hash));
    }
    assert_eq!(Hash::named("SHA256"), None);
    assert_eq!(Hash::named("sha256").unwrap().digest(b"abc"), sha256(b"abc"));
    assert_eq!(Hash::named("md5").unwrap().digest(b"abc"), md5(b"abc"));
    assert_eq!(Hash::named("sha512").unwrap().hmac(b"k", b"abc"), hmac_sha512(b"k", b"abc"));
    assert_eq!(Hash::named("sha1").unwrap().hmac(b"k", b"abc"), hmac_sha1(b"k", b"abc"));
}

/// The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms, and two of zlib's.
#[test]
fn crc32_is_that_of_zlib() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    assert_eq!(crc32(b""), 0);
    assert_eq!(crc32(b"The quick brown fox jumps over the lazy dog"), 0x414f_a339);
}
