//! The lower part of the live screen: requests, pushes and errors, the most frequent first.

use throng_metrics::{Kind, Snapshot, units};

use crate::grid::{Column, Grid};
use crate::paint::{Tone, Word, Words};
use crate::text::{clean, fit_end, width};

/// Requests in at most so many lines.
pub(super) fn requests(snapshot: &Snapshot, cells: usize, height: usize) -> Vec<Words> {
    let waiting = "no request yet";
    let columns = [
        Column::left(),
        Column::right(6),
        Column::right(7),
        Column::right(7),
        Column::right(6),
        Column::right(6),
        Column::right(5),
    ];
    let titles = ["request", "ok/s", "p50", "p99", "count", "waits", "fail"];
    let rows = snapshot.requests.iter().map(|line| {
        let time = |us: Option<u64>| us.map_or_else(|| Word::dim("-"), |us| Word::plain(units::time(us)));
        vec![
            Word::plain(clean(&line.key.to_string())),
            Word::new(units::rate(line.rate), Tone::Strong),
            time(line.p50_us),
            time(line.p99_us),
            Word::plain(units::count(line.count)),
            Word::plain(units::count(line.in_flight)),
            Word::bad_count(line.failures),
        ]
    });
    let lines = listed(columns, titles, rows, cells, height);
    if lines.is_empty() && height > 0 { vec![Words::of([Word::dim(waiting)])] } else { lines }
}

/// Pushes in at most so many lines; none when there are no pushes.
pub(super) fn pushes(snapshot: &Snapshot, cells: usize, height: usize) -> Vec<Words> {
    let columns = [Column::left(), Column::right(6), Column::right(9), Column::right(6)];
    let rows = snapshot.pushes.iter().map(|line| {
        vec![
            Word::plain(clean(&line.key.to_string())),
            Word::new(units::rate(line.rate), Tone::Strong),
            Word::plain(format!("{}/s", units::bytes(line.bytes_rate as u64))),
            Word::plain(units::count(line.count)),
        ]
    });
    listed(columns, ["push", "/s", "bytes", "count"], rows, cells, height)
}

/// Groups of errors in at most so many lines; none when there are no errors.
pub(super) fn errors(snapshot: &Snapshot, cells: usize, height: usize) -> Vec<Words> {
    if snapshot.top_errors.is_empty() || height < 2 {
        return Vec::new();
    }
    let mut lines = vec![Words::of([Word::dim("errors")])];
    let groups = &snapshot.top_errors[..snapshot.top_errors.len().min(height - 1)];
    let kinds = groups.iter().map(|group| width(group.kind.name())).max().unwrap_or(0);
    for group in groups {
        let count = format!("{:>6}  ", units::count(group.count));
        let kind = format!("{:<kinds$}  ", group.kind);
        let left = cells.saturating_sub(width(&count) + width(&kind));
        let text = clean(&format!("{}: {}", group.name, group.message)).into_owned();
        let text = fit_end(&text, left).into_owned();
        lines.push(Words::of([Word::new(count, Tone::Bad), Word::new(kind, Tone::Warn), Word::plain(text)]));
    }
    lines
}

fn listed<const N: usize>(
    columns: [Column; N],
    titles: [&str; N],
    rows: impl ExactSizeIterator<Item = Vec<Word>>,
    cells: usize,
    height: usize,
) -> Vec<Words> {
    if rows.len() == 0 || height < 2 {
        return Vec::new();
    }
    let mut grid = Grid::new(columns);
    grid.row(titles.map(Word::dim).into());
    let (all, room) = (rows.len(), height - 1);
    let shown = if all > room { room.saturating_sub(1) } else { all };
    rows.take(shown).for_each(|row| grid.row(row));
    if shown < all {
        grid.note(Words::of([Word::dim(format!("and {} more", all - shown))]));
    }
    grid.lines(cells, true)
}
