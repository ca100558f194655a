//! Bytes as a sample of a report: hex, and what of it can be read.

use std::fmt::Write;

/// Bytes that are shown.
const SHOWN: usize = 64;

/// The first 64 of some bytes for people: in hex, then as text with dots for what cannot be seen, then how many there were in
/// all if there were more.
pub(crate) fn sample(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let mut text = String::with_capacity(4 * shown.len() + 32);
    for byte in shown {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x} ");
    }
    let seen = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
    text.push('|');
    text.extend(shown.iter().map(seen));
    text.push('|');
    if bytes.len() > SHOWN {
        let _ = write!(text, " of {} bytes", bytes.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_hex_and_text() {
        assert_eq!(sample(b"{\"a\":\x00\xff}\n"), "7b 22 61 22 3a 00 ff 7d 0a |{\"a\":..}.|");
        assert_eq!(sample(b""), "||");
    }

    #[test]
    fn no_more_than_64_bytes_are_shown() {
        assert_eq!(sample(&[b'a'; 64]), format!("{}|{}|", "61 ".repeat(64), "a".repeat(64)));
        let more = sample(&[b'a'; 1000]);
        assert_eq!(more, format!("{}|{}| of 1000 bytes", "61 ".repeat(64), "a".repeat(64)));
    }
}
