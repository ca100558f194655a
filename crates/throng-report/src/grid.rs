//! Rows of words in aligned columns. The first column takes what the others leave, and the others what they need; only
//! a last column of text gives way too.

use crate::paint::{Word, Words};
use crate::text::{fit, fit_end, width};

const GAP: usize = 2;
/// Before the first column gets narrower than this, a last column of text is cut.
const FIRST_LEAST: usize = 24;

/// Where a column's words stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A column: where its words stand, and how many cells it takes at least.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    pub(crate) align: Align,
    pub(crate) at_least: usize,
    /// How it meets a terminal that is too narrow.
    pub(crate) squeeze: Squeeze,
}

/// How a column meets a terminal that is too narrow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Squeeze {
    /// It keeps what it needs.
    Keep,
    /// It is cut, if it is the last.
    Cut,
}

impl Column {
    pub(crate) const fn left() -> Self {
        Self { align: Align::Left, at_least: 0, squeeze: Squeeze::Keep }
    }

    /// A last column of text, which gives way.
    pub(crate) const fn text() -> Self {
        Self { align: Align::Left, at_least: 0, squeeze: Squeeze::Cut }
    }

    pub(crate) const fn right(at_least: usize) -> Self {
        Self { align: Align::Right, at_least, squeeze: Squeeze::Keep }
    }
}

enum Row {
    Cells(Vec<Word>),
    /// A line of its own, under no column.
    Note(Words),
}

/// Rows of words in aligned columns.
pub(crate) struct Grid {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

impl Grid {
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// A row; missing words are empty ones.
    pub(crate) fn row(&mut self, words: Vec<Word>) {
        self.rows.push(Row::Cells(words));
    }

    /// Rows, as many as there are.
    pub(crate) fn rows(&mut self, rows: impl IntoIterator<Item = Vec<Word>>) {
        self.rows.extend(rows.into_iter().map(Row::Cells));
    }

    /// A line that does not take part in the columns.
    pub(crate) fn note(&mut self, words: Words) {
        self.rows.push(Row::Note(words));
    }

    /// Whether there is no row yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The cells that everything but the first column takes.
    pub(crate) fn fixed_width(&self) -> usize {
        (1..self.columns.len()).map(|column| self.column_width(column) + GAP).sum()
    }

    /// The cells that the first column would like.
    pub(crate) fn first_width(&self) -> usize {
        self.column_width(0)
    }

    /// The lines, at most so many cells wide; the first column is cut when it must, and never padded beyond its need
    /// unless `stretched`.
    pub(crate) fn lines(&self, cells: usize, stretched: bool) -> Vec<Words> {
        let mut widths: Vec<usize> =
            (0..self.columns.len()).map(|column| self.column_width(column)).collect();
        let least = widths[0].min(FIRST_LEAST);
        if self.columns.last().is_some_and(|column| column.squeeze == Squeeze::Cut) {
            let too_wide = (self.fixed_width() + least).saturating_sub(cells);
            let last = widths.len() - 1;
            widths[last] = widths[last].saturating_sub(too_wide);
        }
        let left = cells.saturating_sub(widths[1..].iter().map(|width| width + GAP).sum());
        widths[0] = if stretched { left } else { widths[0].min(left) };
        let lines = self.rows.iter().map(|row| match row {
            Row::Note(words) => words.clone(),
            Row::Cells(words) => self.line(words, &widths),
        });
        lines.collect()
    }

    fn line(&self, words: &[Word], widths: &[usize]) -> Words {
        let mut line = Vec::with_capacity(widths.len() * 2);
        for (at, (column, &cells)) in self.columns.iter().zip(widths).enumerate() {
            let word = words.get(at).cloned().unwrap_or_default();
            let text = if at == 0 { fit(&word.text, cells) } else { fit_end(&word.text, cells) };
            let pad = " ".repeat(cells - width(&text));
            let text = match column.align {
                Align::Left => format!("{text}{pad}"),
                Align::Right => format!("{pad}{text}"),
            };
            if at > 0 {
                line.push(Word::plain(" ".repeat(GAP)));
            }
            line.push(Word::new(text, word.tone));
        }
        Words(line)
    }

    fn column_width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| match row {
            Row::Cells(words) => words.get(column).map(|word| width(&word.text)),
            Row::Note(_) => None,
        });
        cells.max().unwrap_or(0).max(self.columns[column].at_least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::Colour;

    fn grid() -> Grid {
        let mut grid = Grid::new([Column::left(), Column::right(6)]);
        for (name, figure) in [("game/登录请求", "1"), ("lobby/ServerListRequest", "12.3k")] {
            grid.row(vec![Word::plain(name), Word::plain(figure)]);
        }
        grid
    }

    fn shown(grid: &Grid, cells: usize, stretched: bool) -> Vec<String> {
        grid.lines(cells, stretched).iter().map(|line| line.ansi(Colour::Never)).collect()
    }

    #[test]
    fn columns_align_in_cells_whatever_the_script() {
        let wanted = ["game/登录请求                 1", "lobby/ServerListRequest   12.3k"];
        assert_eq!(shown(&grid(), 100, false), wanted);
    }

    #[test]
    fn the_first_column_gives_way_and_takes_what_is_left() {
        assert_eq!(shown(&grid(), 20, false), ["game/…请求         1", "lobby/…quest   12.3k"]);
        assert!(shown(&grid(), 60, true).iter().all(|line| width(line) == 60));
        assert_eq!(shown(&grid(), 0, false)[1], "   12.3k");
    }
}
