//! How the load plan went, where it is more than a number of robots.

use throng_metrics::{Summary, units};

use crate::paint::{Tone, Word, Words};
use crate::text::{clean, wrap_parts};

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
                "{} ({}) were turned away: there was no room for more robots (load.max_robots)",
                units::count(arrivals.dropped),
                units::percent(share)
            );
            lines.extend(said(&[text], Tone::Warn, cells));
        }
    }
    lines
}

fn said(parts: &[String], tone: Tone, cells: usize) -> Vec<Words> {
    let lines = wrap_parts(parts, " · ", cells - 2).into_iter();
    lines.map(|line| Words::of([Word::new(format!("  {line}"), tone)])).collect()
}
