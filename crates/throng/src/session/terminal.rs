//! What there is to know about the terminal that is printed to.

use std::io::IsTerminal;

use throng_report::Colour;

use crate::cli::OutputFlags;

/// The width where there is no terminal.
const NARROW: usize = 80;

/// The terminal's width in cells.
pub(crate) fn width() -> usize {
    crossterm::terminal::size().map_or(NARROW, |(columns, _)| usize::from(columns))
}

/// Whether colours are wanted there.
pub(crate) fn colour(output: OutputFlags) -> Colour {
    if std::io::stdout().is_terminal() && output.colours() { Colour::Always } else { Colour::Never }
}
