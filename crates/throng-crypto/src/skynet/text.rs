//! Text forms and exclusive or, as skynet has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base64::{Base64Error, why};
use crate::hex::{self, HexError};
use crate::{KeyError, xor};

/// `bytes` as hex digits in lower case.
pub fn hexencode(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

/// The bytes that `text` gives in hex digits of lower case. Upper case is an error as in skynet; `g` and what stands
/// between `W` and `` ` `` in ASCII, which skynet takes for digits by mistake, are errors too.
///
/// # Errors
/// An odd length, and anything that is not a digit of lower case.
pub fn hexdecode(text: &[u8]) -> Result<Vec<u8>, HexError> {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    base16ct::lower::decode_vec(text).map_err(|_| hex::why(text, is_digit))
}

/// `bytes` in base64, standard alphabet, padded with `=`.
pub fn base64encode(bytes: &[u8]) -> String {
    crate::base64::encode(bytes)
}

/// The bytes that `text` gives in base64, standard alphabet, padded. As in skynet, what is not of the alphabet is
/// skipped before and between symbols, and an error behind the last group of four; padding may stand in any group.
///
/// # Errors
/// A group that is incomplete, padding in the wrong place, bits left over.
pub fn base64decode(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    // The open group: where its symbols stand.
    let (mut group, mut filled) = ([0; 4], 0);
    for index in (0..text.len()).filter(|index| is_symbol(text[*index])) {
        group[filled] = index;
        filled = (filled + 1) % 4;
        if filled == 0 {
            let decoded = STANDARD.decode_vec(group.map(|index| text[index]), &mut bytes);
            decoded.map_err(|error| why(error, text.len(), |index| group[index]))?;
        }
    }
    let ends_in_symbol = text.last().is_none_or(|byte| is_symbol(*byte));
    if filled == 0 && ends_in_symbol {
        Ok(bytes)
    } else {
        Err(Base64Error::Incomplete { length: text.len() })
    }
}

/// `text` combined by exclusive or with the key's bytes again and again.
///
/// # Errors
/// An empty key.
pub fn xor_str(text: &[u8], key: &[u8]) -> Result<Vec<u8>, KeyError> {
    xor(text, key)
}

fn is_symbol(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
