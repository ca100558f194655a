//! Connections: how many, how fast, and how they ended.

use throng_metrics::{ConnectionSummary, Summary, units};

use super::tables::{heading, most, say_left_out};
use crate::grid::{Column, Grid};
use crate::paint::{Tone, Word, Words};
use crate::text::{clean, wrap_parts};

/// Where it is said how connections ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// In a last column.
    Beside,
    /// In lines of their own, where the column would be cut.
    Below,
}

/// A line for each connection, under it what the columns have no place for.
pub(super) fn connections(summary: &Summary, cells: usize) -> Vec<Words> {
    if summary.connections.is_empty() {
        return Vec::new();
    }
    let beside = grid(summary, cells, Ends::Beside);
    let fits = beside.first_width() + beside.fixed_width() <= cells;
    let grid = if fits { beside } else { grid(summary, cells, Ends::Below) };
    grid.lines(cells, false)
}

fn grid(summary: &Summary, cells: usize, ends: Ends) -> Grid {
    let mut columns =
        vec![Column::left(), Column::right(6), Column::right(4), Column::right(5), Column::right(5)];
    let mut titles = vec!["opened", "fail", "p50", "p99"];
    if ends == Ends::Beside {
        columns.push(Column::text());
        titles.push("ended");
    }
    let mut grid = Grid::new(columns);
    grid.row(heading("Connections", &titles));
    let (connections, left_out) = most(&summary.connections, |connection| connection.attempts);
    for connection in connections {
        let ended = ended(connection);
        let mut row = row(connection);
        match ends {
            Ends::Beside => row.push(Word::plain(ended.join(", "))),
            Ends::Below => {}
        }
        grid.row(row);
        if ends == Ends::Below {
            note(&mut grid, &ended, cells, Tone::Plain);
        }
        note(&mut grid, &lives(connection), cells, Tone::Dim);
        if connection.orphans > 0 {
            let text =
                format!("{} orphan replies: no request of theirs is known", units::count(connection.orphans));
            note(&mut grid, &[text], cells, Tone::Warn);
        }
    }
    say_left_out(&mut grid, left_out);
    grid
}

fn row(connection: &ConnectionSummary) -> Vec<Word> {
    let time = |us: Option<u64>| us.map_or_else(|| Word::dim("-"), |us| Word::plain(units::time(us)));
    let times = connection.connect_us.as_ref();
    vec![
        Word::plain(format!("  {}", clean(&connection.name))),
        Word::plain(units::count(connection.opened)),
        Word::bad_count(connection.failed),
        time(times.map(|times| times.p50)),
        time(times.map(|times| times.p99)),
    ]
}

fn ended(connection: &ConnectionSummary) -> Vec<String> {
    let ended = connection.ended.iter();
    let mut ended: Vec<String> =
        ended.map(|(cause, count)| format!("{} {cause}", units::count(count))).collect();
    if connection.open > 0 {
        ended.push(format!("{} still open", units::count(connection.open)));
    }
    ended
}

fn lives(connection: &ConnectionSummary) -> Vec<String> {
    let mut lives = Vec::new();
    if connection.reconnects > 0 {
        lives.push(format!("{} reconnects", units::count(connection.reconnects)));
    }
    if let Some(lived) = &connection.lifetime_us {
        let [p50, max] = [lived.p50, lived.max].map(units::time);
        lives.push(format!("lifetime p50 {p50}, max {max}"));
    }
    lives
}

fn note(grid: &mut Grid, parts: &[String], cells: usize, tone: Tone) {
    for line in wrap_parts(parts, ", ", cells.saturating_sub(4)) {
        grid.note(Words::of([Word::new(format!("    {line}"), tone)]));
    }
}
