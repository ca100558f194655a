//! Words with a tone, which become ANSI codes in a report and styles on a screen.

use ratatui::style::{Color, Modifier, Style};

/// Whether colour is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Colour and bold.
    Always,
    /// Nothing but text.
    Never,
}

impl Colour {
    /// Colour for a terminal, unless `NO_COLOR` is set to anything but the empty string (see <https://no-color.org>).
    pub fn of(is_terminal: bool, no_color: Option<&str>) -> Self {
        if is_terminal && no_color.is_none_or(str::is_empty) { Self::Always } else { Self::Never }
    }
}

/// What a word means, from which its look follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Strong,
    Dim,
    Good,
    Bad,
    Warn,
    Accent,
}

impl Tone {
    fn ansi(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Warn => "33",
            Self::Accent => "36",
        }
    }

    pub(crate) fn style(self, colour: Colour) -> Style {
        let style = Style::new();
        match self {
            _ if colour == Colour::Never => style,
            Self::Plain => style,
            Self::Strong => style.add_modifier(Modifier::BOLD),
            Self::Dim => style.add_modifier(Modifier::DIM),
            Self::Good => style.fg(Color::Green),
            Self::Bad => style.fg(Color::Red),
            Self::Warn => style.fg(Color::Yellow),
            Self::Accent => style.fg(Color::Cyan),
        }
    }
}

/// A piece of text in one tone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

impl Word {
    pub(crate) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Plain)
    }

    pub(crate) fn dim(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Dim)
    }

    /// A count that is bad unless it is zero.
    pub(crate) fn bad_count(count: u64) -> Self {
        let tone = if count == 0 { Tone::Dim } else { Tone::Bad };
        Self::new(throng_metrics::units::count(count), tone)
    }
}

/// Words side by side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words(pub(crate) Vec<Word>);

impl Words {
    pub(crate) fn of(words: impl IntoIterator<Item = Word>) -> Self {
        Self(words.into_iter().collect())
    }

    /// The line for a terminal or a pipe.
    pub(crate) fn ansi(&self, colour: Colour) -> String {
        let mut line = String::new();
        for word in &self.0 {
            let code = word.tone.ansi();
            if colour == Colour::Never || code.is_empty() {
                line.push_str(&word.text);
            } else {
                line.push_str(&format!("\x1b[{code}m{}\x1b[0m", word.text));
            }
        }
        line.truncate(line.trim_end().len());
        line
    }

    pub(crate) fn on_screen(&self, colour: Colour) -> ratatui::text::Line<'_> {
        let spans = self
            .0
            .iter()
            .map(|word| ratatui::text::Span::styled(word.text.as_str(), word.tone.style(colour)));
        spans.collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_without_no_color() {
        assert_eq!(Colour::of(true, None), Colour::Always);
        assert_eq!(Colour::of(true, Some("")), Colour::Always);
        assert_eq!(Colour::of(true, Some("1")), Colour::Never);
        assert_eq!(Colour::of(false, None), Colour::Never);
    }

    #[test]
    fn without_colour_there_is_no_escape() {
        let words = Words::of([Word::new("bad", Tone::Bad), Word::plain(" news  ")]);
        assert_eq!(words.ansi(Colour::Never), "bad news");
        assert_eq!(words.ansi(Colour::Always), "\x1b[31mbad\x1b[0m news");
    }
}
