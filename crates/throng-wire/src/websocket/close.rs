//! The content of a close frame.

use super::WebSocketError;

/// The code and the reason in a close frame's content; no code where the frame is empty.
pub(super) fn read(content: &[u8]) -> Result<(Option<u16>, &str), WebSocketError> {
    let Some((code, reason)) = content.split_first_chunk() else {
        return if content.is_empty() { Ok((None, "")) } else { Err(WebSocketError::HalfCloseCode) };
    };
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        return Err(WebSocketError::BadCloseCode(code));
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok((Some(code), reason)),
        Err(_) => Err(WebSocketError::ReasonNotUtf8),
    }
}

/// The codes that may stand in a frame: RFC 6455, 7.4, and those registered since (1012 to 1014).
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
