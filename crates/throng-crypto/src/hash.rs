//! Digests, HMAC over them, and CRC-32.

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

/// A digest chosen by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// MD5 (RFC 1321), 16 bytes.
    Md5,
    /// SHA-1 (FIPS 180-4), 20 bytes.
    Sha1,
    /// SHA-256 (FIPS 180-4), 32 bytes.
    Sha256,
    /// SHA-512 (FIPS 180-4), 64 bytes.
    Sha512,
}

impl Hash {
    /// Every digest there is.
    pub const ALL: [Hash; 4] = [Hash::Md5, Hash::Sha1, Hash::Sha256, Hash::Sha512];

    /// The digest of this name: `md5`, `sha1`, `sha256` or `sha512`.
    pub fn named(name: &str) -> Option<Hash> {
        Hash::ALL.into_iter().find(|hash| hash.name() == name)
    }

    /// The name that [`Hash::named`] knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Hash::Md5 => "md5",
            Hash::Sha1 => "sha1",
            Hash::Sha256 => "sha256",
            Hash::Sha512 => "sha512",
        }
    }

    /// The digest of `bytes`, raw.
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Hash::Md5 => md5(bytes).into(),
            Hash::Sha1 => sha1(bytes).into(),
            Hash::Sha256 => sha256(bytes).into(),
            Hash::Sha512 => sha512(bytes).into(),
        }
    }

    /// The HMAC of `bytes` under `key`, raw; a key has any length.
    pub fn hmac(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        match self {
            Hash::Md5 => hmac_md5(key, bytes).into(),
            Hash::Sha1 => hmac_sha1(key, bytes).into(),
            Hash::Sha256 => hmac_sha256(key, bytes).into(),
            Hash::Sha512 => hmac_sha512(key, bytes).into(),
        }
    }
}

/// The MD5 of `bytes` (RFC 1321).
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// The SHA-1 of `bytes` (RFC 3174).
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

/// The SHA-256 of `bytes` (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The SHA-512 of `bytes` (FIPS 180-4).
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    Sha512::digest(bytes).into()
}

/// HMAC with MD5 (RFC 2104) of `bytes`; `key` has any length.
pub fn hmac_md5(key: &[u8], bytes: &[u8]) -> [u8; 16] {
    hmac::<Hmac<Md5>>(key, bytes).into_bytes().into()
}

/// HMAC with SHA-1 (RFC 2104) of `bytes`; `key` has any length.
pub fn hmac_sha1(key: &[u8], bytes: &[u8]) -> [u8; 20] {
    hmac::<Hmac<Sha1>>(key, bytes).into_bytes().into()
}

/// HMAC with SHA-256 (RFC 4231) of `bytes`; `key` has any length.
pub fn hmac_sha256(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    hmac::<Hmac<Sha256>>(key, bytes).into_bytes().into()
}

/// HMAC with SHA-512 (RFC 4231) of `bytes`; `key` has any length.
pub fn hmac_sha512(key: &[u8], bytes: &[u8]) -> [u8; 64] {
    hmac::<Hmac<Sha512>>(key, bytes).into_bytes().into()
}

/// The CRC-32 of `bytes` as in zlib, PNG and Ethernet.
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

fn hmac<M: Mac + KeyInit>(key: &[u8], bytes: &[u8]) -> CtOutput<M> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(bytes);
    mac.finalize()
}
