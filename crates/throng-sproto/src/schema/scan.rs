//! A cursor over a schema's text that knows blanks, words and numbers.

use crate::schema::error::{At, Fault, SchemaErrorKind};

pub(super) struct Cursor<'a> {
    file: u32,
    text: &'a str,
    offset: usize,
    line: u32,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(file: u32, text: &'a str) -> Cursor<'a> {
        Cursor { file, text, offset: 0, line: 1 }
    }

    pub(super) fn at(&self) -> At {
        At { file: self.file, line: self.line, offset: self.offset }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.offset == self.text.len()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    /// Whether a brace or parenthesis stands before, so that no blank is needed.
    pub(super) fn is_behind_bracket(&self) -> bool {
        self.text[..self.offset].ends_with(['{', '}', ')'])
    }

    /// Steps over blanks and comments; returns whether there were any. A lone CR is no blank.
    pub(super) fn blanks(&mut self) -> bool {
        let start = self.offset;
        loop {
            let rest = &self.text.as_bytes()[self.offset..];
            let (length, newlines) = match rest {
                [b' ' | b'\t', ..] => (1, 0),
                [b'\n', ..] => (1, 1),
                [b'\r', b'\n', ..] => (2, 1),
                [b'#', ..] => (rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()), 0),
                _ => return self.offset > start,
            };
            self.offset += length;
            self.line += newlines;
        }
    }

    /// At least one blank.
    pub(super) fn need_blanks(&mut self, expected: &'static str) -> Result<(), Fault> {
        if self.blanks() { Ok(()) } else { Err(self.expected(expected)) }
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.peek() == Some(byte);
        self.offset += usize::from(eaten);
        eaten
    }

    pub(super) fn need(&mut self, byte: u8, expected: &'static str) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { Err(self.expected(expected)) }
    }

    pub(super) fn word(&mut self) -> Option<&'a str> {
        let word = self.word_ahead();
        self.offset += word.len();
        (!word.is_empty()).then_some(word)
    }

    pub(super) fn need_word(&mut self, expected: &'static str) -> Result<&'a str, Fault> {
        self.word().ok_or_else(|| self.expected(expected))
    }

    /// `a` or `a.b.c`.
    pub(super) fn need_path(&mut self, expected: &'static str) -> Result<&'a str, Fault> {
        let start = self.offset;
        self.need_word(expected)?;
        while self.eat(b'.') {
            self.need_word("a name after the dot")?;
        }
        Ok(&self.text[start..self.offset])
    }

    pub(super) fn need_digits(&mut self, expected: &'static str) -> Result<&'a str, Fault> {
        let rest = &self.text[self.offset..];
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return Err(self.expected(expected));
        }
        self.offset += length;
        Ok(&rest[..length])
    }

    /// The error that something else should stand here.
    pub(super) fn expected(&self, expected: &'static str) -> Fault {
        let found = self.found();
        Fault { at: self.at(), kind: SchemaErrorKind::Syntax { expected, found } }
    }

    fn word_ahead(&self) -> &'a str {
        let rest = &self.text[self.offset..];
        if !rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            return "";
        }
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        &rest[..length]
    }

    fn found(&self) -> Box<str> {
        match (self.word_ahead(), self.text[self.offset..].chars().next()) {
            (_, None) => "the end of the file".into(),
            (_, Some('\r')) => "a carriage return without a line feed".into(),
            (_, Some('\n' | ' ' | '\t' | '#')) => "a blank".into(),
            ("", Some(other)) => format!("`{}`", other.escape_debug()).into(),
            (word, _) => format!("`{word}`").into(),
        }
    }
}
