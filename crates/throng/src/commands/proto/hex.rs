//! Bytes as hex: read in the forms that people have it in, written in one.

use std::fmt::Write;

/// The most bytes that the `*` of a dump may stand for.
const MAX_REPEATED: usize = 64 << 20;

/// Text that is no hex.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HexError {
    #[error("line {line}: `{word}` is no hex")]
    NotHex { line: usize, word: String },
    #[error("line {line}: `{word}` has an odd number of digits")]
    Odd { line: usize, word: String },
    #[error("line {line}: `*` stands for no bytes, or for too many")]
    Repetition { line: usize },
}

/// Bytes as hex without spaces.
pub(super) fn written(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes as hex with a space between two.
pub(super) fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Reads hex: digits with or without spaces, commas and `0x`, `\xHH`, and what `hexdump -C` and `xxd` print.
pub(super) fn parse(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::new();
    let canonical = text.contains('|');
    let mut repeated = None;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if canonical && line.trim() == "*" {
            repeated = Some(number);
            continue;
        }
        let (offset, shown) = split(line, canonical);
        if let Some(line) = repeated.take() {
            repeat(&mut bytes, offset, line)?;
        }
        words(shown, number, &mut bytes)?;
    }
    match repeated {
        Some(line) => Err(HexError::Repetition { line }),
        None => Ok(bytes),
    }
}

/// A line's offset, where it has one, and its bytes.
fn split(line: &str, canonical: bool) -> (Option<&str>, &str) {
    if canonical {
        let line = line.split('|').next().unwrap_or_default().trim();
        let (offset, bytes) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        return (Some(offset), bytes);
    }
    match line.split_once(": ") {
        Some((offset, rest)) if usize::from_str_radix(offset.trim(), 16).is_ok() => {
            (Some(offset), rest.split("  ").next().unwrap_or_default())
        }
        _ => (None, line),
    }
}

/// Repeats the last row up to the offset of the next.
fn repeat(bytes: &mut Vec<u8>, offset: Option<&str>, line: usize) -> Result<(), HexError> {
    let end = offset.and_then(|offset| usize::from_str_radix(offset, 16).ok());
    let row = bytes.len().min(16);
    match end {
        Some(end) if row > 0 && end >= bytes.len() && end <= MAX_REPEATED => {
            while bytes.len() < end {
                bytes.push(bytes[bytes.len() - row]);
            }
            Ok(())
        }
        _ => Err(HexError::Repetition { line }),
    }
}

fn words(text: &str, line: usize, bytes: &mut Vec<u8>) -> Result<(), HexError> {
    let is_space = |char: char| char.is_whitespace() || char == ',';
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        let shown = || word.chars().take(24).collect::<String>();
        if let Some(escapes) = word.strip_prefix("\\x") {
            for digits in escapes.split("\\x") {
                let byte = if digits.len() == 2 { pair(digits.as_bytes()) } else { None };
                bytes.push(byte.ok_or_else(|| HexError::NotHex { line, word: shown() })?);
            }
            continue;
        }
        let prefixed = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let digits = prefixed.unwrap_or(word);
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(HexError::NotHex { line, word: shown() });
        }
        match (digits.len(), prefixed) {
            (1, Some(_)) => bytes.extend(pair(&[b'0', digits.as_bytes()[0]])),
            (length, _) if length % 2 == 1 => return Err(HexError::Odd { line, word: shown() }),
            _ => bytes.extend(digits.as_bytes().chunks_exact(2).filter_map(pair)),
        }
    }
    Ok(())
}

fn pair(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &[u8]) {
        assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn every_form_that_people_have_is_read() {
        check("0200ff", &[2, 0, 255]);
        check("02 00\n FF\t", &[2, 0, 255]);
        check("0x02, 0x0, 0Xff", &[2, 0, 255]);
        check("\\x02\\x00 \\xff", &[2, 0, 255]);
        check(
            "00000000  02 00 ff 61                                       |...a|\n00000004\n",
            &[2, 0, 255, 97],
        );
        check("00000000: 0200 ff61 62                             ...ab\n", &[2, 0, 255, 97, 98]);
        check("", &[]);
    }

    #[test]
    fn the_rows_that_a_dump_leaves_out_are_there() {
        let row = "00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|";
        let text = format!("00000000  {row}\n*\n00000030  07  |.|\n00000031\n");
        let bytes = parse(&text).unwrap();
        assert_eq!((bytes.len(), bytes[0x30]), (0x31, 7));
        let far = format!("00000000  {row}\n*\nffffffffff\n");
        assert_eq!(parse(&far), Err(HexError::Repetition { line: 2 }));
    }

    #[test]
    fn what_is_no_hex_is_told_with_its_line() {
        assert_eq!(parse("00\nzz"), Err(HexError::NotHex { line: 2, word: "zz".to_owned() }));
        assert_eq!(parse("001"), Err(HexError::Odd { line: 1, word: "001".to_owned() }));
        assert_eq!(parse("\\x0"), Err(HexError::NotHex { line: 1, word: "\\x0".to_owned() }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(parse(&written(&bytes)), Ok(bytes.clone()));
            prop_assert_eq!(parse(&spaced(&bytes)), Ok(bytes));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[0-9a-fx|*: \\\\\né]{0,60}") {
            let _ = parse(&text);
        }
    }
}
