//! The phases of a run beside each other: a ramp is not what holds.

use throng_metrics::{PhaseSummary, Summary, units};

use super::tables::heading;
use crate::grid::{Column, Grid};
use crate::paint::{Word, Words};
use crate::text::clean;

/// A line for each phase, where there are several; with a column of pushes only where there are any.
pub(super) fn phases(summary: &Summary, cells: usize) -> Vec<Words> {
    if summary.phases.len() < 2 {
        return Vec::new();
    }
    let with_pushes = summary.phases.iter().any(|phase| pushes(phase) > 0);
    let mut columns = vec![Column::left()];
    let mut titles = vec!["time", "robots", "replies/s", "errors", "p50", "p99"];
    titles.extend(with_pushes.then_some("pushes/s"));
    columns.extend(titles.iter().map(|_| Column::right(4)));
    let mut grid = Grid::new(columns);
    grid.row(heading("Phases", &titles));
    for phase in &summary.phases {
        let rate = |count: u64| match phase.duration_s {
            seconds if seconds > 0.0 => Word::plain(units::rate(count as f64 / seconds)),
            _ => Word::dim("-"),
        };
        let time = |us: Option<u64>| us.map_or_else(|| Word::dim("-"), |us| Word::plain(units::time(us)));
        let mut row = vec![
            Word::plain(format!("  {}", clean(&phase.name))),
            Word::plain(units::span(phase.duration_s)),
            Word::plain(units::count(phase.robots.peak)),
            rate(phase.requests.iter().map(|request| request.ok).fold(0, u64::saturating_add)),
            Word::bad_count(phase.errors.count),
            time(phase.latency_us.map(|latency| latency.p50)),
            time(phase.latency_us.map(|latency| latency.p99)),
        ];
        row.extend(with_pushes.then(|| rate(pushes(phase))));
        grid.row(row);
    }
    grid.lines(cells, false)
}

fn pushes(phase: &PhaseSummary) -> u64 {
    phase.pushes.iter().map(|push| push.count).fold(0, u64::saturating_add)
}
