//! Trees for people: places, bytes and fields in columns, and the bytes around a mistake.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::hex;
use super::tree::Tree;

/// Bytes that a line shows of its field.
const SHOWN: usize = 8;
const COLUMN: usize = 3 * SHOWN + 1;
/// Bytes of a row around a mistake.
const ROW: usize = 16;

/// Where things are printed.
pub(super) struct Screen<W> {
    pub(super) out: W,
    pub(super) colours: bool,
}

impl<W: Write> Screen<W> {
    /// The lines of a tree of `bytes`.
    pub(super) fn tree(&mut self, bytes: &[u8], tree: &Tree) -> io::Result<()> {
        self.columns("offset", "length", "bytes", "field")?;
        for line in &tree.lines {
            let part = bytes.get(line.offset..line.offset + line.length).unwrap_or_default();
            let shown = hex::spaced(&part[..part.len().min(SHOWN)]);
            let more = if part.len() > SHOWN { ".." } else { "" };
            let text = format!("{}{}", "  ".repeat(line.depth), line.text);
            let (offset, length) = (line.offset.to_string(), line.length.to_string());
            self.columns(&offset, &length, &format!("{shown}{more}"), &text)?;
        }
        Ok(())
    }

    /// A line of words before a tree.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    fn columns(&mut self, offset: &str, length: &str, bytes: &str, text: &str) -> io::Result<()> {
        let place = format!("{offset:>7} {length:>7}  {bytes:<COLUMN$}");
        if self.colours {
            writeln!(self.out, "\x1b[2m{place}\x1b[0m  {text}")
        } else {
            writeln!(self.out, "{place}  {text}")
        }
    }
}

/// The rows of `bytes` around a mistake, and a mark below it.
pub(super) fn around(bytes: &[u8], offset: usize) -> String {
    let offset = offset.min(bytes.len());
    let row = offset / ROW;
    let mut text = String::new();
    for row_shown in row.saturating_sub(1)..=row + 1 {
        let start = row_shown * ROW;
        if start < bytes.len() || row_shown == row {
            let shown = hex::spaced(&bytes[start.min(bytes.len())..bytes.len().min(start + ROW)]);
            // Writing to a text does not fail.
            let _ = writeln!(text, "{}", format!("{start:>7}  {shown}").trim_end());
        }
        if row_shown == row {
            let end = if offset == bytes.len() { " the end" } else { "" };
            let _ = writeln!(text, "{}^^{end}", " ".repeat(9 + 3 * (offset % ROW)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_wrong_byte() {
        let bytes: Vec<u8> = (0..40).collect();
        let text = around(&bytes, 18);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        let mark = lines[2].find("^^").unwrap();
        assert_eq!(&lines[1][mark..mark + 2], "12");
        assert!(lines[0].starts_with("      0  00 01") && lines[3].starts_with("     32  20 21"), "{text}");
    }

    #[test]
    fn the_end_of_the_bytes_can_be_wrong_too() {
        assert_eq!(around(&[], 0), "      0\n         ^^ the end\n");
        assert_eq!(around(&[1], 9), "      0  01\n            ^^ the end\n");
    }
}
