//! One line of the timeline: when, which way, on which connection, what.

use std::time::Duration;
use unicode_width::UnicodeWidthChar;

/// What a line is about, from which its colour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Quiet,
    Good,
    Warn,
    Bad,
    Out,
    In,
    Push,
    Work,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Quiet => "2",
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31",
            Tone::Out => "36",
            Tone::In => "34",
            Tone::Push => "35",
            Tone::Work => "1",
        }
    }
}

/// A line that has not been laid out yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    sign: &'static str,
    tone: Tone,
    connection: String,
    text: String,
}

/// The cells of a connection's name.
const NAME: usize = 8;
/// The cells in front of the text.
const INDENT: usize = 11 + 2 + NAME + 2;

impl Line {
    pub(super) fn new(sign: &'static str, tone: Tone, connection: &str, text: String) -> Line {
        Line { sign, tone, connection: connection.to_owned(), text }
    }

    /// A line that goes on about the one above.
    pub(super) fn below(tone: Tone, text: String) -> Line {
        Line { sign: "|", tone, connection: String::new(), text }
    }

    /// The line as it is printed, cut to `width` cells.
    pub(super) fn render(&self, at: Duration, colours: bool, width: usize) -> String {
        let text = cut(&self.text, width.saturating_sub(INDENT).max(20));
        let name = pad(&self.connection, NAME);
        let at = format!("{:>9.3}s ", at.as_secs_f64());
        if !colours {
            return format!("{at}{} {name}  {text}", self.sign).trim_end().to_owned();
        }
        let code = self.tone.code();
        format!("\x1b[2m{at}\x1b[0m\x1b[{code}m{} {name}  {text}\x1b[0m", self.sign)
    }
}

fn pad(text: &str, cells: usize) -> String {
    let text = cut(text, cells);
    let used: usize = text.chars().filter_map(UnicodeWidthChar::width).sum();
    format!("{text}{}", " ".repeat(cells.saturating_sub(used)))
}

/// The beginning of a text that fits into so many cells, with `…` where something is missing.
fn cut(text: &str, cells: usize) -> String {
    let total: usize = text.chars().filter_map(UnicodeWidthChar::width).sum();
    if total <= cells {
        return text.to_owned();
    }
    let mut used = 0;
    let fits = |char: &char| {
        used += char.width().unwrap_or(0);
        used < cells
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(connection: &str, text: &str) -> String {
        Line::new("→", Tone::Out, connection, text.to_owned()).render(Duration::from_millis(1_234), false, 60)
    }

    #[test]
    fn columns_stand_under_each_other_whatever_the_names() {
        assert_eq!(line("game", "hello"), "    1.234s → game      hello");
        assert_eq!(line("战斗", "hello"), "    1.234s → 战斗      hello");
        assert_eq!(line("averylongname", "hello"), "    1.234s → averylo…  hello");
        assert_eq!(line("", "hello"), "    1.234s →           hello");
    }

    #[test]
    fn long_texts_are_cut_to_the_terminal() {
        let long = line("game", &"x".repeat(100));
        assert_eq!(long.chars().count(), 60);
        assert!(long.ends_with("x…"));
        assert!(line("game", &"长".repeat(100)).ends_with("长…"));
    }
}
