//! AES: FIPS 197, NIST SP 800-38A, and the test cases of the GCM specification (McGrew and Viega).

use throng_crypto::KeyError;
use throng_crypto::aes::{
    AesError, Padding, cbc_decrypt, cbc_encrypt, ctr, ecb_decrypt, ecb_encrypt, gcm_decrypt, gcm_encrypt,
};

use crate::bytes;

/// The keys of SP 800-38A, appendix F.
pub(crate) const KEYS: [&str; 3] = [
    "2b7e151628aed2a6abf7158809cf4f3c",
    "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
];

/// The text of SP 800-38A, appendix F.
pub(crate) const TEXT: &str = "
    6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
    30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";

/// The first counter block of SP 800-38A, F.5.
pub(crate) const COUNTER: &str = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

/// SP 800-38A, F.5.1, F.5.3 and F.5.5.
pub(crate) const CTR: [&str; 3] = [
    "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff
     5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee",
    "1abc932417521ca24f2b0459fe7e6e0b 090339ec0aa6faefd5ccc2c6f4ce8e94
     1e36b26bd1ebc670d1bd1d665620abf7 4f78a7f6d29809585a97daec58c6b050",
    "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
     2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6",
];

const IV: &str = "000102030405060708090a0b0c0d0e0f";

#[test]
fn one_block_is_that_of_fips_197() {
    let text = bytes("00112233445566778899aabbccddeeff");
    let key: Vec<u8> = (0..32).collect();
    let check = |size: usize, expected: &str| {
        let cipher = ecb_encrypt(&key[..size], &text, Padding::None).unwrap();
        assert_eq!(cipher, bytes(expected));
        assert_eq!(ecb_decrypt(&key[..size], &cipher, Padding::None).unwrap(), text);
    };
    check(16, "69c4e0d86a7b0430d8cdb78070b4c55a");
    check(24, "dda97ca4864cdfe06eaf70a0ec0d7191");
    check(32, "8ea2b7ca516745bfeafc49904b496089");
}

#[test]
fn ecb_is_that_of_sp_800_38a() {
    let expected = [
        "3ad77bb40d7a3660a89ecaf32466ef97 f5d3d58503b9699de785895a96fdbaaf
         43b1cd7f598ece23881b00e3ed030688 7b0c785e27e8ad3f8223207104725dd4",
        "bd334f1d6e45f25ff712a214571fa5cc 974104846d0ad3ad7734ecb3ecee4eef
         ef7afd2270e2e60adce0ba2face6444e 9a4b41ba738d6c72fb16691603c18e0e",
        "f3eed1bdb5d2a03c064b5a7e3db181f8 591ccb10d410ed26dc5ba74a31362870
         b6ed21b99ca6f4f9f153e7b1beafed1d 23304b7a39f9f3ff067d8d8f9e24ecc7",
    ];
    for (key, expected) in KEYS.into_iter().zip(expected) {
        let cipher = ecb_encrypt(&bytes(key), &bytes(TEXT), Padding::None).unwrap();
        assert_eq!(cipher, bytes(expected));
        assert_eq!(ecb_decrypt(&bytes(key), &cipher, Padding::None).unwrap(), bytes(TEXT));
    }
}

#[test]
fn cbc_is_that_of_sp_800_38a() {
    let expected = [
        "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2
         73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7",
        "4f021db243bc633d7178183a9fa071e8 b4d9ada9ad7dedf4e5e738763f69145a
         571b242012fb7ae07fa9baac3df102e0 08b0e27988598881d920a9e64f5615cd",
        "f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d
         39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b",
    ];
    for (key, expected) in KEYS.into_iter().zip(expected) {
        let cipher = cbc_encrypt(&bytes(key), &bytes(IV), &bytes(TEXT), Padding::None).unwrap();
        assert_eq!(cipher, bytes(expected));
        assert_eq!(cbc_decrypt(&bytes(key), &bytes(IV), &cipher, Padding::None).unwrap(), bytes(TEXT));
    }
}

/// Values of OpenSSL 3.0.
#[test]
fn pkcs7_padding_is_that_of_openssl() {
    let check = |key: usize, text: &[u8], expected: &str| {
        let cipher = cbc_encrypt(&bytes(KEYS[key]), &bytes(IV), text, Padding::Pkcs7).unwrap();
        assert_eq!(cipher, bytes(expected));
        assert_eq!(cbc_decrypt(&bytes(KEYS[key]), &bytes(IV), &cipher, Padding::Pkcs7).unwrap(), text);
    };
    check(0, b"hello", "d8666ea8aad65cc08354b4bc43d4ff56");
    check(1, b"hello", "dcc0916a6271144d352a349691358e6a");
    check(2, b"hello", "11567e234fd4575f682ce39def007307");
    let block = &bytes(TEXT)[..16];
    check(0, block, "7649abac8119b246cee98e9b12e9197d 8964e0b149c10b7b682e6e39aaeb731c");
    check(2, block, "f58c4c04d6e5f1ba779eabfb5f7bfbd6 485a5c81519cf378fa36d42b8547edc0");
    let empty = ecb_encrypt(&bytes(KEYS[1]), b"", Padding::Pkcs7).unwrap();
    assert_eq!(empty, bytes("daa0af074bd8083c8a32d4fc563c55cc"));
    assert_eq!(ecb_decrypt(&bytes(KEYS[1]), &empty, Padding::Pkcs7).unwrap(), b"");
}

#[test]
fn ctr_is_that_of_sp_800_38a() {
    for (key, expected) in KEYS.into_iter().zip(CTR) {
        let cipher = ctr(&bytes(key), &bytes(COUNTER), &bytes(TEXT)).unwrap();
        assert_eq!(cipher, bytes(expected));
        assert_eq!(ctr(&bytes(key), &bytes(COUNTER), &cipher).unwrap(), bytes(TEXT));
    }
}

/// Values of OpenSSL 3.0.
#[test]
fn the_counter_of_ctr_wraps_over_all_its_bytes() {
    let expected = [
        "8af2860142f786f409307c1a3f7eaaac 7df76b0c1ab899b33e42f047b91b546f 57127d4034b1bebfaef466b9c7726fc6",
        "370231491ef633f135ff606a72bdd8b2 22452d8e49a8a5939f7321ceea6d514b feb3c2eea1ccddfa4fd29b0d3ef4173d",
        "3b3c2921c85a24de9ac606ce6d1d60cc e568f68194cf76d6174d4cc04310a854 91151e5d0b7a1f1bc0d7acd0ae3e51e4",
    ];
    for (key, expected) in KEYS.into_iter().zip(expected) {
        assert_eq!(ctr(&bytes(key), &[0xff; 16], &[0; 48]).unwrap(), bytes(expected));
    }
}

#[track_caller]
fn gcm(key: &[u8], nonce: &str, additional: &str, text: &str, expected: &str) {
    let (nonce, additional, text) = (bytes(nonce), bytes(additional), bytes(text));
    let cipher = gcm_encrypt(key, &nonce, &additional, &text).unwrap();
    assert_eq!(cipher, bytes(expected));
    assert_eq!(gcm_decrypt(key, &nonce, &additional, &cipher).unwrap(), text);
}

/// Test cases 1, 2, 7, 8, 13 and 14.
#[test]
fn gcm_of_nothing_and_of_zeros_is_that_of_its_specification() {
    let (nonce, block) = ("00".repeat(12), "00".repeat(16));
    gcm(&[0; 16], &nonce, "", "", "58e2fccefa7e3061367f1d57a4e7455a");
    gcm(&[0; 16], &nonce, "", &block, "0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf");
    gcm(&[0; 24], &nonce, "", "", "cd33b28ac773f74ba00ed1f312572435");
    gcm(&[0; 24], &nonce, "", &block, "98e7247c07f0fe411c267e4384b0f600 2ff58d80033927ab8ef4d4587514f0fb");
    gcm(&[0; 32], &nonce, "", "", "530f8afbc74536b9a963b4f1c4cb738b");
    gcm(&[0; 32], &nonce, "", &block, "cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919");
}

const GCM_KEY: &str = "feffe9928665731c6d6a8f9467308308 feffe9928665731c6d6a8f9467308308";
const GCM_NONCE: &str = "cafebabefacedbaddecaf888";
const GCM_ADDITIONAL: &str = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
const GCM_TEXT: &str = "
    d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72
    1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b39";

/// Test cases 4, 10 and 16.
#[test]
fn gcm_with_additional_bytes_is_that_of_its_specification() {
    let key = bytes(GCM_KEY);
    let check =
        |size: usize, expected: &str| gcm(&key[..size], GCM_NONCE, GCM_ADDITIONAL, GCM_TEXT, expected);
    check(
        16,
        "42831ec2217774244b7221b784d0d49c e3aa212f2c02a4e035c17e2329aca12e 21d514b25466931c7d8f6a5aac84aa05
         1ba30b396a0aac973d58e091 5bc94fbc3221a5db94fae95ae7121a47",
    );
    check(
        24,
        "3980ca0b3c00e841eb06fac4872a2757 859e1ceaa6efd984628593b40ca1e19c 7d773d00c144c525ac619d18c84a3f47
         18e2448b2fe324d9ccda2710 2519498e80f1478f37ba55bd6d27618c",
    );
    check(
        32,
        "522dc1f099567d07f47f37a32a84427d 643a8cdcbfe5c0c97598a2bd2555d1aa 8cb08e48590dbb3da7b08b1056828838
         c5f61e6393ba7a0abcc9f662 76fc6ece0f4e1768cddf8853bb2d551b",
    );
}

/// Values of OpenSSL 3.0.
#[test]
fn gcm_takes_a_nonce_of_a_whole_block() {
    let key = bytes(GCM_KEY);
    let check = |size: usize, expected: &str| gcm(&key[..size], COUNTER, GCM_ADDITIONAL, GCM_TEXT, expected);
    check(
        16,
        "a059ef94ce9902dae8ced8d34c4d23f9 d487dfec5be673789b693942fcefcf55 4690ef84d1346de8f7fb39ffc9551ba7
         95339182a0081d8ea7ce3872 09d6fc24048e5865bbf5f8e5cf5ae7ea",
    );
    check(
        32,
        "5323eaf58e0d4bc2b2bf4b72576082c5 6bf763e6000dfd7d421af859581145b9 2c1aa8f465b4dcf9395365df7ce782ec
         ad595844d91d9a2415b22c08 53b5925be48f817dab49ea88367096df",
    );
}

#[test]
fn gcm_refuses_what_was_changed() {
    let (key, nonce) = ([7; 16], [1; 12]);
    let cipher = gcm_encrypt(&key, &nonce, b"head", b"text").unwrap();
    let refused = Err(AesError::Tag { length: 20 });
    for index in 0..cipher.len() {
        let mut changed = cipher.clone();
        changed[index] ^= 1;
        assert_eq!(gcm_decrypt(&key, &nonce, b"head", &changed), refused);
    }
    assert_eq!(gcm_decrypt(&key, &nonce, b"tail", &cipher), refused);
    assert_eq!(gcm_decrypt(&key, &[2; 12], b"head", &cipher), refused);
    assert_eq!(gcm_decrypt(&[8; 16], &nonce, b"head", &cipher), refused);
    assert_eq!(gcm_decrypt(&key, &nonce, b"head", &cipher[..15]), Err(AesError::NoTag { length: 15 }));
}

#[test]
fn wrong_lengths_are_named() {
    let check = |result: Result<Vec<u8>, AesError>, expected: &str| {
        assert_eq!(result.unwrap_err().to_string(), expected);
    };
    let (key, iv) = ([0; 16], [0; 16]);
    let pkcs7 = Padding::Pkcs7;
    check(cbc_encrypt(&[0; 15], &iv, b"", pkcs7), "an AES key has 16, 24 or 32 bytes, this one has 15");
    check(ecb_encrypt(&[], b"", pkcs7), "an AES key has 16, 24 or 32 bytes, this one has 0");
    check(
        cbc_decrypt(&key, &[0; 12], b"", pkcs7),
        "an AES initialization vector has 16 bytes, this one has 12",
    );
    check(gcm_encrypt(&key, &[0; 8], b"", b""), "an AES-GCM nonce has 12 or 16 bytes, this one has 8");
    check(
        gcm_decrypt(&[0; 17], &[0; 12], b"", &[0; 16]),
        "an AES key has 16, 24 or 32 bytes, this one has 17",
    );
    check(
        cbc_encrypt(&key, &iv, b"hello", Padding::None),
        "without padding AES takes whole blocks of 16 bytes, this text has 5 bytes",
    );
    for padding in [pkcs7, Padding::None] {
        check(
            ecb_decrypt(&key, &[0; 17], padding),
            "an AES ciphertext has whole blocks of 16 bytes, this one has 17 bytes",
        );
    }
    assert_eq!(ctr(&key, &[0; 15], b""), Err(KeyError::Iv { length: 15 }));
    assert_eq!(ctr(&[0; 33], &iv, b""), Err(KeyError::Aes { length: 33 }));
}

#[test]
fn nothing_is_a_text_without_padding_only() {
    let key = [0; 16];
    assert_eq!(ecb_encrypt(&key, b"", Padding::None).unwrap(), b"");
    assert_eq!(ecb_decrypt(&key, b"", Padding::None).unwrap(), b"");
    assert_eq!(ecb_decrypt(&key, b"", Padding::Pkcs7), Err(AesError::Blocks { length: 0 }));
}

#[test]
fn wrong_padding_is_refused() {
    let key = [3; 16];
    let refused = |last: [u8; 16]| {
        let cipher = ecb_encrypt(&key, &last, Padding::None).unwrap();
        assert_eq!(ecb_decrypt(&key, &cipher, Padding::Pkcs7), Err(AesError::Padding { length: 16 }));
    };
    refused([0; 16]);
    refused([17; 16]);
    let mut broken = [4; 16];
    broken[13] = 5;
    refused(broken);
}
