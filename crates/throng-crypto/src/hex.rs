//! Hexadecimal text.

/// Why a text is not hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// Two digits make a byte, and one is left over.
    #[error("hex text has two digits for each byte, this one has {length}")]
    Length {
        /// The text's length, in bytes.
        length: usize,
    },
    /// Something that is not a digit.
    #[error("'{}' at position {at} of the hex text is not a digit", byte.escape_ascii())]
    Digit {
        /// What stands there.
        byte: u8,
        /// Where, counted from 1.
        at: usize,
    },
}

/// `bytes` as hex digits in lower case.
pub fn encode(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// The bytes that `text` gives in hex digits of either case.
///
/// # Errors
/// An odd length, and anything that is not a digit.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, HexError> {
    base16ct::mixed::decode_vec(text).map_err(|_| why(text, |byte| byte.is_ascii_hexdigit()))
}

/// What is wrong with a `text` that was refused.
pub(crate) fn why(text: &[u8], is_digit: impl Fn(u8) -> bool) -> HexError {
    let wrong = text.iter().position(|byte| !is_digit(*byte));
    wrong.map_or(HexError::Length { length: text.len() }, |index| HexError::Digit {
        byte: text[index],
        at: index + 1,
    })
}
