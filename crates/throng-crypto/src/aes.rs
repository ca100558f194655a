//! AES with keys of 128, 192 and 256 bits, told apart by the key's length: CBC, CTR, ECB (NIST SP 800-38A) and GCM
//! (SP 800-38D).

use ::aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{Aead, Nonce, Payload};
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};

use crate::{CipherStream, KeyError};

/// A block, in bytes.
const BLOCK: usize = 16;

/// The tag that GCM puts behind a text, in bytes.
const TAG: usize = 16;

/// How a text is made to fill whole blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Padding {
    /// One to 16 bytes that say how many they are (RFC 5652, 6.3).
    #[default]
    Pkcs7,
    /// Not at all: the text must fill them by itself.
    None,
}

/// Why a text could not be encrypted or decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AesError {
    /// A key or an initialization vector of the wrong length.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A GCM nonce of a length that is not supported.
    #[error("an AES-GCM nonce has 12 or 16 bytes, this one has {length}")]
    Nonce {
        /// The nonce's length, in bytes.
        length: usize,
    },
    /// A text to encrypt without padding, or to decrypt, that does not fill whole blocks.
    #[error("without padding AES takes whole blocks of 16 bytes, this text has {length} bytes")]
    Unpadded {
        /// The text's length, in bytes.
        length: usize,
    },
    /// A text to decrypt that no encryption makes.
    #[error("an AES ciphertext has whole blocks of 16 bytes, this one has {length} bytes")]
    Blocks {
        /// The text's length, in bytes.
        length: usize,
    },
    /// What was decrypted does not end in PKCS #7 padding.
    #[error(
        "the {length} decrypted bytes do not end in padding: wrong key, initialization vector, mode or text"
    )]
    Padding {
        /// The ciphertext's length, in bytes.
        length: usize,
    },
    /// A GCM ciphertext that is too short to end in a tag.
    #[error("an AES-GCM ciphertext ends in a tag of 16 bytes, this one has {length} bytes")]
    NoTag {
        /// The ciphertext's length, in bytes.
        length: usize,
    },
    /// The tag of a GCM ciphertext does not belong to it.
    #[error("the tag of the {length} bytes does not match: wrong key, nonce, additional bytes or text")]
    Tag {
        /// The ciphertext's length with its tag, in bytes.
        length: usize,
    },
    /// More than GCM may encrypt at once, which is 64 GiB.
    #[error("AES-GCM cannot encrypt {length} bytes at once")]
    TooLong {
        /// The text's length, in bytes.
        length: usize,
    },
}

/// Evaluates an expression with the AES that `key` is for under a name.
macro_rules! with_aes {
    ($key:expr, $aes:ident => $then:expr) => {
        match $key.len() {
            16 => {
                type $aes = Aes128;
                $then
            }
            24 => {
                type $aes = Aes192;
                $then
            }
            32 => {
                type $aes = Aes256;
                $then
            }
            length => Err(KeyError::Aes { length }.into()),
        }
    };
}

/// `text` encrypted in CBC mode; `iv` has 16 bytes.
///
/// # Errors
/// A key or `iv` of the wrong length; without padding, a text that does not fill whole blocks.
pub fn cbc_encrypt(key: &[u8], iv: &[u8], text: &[u8], padding: Padding) -> Result<Vec<u8>, AesError> {
    with_aes!(key, Aes => encrypt(with_iv::<cbc::Encryptor<Aes>>(key, iv)?, text, padding))
}

/// `text` decrypted in CBC mode; `iv` has 16 bytes.
///
/// # Errors
/// A key or `iv` of the wrong length; a text that does not fill whole blocks, or does not end in padding.
pub fn cbc_decrypt(key: &[u8], iv: &[u8], text: &[u8], padding: Padding) -> Result<Vec<u8>, AesError> {
    with_aes!(key, Aes => decrypt(with_iv::<cbc::Decryptor<Aes>>(key, iv)?, text, padding))
}

/// `text` encrypted block by block, which shows where blocks are equal.
///
/// # Errors
/// A key of the wrong length; without padding, a text that does not fill whole blocks.
pub fn ecb_encrypt(key: &[u8], text: &[u8], padding: Padding) -> Result<Vec<u8>, AesError> {
    with_aes!(key, Aes => encrypt(with_key::<ecb::Encryptor<Aes>>(key)?, text, padding))
}

/// `text` decrypted block by block.
///
/// # Errors
/// A key of the wrong length; a text that does not fill whole blocks, or does not end in padding.
pub fn ecb_decrypt(key: &[u8], text: &[u8], padding: Padding) -> Result<Vec<u8>, AesError> {
    with_aes!(key, Aes => decrypt(with_key::<ecb::Decryptor<Aes>>(key)?, text, padding))
}

/// `text` encrypted or decrypted, which is the same, in CTR mode; `iv` is the first counter block, 16 bytes that count
/// up as one big-endian number. [`CipherStream::aes_ctr`] does it in pieces.
///
/// # Errors
/// A key or `iv` of the wrong length.
pub fn ctr(key: &[u8], iv: &[u8], text: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut bytes = text.to_vec();
    CipherStream::aes_ctr(key, iv)?.apply(&mut bytes);
    Ok(bytes)
}

/// `text` encrypted in GCM mode with the tag of 16 bytes behind it; the tag vouches for `additional` too.
///
/// # Errors
/// A key that is not of 16, 24 or 32 bytes, a nonce that is not of 12 or 16, a text above 64 GiB.
pub fn gcm_encrypt(key: &[u8], nonce: &[u8], additional: &[u8], text: &[u8]) -> Result<Vec<u8>, AesError> {
    let payload = Payload { msg: text, aad: additional };
    with_aes!(key, Aes => match nonce.len() {
        12 => seal::<AesGcm<Aes, U12>>(key, nonce, payload),
        16 => seal::<AesGcm<Aes, U16>>(key, nonce, payload),
        length => Err(AesError::Nonce { length }),
    })
}

/// `text`, which ends in its tag of 16 bytes, decrypted in GCM mode.
///
/// # Errors
/// A key that is not of 16, 24 or 32 bytes, a nonce that is not of 12 or 16, a text too short for a tag, and a tag that
/// does not belong to the text and `additional`.
pub fn gcm_decrypt(key: &[u8], nonce: &[u8], additional: &[u8], text: &[u8]) -> Result<Vec<u8>, AesError> {
    if text.len() < TAG {
        return Err(AesError::NoTag { length: text.len() });
    }
    let payload = Payload { msg: text, aad: additional };
    with_aes!(key, Aes => match nonce.len() {
        12 => open::<AesGcm<Aes, U12>>(key, nonce, payload),
        16 => open::<AesGcm<Aes, U16>>(key, nonce, payload),
        length => Err(AesError::Nonce { length }),
    })
}

/// A mode under `key`, whose length was looked at.
fn with_key<M: KeyInit>(key: &[u8]) -> Result<M, KeyError> {
    M::new_from_slice(key).map_err(|_| KeyError::Aes { length: key.len() })
}

/// A mode under `key`, whose length was looked at, and `iv`.
pub(crate) fn with_iv<M: KeyIvInit>(key: &[u8], iv: &[u8]) -> Result<M, KeyError> {
    M::new_from_slices(key, iv).map_err(|_| KeyError::Iv { length: iv.len() })
}

fn encrypt(mode: impl BlockModeEncrypt, text: &[u8], padding: Padding) -> Result<Vec<u8>, AesError> {
    match padding {
        Padding::Pkcs7 => Ok(mode.encrypt_padded_vec::<Pkcs7>(text)),
        Padding::None if text.len().is_multiple_of(BLOCK) => Ok(mode.encrypt_padded_vec::<NoPadding>(text)),
        Padding::None => Err(AesError::Unpadded { length: text.len() }),
    }
}

fn decrypt(mode: impl BlockModeDecrypt, text: &[u8], padding: Padding) -> Result<Vec<u8>, AesError> {
    let length = text.len();
    if !length.is_multiple_of(BLOCK) || (length == 0 && padding == Padding::Pkcs7) {
        return Err(AesError::Blocks { length });
    }
    match padding {
        Padding::Pkcs7 => mode.decrypt_padded_vec::<Pkcs7>(text),
        Padding::None => mode.decrypt_padded_vec::<NoPadding>(text),
    }
    .map_err(|_| AesError::Padding { length })
}

fn seal<A: Aead + KeyInit>(key: &[u8], nonce: &[u8], payload: Payload<'_, '_>) -> Result<Vec<u8>, AesError> {
    let length = payload.msg.len();
    with_key::<A>(key)?.encrypt(&nonce_of::<A>(nonce)?, payload).map_err(|_| AesError::TooLong { length })
}

fn open<A: Aead + KeyInit>(key: &[u8], nonce: &[u8], payload: Payload<'_, '_>) -> Result<Vec<u8>, AesError> {
    let length = payload.msg.len();
    with_key::<A>(key)?.decrypt(&nonce_of::<A>(nonce)?, payload).map_err(|_| AesError::Tag { length })
}

fn nonce_of<A: Aead>(nonce: &[u8]) -> Result<Nonce<A>, AesError> {
    Nonce::<A>::try_from(nonce).map_err(|_| AesError::Nonce { length: nonce.len() })
}
