//! The upper part of the live screen: the plan, the robots, the wire, the generator.

use throng_metrics::{Snapshot, units};

use crate::paint::{Tone, Word, Words};
use crate::text::{clean, fit, fit_end, width};

const LABEL: usize = 11;

/// The lines, the last of them empty.
pub(super) fn lines(snapshot: &Snapshot, cells: usize) -> Vec<Words> {
    let mut lines = vec![title(snapshot, cells), progress(snapshot, cells), Words::default()];
    for (label, figures) in [
        ("robots", robots(snapshot)),
        ("messages", messages(snapshot)),
        ("errors", errors(snapshot)),
        ("generator", generator(snapshot)),
    ] {
        let label = Word::dim(format!("{label:<LABEL$}"));
        lines.push(Words([vec![label], fitted(figures, cells.saturating_sub(LABEL))].concat()));
    }
    let failing = &snapshot.plan.failing;
    lines.extend(failing.first().map(|first| {
        let said = crate::plain::said_of(first, failing.len() - 1);
        let said = fit_end(&said, cells.saturating_sub(LABEL)).into_owned();
        Words::of([Word::dim(format!("{:<LABEL$}", "the run")), Word::new(said, Tone::Bad)])
    }));
    lines.push(Words::default());
    lines
}

/// The project and its target at the left, the clock at the right.
fn title(snapshot: &Snapshot, cells: usize) -> Words {
    let plan = &snapshot.plan;
    let elapsed = units::span(snapshot.elapsed.as_secs_f64());
    let clock = match plan.takes {
        Some(takes) => format!("{elapsed} of {}", units::span(takes.as_secs_f64())),
        None => elapsed,
    };
    let left = cells.saturating_sub(width(&clock) + 2);
    let project = fit(&clean(&plan.project), left).into_owned();
    let target = fit(&clean(&plan.target), left.saturating_sub(width(&project) + 2)).into_owned();
    let gap = cells.saturating_sub(width(&project) + 2 + width(&target) + width(&clock));
    Words::of([
        Word::new(project, Tone::Strong),
        Word::plain("  "),
        Word::new(target, Tone::Accent),
        Word::plain(" ".repeat(gap)),
        Word::plain(clock),
    ])
}

/// A bar where the plan's length is known, and what the plan does now.
fn progress(snapshot: &Snapshot, cells: usize) -> Words {
    let phase = clean(&snapshot.plan.phase).into_owned();
    let Some(takes) = snapshot.plan.takes.filter(|takes| !takes.is_zero()) else {
        return Words::of([Word::dim(fit(&phase, cells).into_owned())]);
    };
    let done = (snapshot.elapsed.as_secs_f64() / takes.as_secs_f64()).clamp(0.0, 1.0);
    let phase = fit(&phase, cells / 2).into_owned();
    let percent = format!("{:>4.0}%", (done * 100.0).floor());
    let bar = cells.saturating_sub(width(&phase) + width(&percent) + 2);
    let full = ((bar as f64) * done).round() as usize;
    Words::of([
        Word::new("━".repeat(full), Tone::Good),
        Word::dim("─".repeat(bar - full)),
        Word::plain(percent),
        Word::plain("  "),
        Word::dim(phase),
    ])
}

/// A figure with its label, which stay together or go together.
type Figure = Vec<Word>;

fn robots(snapshot: &Snapshot) -> Vec<Figure> {
    let robots = &snapshot.robots;
    let planned = robots.planned.max(robots.started);
    let mut figures = vec![vec![Word::new(format!("{} of {planned}", robots.alive), Tone::Strong)]];
    let toned = |count: u64, tone| if count > 0 { tone } else { Tone::Plain };
    // Once robots stop, states that nobody is in would only push the others off the line.
    let all = robots.stopped == 0;
    for (count, label, tone, shown) in [
        (robots.connecting, "connecting", Tone::Plain, all || robots.connecting > 0),
        (robots.logging_in, "logging in", Tone::Plain, all || robots.logging_in > 0),
        (robots.ready, "ready", toned(robots.ready, Tone::Good), true),
        (robots.failed, "failed", toned(robots.failed, Tone::Bad), true),
        (robots.stopped, "stopped", Tone::Plain, !all),
    ] {
        if shown {
            figures.push(labelled(count.to_string(), label, tone));
        }
    }
    figures
}

fn messages(snapshot: &Snapshot) -> Vec<Figure> {
    let interval = &snapshot.interval;
    let direction = |arrow: &str, messages: f64, bytes: f64| {
        let bytes = format!("  {}/s", units::bytes(bytes as u64));
        vec![Word::new(format!("{arrow} {}/s", units::rate(messages)), Tone::Strong), Word::plain(bytes)]
    };
    vec![
        direction("↑", interval.messages_sent, interval.bytes_sent),
        direction("↓", interval.messages_received, interval.bytes_received),
        labelled(units::count(snapshot.open_connections), "connections", Tone::Plain),
    ]
}

fn errors(snapshot: &Snapshot) -> Vec<Figure> {
    if snapshot.errors == 0 {
        return vec![vec![Word::new("none", Tone::Good)]];
    }
    let all = vec![Word::new(units::count(snapshot.errors), Tone::Bad)];
    let rate =
        snapshot.error_rate.map(|rate| labelled(units::percent(rate), "of what was tried", Tone::Plain));
    let now = labelled(format!("{}/s", units::rate(snapshot.interval.errors)), "now", Tone::Plain);
    [Some(all), rate, Some(now)].into_iter().flatten().collect()
}

/// Marked by the same bounds by which the whole run is judged, applied to the last second.
fn generator(snapshot: &Snapshot) -> Vec<Figure> {
    let interval = &snapshot.interval;
    let Some(lag) = &interval.lag else { return vec![vec![Word::dim("nothing measured yet")]] };
    let (share, bounds) = (interval.share_of_latency, &snapshot.plan.bounds);
    let late = lag.p99 > bounds.lag_p99_us && share.is_none_or(|share| share > bounds.share_of_latency);
    let tone = if late { Tone::Warn } else { Tone::Plain };
    let figures = [
        Some(vec![Word::plain(format!("lag p50 {}", units::time(lag.p50)))]),
        Some(vec![Word::new(format!("p99 {}", units::time(lag.p99)), tone)]),
        share.map(|share| labelled(units::percent(share), "of latency", tone)),
        interval.busiest_share.map(|share| {
            let tone = if share > bounds.cpu_p90 { Tone::Warn } else { Tone::Plain };
            vec![Word::new(format!("cpu {}", units::percent(share)), tone)]
        }),
        Some(vec![Word::plain(format!("max {}", units::time(lag.max)))]),
    ];
    figures.into_iter().flatten().collect()
}

fn labelled(figure: String, label: &str, tone: Tone) -> Figure {
    vec![Word::new(figure, tone), Word::dim(format!(" {label}"))]
}

/// As many figures as fit, three spaces apart: half a figure would be another one.
fn fitted(figures: Vec<Figure>, cells: usize) -> Vec<Word> {
    const GAP: &str = "   ";
    let mut words = Vec::new();
    let mut used = 0;
    for figure in figures {
        let gap = if words.is_empty() { "" } else { GAP };
        used += gap.len() + figure.iter().map(|word| width(&word.text)).sum::<usize>();
        if used > cells {
            break;
        }
        words.push(Word::plain(gap));
        words.extend(figure);
    }
    words
}
