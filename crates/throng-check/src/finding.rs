//! What the checker says about a place in a file, and how that is shown.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The project would not load, or would not do what it says.
    Error,
    /// Worth a look.
    Warning,
}

/// Something wrong at a place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file's path as the caller gave it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of the line are meant, at least 1.
    pub length: usize,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, one sentence.
    pub message: String,
    /// What would be right.
    pub wanted: Option<String>,
    /// What stands there.
    pub found: Option<String>,
    /// The nearest names, best first.
    pub suggestions: Vec<String>,
    /// What to do instead.
    pub help: Option<String>,
    /// The source line without its line end, or a part of a very long one.
    pub source: String,
    /// How many characters of the line come before `source`.
    pub skipped: usize,
}

/// Whether a rendering uses terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Plain,
    /// ANSI escapes.
    Ansi,
}

const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const BLUE: &str = "1;34";
const BOLD: &str = "1";
const TAB: usize = 4;

impl Finding {
    /// The finding as a compiler would show it: message, place, source line, caret, advice. Ends with a line break.
    pub fn render(&self, colour: Colour) -> String {
        let (word, accent) = match self.severity {
            Severity::Error => ("error", RED),
            Severity::Warning => ("warning", YELLOW),
        };
        let paint = |code: &str, text: &str| match colour {
            Colour::Plain => text.to_owned(),
            Colour::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        };
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let bar = paint(BLUE, "|");
        let (line, indent, width) = self.shown_source();
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}{}", paint(accent, word), paint(BOLD, &format!(": {}", self.message)));
        let arrow = paint(BLUE, "-->");
        let _ = writeln!(out, "{margin}{arrow} {}:{}:{}", self.file, self.line, self.column);
        let _ = writeln!(out, "{margin} {bar}");
        let _ = writeln!(out, "{} {bar} {line}", paint(BLUE, &number));
        let carets = paint(accent, &"^".repeat(width));
        let _ = writeln!(out, "{margin} {bar} {}{carets}", " ".repeat(indent));
        for note in self.notes() {
            let _ = writeln!(out, "{margin} {} {note}", paint(BLUE, "="));
        }
        out
    }

    /// The lines below the caret.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match (&self.wanted, &self.found) {
            (Some(wanted), Some(found)) => notes.push(format!("wanted {wanted}, found {found}")),
            (Some(wanted), None) => notes.push(format!("wanted {wanted}")),
            (None, Some(found)) => notes.push(format!("found {found}")),
            (None, None) => {}
        }
        if !self.suggestions.is_empty() {
            let names: Vec<String> = self.suggestions.iter().map(|name| format!("`{name}`")).collect();
            notes.push(format!("did you mean {}?", names.join(" or ")));
        }
        notes.extend(self.help.clone());
        notes
    }

    /// The source line with tabs spread, the caret's indent and its width, in terminal columns.
    fn shown_source(&self) -> (String, usize, usize) {
        let column = self.column.saturating_sub(self.skipped);
        let mut line = String::new();
        let mut indent = 0;
        let mut width = 0;
        for (at, c) in self.source.chars().enumerate() {
            let columns = match c {
                '\t' => TAB,
                c => c.width().unwrap_or(0),
            };
            match c {
                '\t' => line.push_str(&" ".repeat(TAB)),
                c if c.is_control() => {}
                c => line.push(c),
            }
            if at + 1 < column {
                indent += columns;
            } else if at + 1 < column + self.length {
                width += columns;
            }
        }
        let beyond = column.saturating_sub(self.source.chars().count() + 1);
        debug_assert!(width <= line.width());
        (line, indent + beyond, width.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(source: &str, column: usize, length: usize) -> Finding {
        Finding {
            file: "mods/role.lua".into(),
            line: 12,
            column,
            length,
            severity: Severity::Error,
            message: "no protocol has a message `Ech`".into(),
            wanted: None,
            found: None,
            suggestions: vec!["Echo".into()],
            help: None,
            source: source.into(),
            skipped: 0,
        }
    }

    #[test]
    fn a_plain_rendering_points_at_the_place() {
        let shown = finding("  game:send(\"Ech\")", 13, 5).render(Colour::Plain);
        let expected = "error: no protocol has a message `Ech`\n  --> mods/role.lua:12:13\n   |\n12 |   game:send(\"Ech\")\n   \
                        |             ^^^^^\n   = did you mean `Echo`?\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn carets_stand_under_wide_characters_and_after_tabs() {
        let shown = finding("\tx(\"名字\", y)", 10, 1).render(Colour::Plain);
        let lines: Vec<&str> = shown.lines().collect();
        let caret = lines[4].find('^').unwrap();
        let prefix = &lines[3][..lines[3].find("y)").unwrap()];
        assert_eq!(prefix.width(), caret);
    }

    #[test]
    fn a_coloured_rendering_says_the_same_as_a_plain_one() {
        let finding = finding("game:send(\"Ech\")", 11, 5);
        let coloured = finding.render(Colour::Ansi);
        assert!(coloured.contains("\x1b[1;31merror\x1b[0m"));
        let mut plain = coloured;
        for code in [RED, YELLOW, BLUE, BOLD, "0"] {
            plain = plain.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(plain, finding.render(Colour::Plain));
    }
}
