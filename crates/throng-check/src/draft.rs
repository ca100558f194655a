//! A finding while a rule writes it: a span in one file instead of a line and a column.

use crate::finding::{Finding, Severity};
use crate::lua::Span;

/// Lines of generated code may be as long as their file; a finding shows this many characters around its place.
const LONG_LINE: usize = 200;

pub(crate) struct Draft {
    span: Span,
    severity: Severity,
    message: String,
    wanted: Option<String>,
    found: Option<String>,
    suggestions: Vec<String>,
    help: Option<String>,
}

impl Draft {
    pub(crate) fn error(span: Span, message: impl Into<String>) -> Draft {
        Draft {
            span,
            severity: Severity::Error,
            message: message.into(),
            wanted: None,
            found: None,
            suggestions: Vec::new(),
            help: None,
        }
    }

    pub(crate) fn warning(span: Span, message: impl Into<String>) -> Draft {
        Draft { severity: Severity::Warning, ..Draft::error(span, message) }
    }

    pub(crate) fn wanted(mut self, wanted: impl Into<String>) -> Draft {
        self.wanted = Some(wanted.into());
        self
    }

    pub(crate) fn found(mut self, found: impl Into<String>) -> Draft {
        self.found = Some(found.into());
        self
    }

    pub(crate) fn suggest(mut self, names: Vec<String>) -> Draft {
        self.suggestions = names;
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Draft {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn finish(self, path: &str, lines: &Lines<'_>) -> Finding {
        let (line, column, source) = lines.place(self.span.start);
        let skipped = if column > LONG_LINE { column - 1 - LONG_LINE / 2 } else { 0 };
        let source: String = source.chars().skip(skipped).take(LONG_LINE + LONG_LINE / 2).collect();
        let rest = source.chars().count().saturating_sub(column - 1 - skipped);
        let meant = lines.text.get(self.span.start..self.span.end).unwrap_or_default();
        let length = meant.lines().next().unwrap_or_default().chars().count();
        Finding {
            file: path.to_owned(),
            line,
            column,
            length: length.min(rest).max(1),
            severity: self.severity,
            message: self.message,
            wanted: self.wanted,
            found: self.found,
            suggestions: self.suggestions,
            help: self.help,
            source,
            skipped,
        }
    }
}

/// Where the lines of a text begin.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Lines<'a> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { text, starts }
    }

    /// The line and column, from 1, of a byte, and the line's text.
    pub(crate) fn place(&self, offset: usize) -> (usize, usize, &'a str) {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let end = self.starts.get(line).map_or(self.text.len(), |next| next - 1);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        (line, column, self.text[start..end].trim_end_matches('\r'))
    }

    pub(crate) fn line(&self, offset: usize) -> usize {
        self.place(offset).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_long_line_is_shown_in_part() {
        let text = format!("{}x{}", "a ".repeat(5_000), " b".repeat(5_000));
        let span = Span { start: 10_000, end: 10_001 };
        let finding = Draft::error(span, "there").finish("x.lua", &Lines::new(&text));
        assert_eq!((finding.column, finding.length), (10_001, 1));
        assert_eq!(finding.source.chars().nth(finding.column - 1 - finding.skipped), Some('x'));
        assert!(finding.source.len() <= 2 * LONG_LINE);
        let shown = finding.render(crate::Colour::Plain);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[3].find('x'), lines[4].find('^'));
    }

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let lines = Lines::new("a\r\n名字 b\n");
        assert_eq!(lines.place(0), (1, 1, "a"));
        assert_eq!(lines.place(10), (2, 4, "名字 b"));
        assert_eq!(lines.place(12), (3, 1, ""));
        assert_eq!(lines.place(999), (3, 1, ""));
    }
}
