//! DES in ECB mode, as skynet encrypts login tokens.

use des::Des;
use ecb::cipher::block_padding::{Iso7816, Pkcs7};
use ecb::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyInit};
use ecb::{Decryptor, Encryptor};

/// A block, in bytes.
const BLOCK: usize = 8;

/// How a text is made to fill whole blocks; skynet's `crypt.padding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DesPadding {
    /// A byte 0x80, then zeros (ISO 7816-4): skynet's default, `crypt.padding.iso7816_4`.
    #[default]
    Iso7816,
    /// One to 8 bytes that say how many they are: `crypt.padding.pkcs7`.
    Pkcs7,
}

/// Why a text could not be encrypted or decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DesError {
    /// A key of the wrong length.
    #[error("a DES key has 8 bytes, this one has {length}")]
    Key {
        /// The key's length, in bytes.
        length: usize,
    },
    /// A text to decrypt that no encryption makes.
    #[error("a DES ciphertext has whole blocks of 8 bytes and at least one, this one has {length} bytes")]
    Blocks {
        /// The text's length, in bytes.
        length: usize,
    },
    /// What was decrypted does not end in padding of this kind.
    #[error("the {length} decrypted bytes do not end in padding: wrong key, padding mode or text")]
    Padding {
        /// The ciphertext's length, in bytes.
        length: usize,
    },
    /// A number that stands for no padding.
    #[error("there is no padding mode {mode}: 0 is iso7816_4, 1 is pkcs7")]
    Mode {
        /// The number.
        mode: i64,
    },
}

impl DesPadding {
    /// Every padding with its name in `crypt.padding`.
    pub const ALL: [(&'static str, DesPadding); 2] =
        [("iso7816_4", DesPadding::Iso7816), ("pkcs7", DesPadding::Pkcs7)];

    /// The padding that skynet's number stands for.
    ///
    /// # Errors
    /// A number other than 0 and 1.
    pub fn from_mode(mode: i64) -> Result<DesPadding, DesError> {
        match mode {
            0 => Ok(DesPadding::Iso7816),
            1 => Ok(DesPadding::Pkcs7),
            _ => Err(DesError::Mode { mode }),
        }
    }

    /// skynet's number for it.
    pub fn mode(self) -> i64 {
        match self {
            DesPadding::Iso7816 => 0,
            DesPadding::Pkcs7 => 1,
        }
    }
}

/// `text` padded and encrypted with DES in ECB mode; a key has 8 bytes, of which the lowest bits do not matter.
///
/// # Errors
/// A key of another length.
pub fn desencode(key: &[u8], text: &[u8], padding: DesPadding) -> Result<Vec<u8>, DesError> {
    let mode = under::<Encryptor<Des>>(key)?;
    Ok(match padding {
        DesPadding::Iso7816 => mode.encrypt_padded_vec::<Iso7816>(text),
        DesPadding::Pkcs7 => mode.encrypt_padded_vec::<Pkcs7>(text),
    })
}

/// `text` decrypted with DES in ECB mode, and its padding taken off.
///
/// # Errors
/// A key that is not of 8 bytes, a text that is empty or does not fill whole blocks, and what does not end in padding.
pub fn desdecode(key: &[u8], text: &[u8], padding: DesPadding) -> Result<Vec<u8>, DesError> {
    let mode = under::<Decryptor<Des>>(key)?;
    let length = text.len();
    if length == 0 || !length.is_multiple_of(BLOCK) {
        return Err(DesError::Blocks { length });
    }
    match padding {
        DesPadding::Iso7816 => mode.decrypt_padded_vec::<Iso7816>(text),
        DesPadding::Pkcs7 => mode.decrypt_padded_vec::<Pkcs7>(text),
    }
    .map_err(|_| DesError::Padding { length })
}

fn under<M: KeyInit>(key: &[u8]) -> Result<M, DesError> {
    M::new_from_slice(key).map_err(|_| DesError::Key { length: key.len() })
}
