//! Bytes as a sample of a report: hex, and what of it can be read.

use std::fmt::Write;

/// Bytes that are shown.
const SHOWN: usize = 64;

/// Bytes in a row.
const ROW: usize = 16;

/// The first 64 of some bytes for people, in rows of 16: in hex, and as text with dots for what cannot be seen. Last comes how
/// many there were in all, if there were more.
pub(crate) fn sample(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let width = shown.len().min(ROW) * 3;
    let seen = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
    let mut rows: Vec<String> = shown
        .chunks(ROW)
        .map(|row| {
            let hex = row.iter().fold(String::with_capacity(width), |mut hex, byte| {
                // Writing to a text does not fail.
                let _ = write!(hex, "{byte:02x} ");
                hex
            });
            format!("{hex:width$}|{}|", row.iter().map(seen).collect::<String>())
        })
        .collect();
    match bytes.len() {
        0 => rows.push("no bytes".to_owned()),
        all if all > SHOWN => rows.push(format!("of {all} bytes")),
        _ => {}
    }
    rows.join("\n")
}

/// The same, with a traceback below it where there is one.
pub(crate) fn sample_with((bytes, traceback): (&[u8], &str)) -> String {
    let mut sample = sample(bytes);
    if !traceback.is_empty() {
        sample.push('\n');
        sample.push_str(traceback);
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_hex_and_text() {
        assert_eq!(sample(b"{\"a\":\x00\xff}\n"), "7b 22 61 22 3a 00 ff 7d 0a |{\"a\":..}.|");
        assert_eq!(sample(b""), "no bytes");
    }

    #[test]
    fn more_than_a_row_is_a_table() {
        let text = sample(b"sixteen and more, that is");
        let rows = [
            "73 69 78 74 65 65 6e 20 61 6e 64 20 6d 6f 72 65 |sixteen and more|",
            "2c 20 74 68 61 74 20 69 73                      |, that is|",
        ];
        assert_eq!(text, rows.join("\n"));
    }

    #[test]
    fn no_more_than_64_bytes_are_shown() {
        let row = format!("{}|{}|", "61 ".repeat(16), "a".repeat(16));
        let rows = [&*row; 4].join("\n");
        assert_eq!(sample(&[b'a'; 64]), rows);
        assert_eq!(sample(&[b'a'; 1000]), format!("{rows}\nof 1000 bytes"));
    }
}
