//! Text in terminal cells: cleaning, measuring, cutting, padding.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many terminal cells a text takes; a Chinese character takes two.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text without anything that would move the cursor, change colours or turn the direction of writing.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { visible(c) }).collect())
}

/// The lines of a text, each cleaned.
pub fn clean_lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().map(|line| clean(&line.replace('\t', "    ")).trim_end().to_owned())
}

/// The text in at most `cells` cells; what does not fit is cut out of its middle, where names differ least.
pub fn fit(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    let tail_cells = (cells - 1) / 2;
    let head = head(text, cells - 1 - tail_cells);
    let tail = tail(text, tail_cells);
    Cow::Owned(format!("{head}…{tail}"))
}

/// The text in at most `cells` cells, cut at its end.
pub fn fit_end(text: &str, cells: usize) -> Cow<'_, str> {
    match (width(text) <= cells, cells) {
        (true, _) => Cow::Borrowed(text),
        (false, 0) => Cow::Borrowed(""),
        (false, _) => Cow::Owned(format!("{}…", head(text, cells - 1))),
    }
}

/// The text in lines of at most `cells` cells, broken at spaces, but not between a number and its unit.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    cut(filled(&words(text), " ", cells), cells)
}

/// The parts with `between` between them, in lines of at most `cells` cells, broken between parts; a part that is longer than a
/// line is broken at its spaces.
pub fn wrap_parts(parts: &[String], between: &str, cells: usize) -> Vec<String> {
    let fits = |part: &String| width(part) <= cells;
    if parts.iter().all(fits) {
        return cut(filled(parts, between, cells), cells);
    }
    let mut lines = Vec::new();
    let mut line: Vec<String> = Vec::new();
    for part in parts {
        if fits(part) {
            line.push(part.clone());
            continue;
        }
        lines.extend(filled(&std::mem::take(&mut line), between, cells));
        let mut pieces = filled(&words(part), " ", cells);
        line.extend(pieces.pop());
        lines.extend(pieces);
    }
    lines.extend(filled(&line, between, cells));
    cut(lines, cells)
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match words.last_mut().filter(|last| last.bytes().all(|b| b.is_ascii_digit() || b == b'.')) {
            Some(number) => number.extend([" ", word]),
            None => words.push(word.to_owned()),
        }
    }
    words
}

/// As many parts in each line as fit.
fn filled(parts: &[String], between: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for part in parts {
        if !line.is_empty() && width(&line) + width(between) + width(part) > cells {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push_str(between);
        }
        line.push_str(part);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

fn cut(lines: Vec<String>, cells: usize) -> Vec<String> {
    lines.into_iter().map(|line| fit_end(&line, cells).into_owned()).collect()
}

fn head(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > cells {
            return &text[..at];
        }
    }
    text
}

fn tail(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > cells {
            return &text[at + c.len_utf8()..];
        }
    }
    text
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn visible(c: char) -> char {
    if is_unsafe(c) { '\u{fffd}' } else { c }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_move_the_cursor_is_made_visible() {
        assert_eq!(clean("plain 登录"), "plain 登录");
        assert_eq!(clean("a\x1b[31mb\nc\u{202e}d\0"), "a\u{fffd}[31mb c\u{fffd}d\u{fffd}");
        assert_eq!(clean("\u{61c}a\u{2028}b\u{2029}"), "\u{fffd}a\u{fffd}b\u{fffd}", "marks and breaks too");
    }

    #[test]
    fn names_are_cut_in_the_middle_and_texts_at_the_end() {
        assert_eq!(fit("game/VeryLongNameRequest", 11), "game/…quest");
        assert_eq!(fit("登录请求回复", 6), "登…复");
        assert_eq!(fit_end("no reply in time", 9), "no reply…");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("lag of 94.8 ms", 12), ["lag of", "94.8 ms"]);
        assert_eq!(wrap_parts(&["a b".into(), "c d".into(), "e".into()], " · ", 7), ["a b", "c d · e"]);
        assert_eq!(
            wrap_parts(&["a".into(), "b c d e".into(), "f".into()], " · ", 5),
            ["a", "b c d", "e · f"]
        );
        assert_eq!(wrap("incomprehensible", 6), ["incom…"]);
        assert!(wrap("", 5).is_empty());
    }

    proptest! {
        #[test]
        fn cut_text_never_takes_more_cells_than_it_may(text in ".{0,40}", cells in 0usize..30) {
            let text = clean(&text);
            prop_assert!(width(&fit(&text, cells)) <= cells.max(width("")) || width(&text) <= cells);
            prop_assert!(width(&fit_end(&text, cells)) <= cells);
        }
    }
}
