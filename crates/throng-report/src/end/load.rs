//! How the load plan went, where it is more than a number of robots.

use throng_metrics::{Summary, units};

use crate::grid::{Column, Grid};
use crate::paint::{Tone, Word, Words};
use crate::text::{clean, wrap, wrap_parts};

/// Arrivals: how many were due, turned away, late.
pub(super) fn arrivals(summary: &Summary, cells: usize) -> Vec<Words> {
    if summary.load.arrivals.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Words::of([Word::new("Arrivals", Tone::Strong)])];
    for arrivals in &summary.load.arrivals {
        let name = clean(&arrivals.scenario);
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        let mut parts = vec![format!("{name}{} due", units::count(arrivals.due))];
        parts.push(format!("{} began", units::count(arrivals.started)));
        if let Some(late) = &arrivals.late_us {
            parts.push(format!(
                "late p50 {}, p99 {}, max {}",
                units::time(late.p50),
                units::time(late.p99),
                units::time(late.max)
            ));
        }
        lines.extend(said(&parts, Tone::Plain, cells));
        if arrivals.dropped > 0 {
            let share = arrivals.dropped as f64 / arrivals.due.max(1) as f64;
            let text = format!(
                "{} ({}) turned away: as many robots as load.max_robots allows",
                units::count(arrivals.dropped),
                units::percent(share)
            );
            lines.extend(indented(wrap(&text, cells - 4), Tone::Warn));
        }
    }
    lines
}

/// Scenarios: their robots, and what they did most.
pub(super) fn scenarios(summary: &Summary, cells: usize) -> Vec<Words> {
    if summary.load.scenarios.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::new(vec![
        Column::left(),
        Column::right(4),
        Column::right(4),
        Column::right(4),
        Column::right(4),
        Column::right(4),
        Column::right(4),
    ]);
    let titles = ["planned", "started", "ready", "failed", "restarts", "tasks"];
    let head = std::iter::once(Word::new("Scenarios", Tone::Strong));
    grid.row(head.chain(titles.map(Word::dim)).collect());
    for scenario in &summary.load.scenarios {
        let tasks: u64 = scenario.tasks.iter().map(|task| task.count).sum();
        let figures =
            [scenario.planned, scenario.started, scenario.ready, scenario.failed, scenario.restarts, tasks];
        let mut row = vec![Word::plain(format!("  {}", clean(&scenario.name)))];
        row.extend(figures.iter().enumerate().map(|(at, figure)| {
            let tone = if at == 3 && *figure > 0 { Tone::Bad } else { Tone::Plain };
            Word::new(units::count(*figure), tone)
        }));
        grid.row(row);
    }
    grid.lines(cells, false)
}

/// Storms: whom they hit, and how long it took until everyone was back.
pub(super) fn storms(summary: &Summary, cells: usize) -> Vec<Words> {
    if summary.load.storms.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Words::of([Word::new("Storms", Tone::Strong)])];
    for storm in &summary.load.storms {
        let how = if storm.loss == "close" { "closed" } else { "pulled cables" };
        let mut parts = vec![format!("at {} ({how})", units::span(storm.at_s))];
        if storm.hit == 0 {
            parts.push("there was nobody to hit".to_owned());
            lines.extend(said(&parts, Tone::Warn, cells));
            continue;
        }
        parts.push(format!(
            "{} of {} robots lost {} connections",
            units::count(storm.hit),
            units::count(storm.there),
            units::count(storm.connections)
        ));
        if let Some(back) = &storm.back_us {
            parts.push(format!("half of them back after {}", units::time(back.p50)));
        }
        parts.extend(storm.recovery_us.map(|took| format!("recovered after {}", units::time(took))));
        let out = storm.hit.saturating_sub(storm.back).saturating_sub(storm.gone);
        let tone = if storm.recovery_us.is_some() { Tone::Plain } else { Tone::Warn };
        if storm.recovery_us.is_none() {
            parts.push("not recovered".to_owned());
        }
        if storm.gone > 0 {
            parts.push(format!("{} ended", units::count(storm.gone)));
        }
        if out > 0 {
            parts.push(format!("{} never came back", units::count(out)));
        }
        lines.extend(said(&parts, tone, cells));
    }
    lines
}

/// The parts in lines; those after the first stand a little to the right, so that one entry can be told from the next.
fn said(parts: &[String], tone: Tone, cells: usize) -> Vec<Words> {
    indented(wrap_parts(parts, " · ", cells - 4), tone)
}

fn indented(lines: Vec<String>, tone: Tone) -> Vec<Words> {
    let lines = lines.into_iter().enumerate();
    let indented = |(at, line)| format!("{}{line}", if at == 0 { "  " } else { "    " });
    lines.map(|line| Words::of([Word::new(indented(line), tone)])).collect()
}
