//! Base64 (RFC 4648): the standard alphabet and the one for URLs and file names.

use ::base64::alphabet::{STANDARD, URL_SAFE};
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ::base64::{DecodeError, Engine as _};

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);
const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG.with_encode_padding(false));

/// Why a text is not base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Base64Error {
    /// Something that is not of the alphabet, or padding in the wrong place.
    #[error("'{}' at position {at} of the base64 text does not belong there", byte.escape_ascii())]
    Symbol {
        /// What stands there.
        byte: u8,
        /// Where, counted from 1.
        at: usize,
    },
    /// The last symbol has bits that belong to no byte, so that two texts would give the same bytes.
    #[error("'{}' at position {at} of the base64 text has bits left over", byte.escape_ascii())]
    LeftOver {
        /// What stands there.
        byte: u8,
        /// Where, counted from 1.
        at: usize,
    },
    /// The text stops in the middle of a group of four, or its padding is incomplete.
    #[error("the base64 text of {length} bytes is incomplete: four symbols make a group")]
    Incomplete {
        /// The text's length, in bytes.
        length: usize,
    },
}

/// `bytes` in the standard alphabet, padded with `=`.
pub fn encode(bytes: &[u8]) -> String {
    PLAIN.encode(bytes)
}

/// `bytes` in the alphabet for URLs (`-` and `_`), without padding.
pub fn encode_url(bytes: &[u8]) -> String {
    URL.encode(bytes)
}

/// The bytes that `text` gives in the standard alphabet, padded or not.
///
/// # Errors
/// Anything outside the alphabet, line breaks too; a text that is incomplete; bits left over.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    PLAIN.decode(text).map_err(|error| why(error, text.len(), |index| index))
}

/// The bytes that `text` gives in the alphabet for URLs, padded or not.
///
/// # Errors
/// As those of [`decode`].
pub fn decode_url(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    URL.decode(text).map_err(|error| why(error, text.len(), |index| index))
}

/// The library's error in our words; `place` turns its positions into the text's.
pub(crate) fn why(error: DecodeError, length: usize, place: impl Fn(usize) -> usize) -> Base64Error {
    match error {
        DecodeError::InvalidByte(index, byte) => Base64Error::Symbol { byte, at: place(index) + 1 },
        DecodeError::InvalidLastSymbol(index, byte) => Base64Error::LeftOver { byte, at: place(index) + 1 },
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => Base64Error::Incomplete { length },
    }
}
