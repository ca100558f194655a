//! What a person reads when a run is over: the verdict first, the next commands last.
//!
//! Each part is a function of the summary and gives nothing when there is nothing to say: [`tables`] and [`phases`]
//! have what is shown in columns, [`troubles`] the errors and the generator.

mod connections;
mod load;
mod phases;
mod tables;
mod troubles;

use std::path::PathBuf;

use throng_metrics::{Summary, ThresholdSummary, Verdict, units};

use crate::grid::{Column, Grid};
use crate::paint::{Colour, Tone, Word, Words};
use crate::text::{clean, fit_end, width, wrap, wrap_parts};

/// Narrower terminals get lines of this width all the same.
const NARROWEST: usize = 60;

/// How the report looks, and what it mentions.
#[derive(Clone, Copy, Debug)]
pub struct EndStyle<'a> {
    /// How many cells a line may take; below 60 it is 60.
    pub width: usize,
    /// Whether colour is wanted.
    pub colour: Colour,
    /// Where reports were written.
    pub reports: &'a [PathBuf],
    /// Where the run was kept, in words.
    pub kept: Option<&'a str>,
    /// Commands worth typing next.
    pub next: &'a [String],
}

/// The end of a run for a person, with a newline at its end.
pub fn end_report(summary: &Summary, style: &EndStyle<'_>) -> String {
    let cells = style.width.max(NARROWEST);
    let blocks = [
        verdict(summary, cells),
        thresholds(summary, cells),
        load::arrivals(summary, cells),
        load::scenarios(summary, cells),
        load::storms(summary, cells),
        phases::phases(summary, cells),
        tables::timed(summary, cells),
        tables::schedules(summary, cells),
        tables::pushes_and_sends(summary, cells),
        tables::orders(summary, cells),
        connections::connections(summary, cells),
        tables::checks_and_counters(summary, cells),
        troubles::failures(summary, cells),
        troubles::script_errors(summary, cells),
        troubles::generator(summary, cells),
        outlook(style),
    ];
    let mut text = String::new();
    for block in blocks.iter().filter(|block| !block.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        for line in block {
            text.push_str(&line.ansi(style.colour));
            text.push('\n');
        }
    }
    text
}

fn verdict(summary: &Summary, cells: usize) -> Vec<Words> {
    let (sign, tone) = match summary.verdict {
        Verdict::Pass => ("✓ pass", Tone::Good),
        Verdict::Fail => ("✗ fail", Tone::Bad),
        Verdict::Broken => ("! broken", Tone::Warn),
        Verdict::Interrupted => ("! interrupted", Tone::Warn),
    };
    let mut lines = Vec::new();
    let indent = width(sign) + 2;
    for (at, line) in wrap(&clean(&summary.reason), cells - indent).into_iter().enumerate() {
        let head =
            if at == 0 { Word::new(format!("{sign}  "), tone) } else { Word::plain(" ".repeat(indent)) };
        lines.push(Words::of([head, Word::new(line, Tone::Strong)]));
    }
    let limits = summary.generator.limited_by.iter();
    let limits = limits.map(|reason| format!("limited by the generator: {}.", clean(reason)));
    let warnings = summary.warnings.iter().map(|warning| format!("{}.", clean(warning)));
    for text in limits.chain(warnings) {
        lines.extend(wrap(&text, cells - 2).into_iter().enumerate().map(|(at, line)| {
            Words::of([Word::new(if at == 0 { "! " } else { "  " }, Tone::Warn), Word::new(line, Tone::Warn)])
        }));
    }
    let circumstances = wrap_parts(&circumstances(summary), " · ", cells - 2);
    lines.extend(circumstances.into_iter().map(|line| Words::of([Word::dim(format!("  {line}"))])));
    lines
}

fn circumstances(summary: &Summary) -> Vec<String> {
    let robots = &summary.robots;
    let mut parts = Vec::new();
    if !summary.project.is_empty() {
        let target =
            if summary.target.is_empty() { String::new() } else { format!(" on {}", summary.target) };
        parts.push(format!("{}{target}", summary.project));
    }
    parts.push(units::span(summary.duration_s));
    let mut started = format!("{} of {} robots started", robots.started, robots.planned.max(robots.started));
    started +=
        &format!(", {} ready, {} failed, at most {} at once", robots.ready, robots.failed, robots.peak);
    parts.push(started);
    if let Some(rates) = &robots.rate_per_s.filter(|rates| rates.max > 0.0) {
        let [low, median, high] = [rates.p5, rates.p50, rates.p95].map(units::rate);
        parts.push(format!("each robot {median} messages a second (p5 {low}, p95 {high})"));
    }
    let (bytes, messages) = (&summary.bytes, &summary.messages);
    parts.push(format!("{} messages ({}) sent", units::count(messages.sent), units::bytes(bytes.sent)));
    parts.push(format!(
        "{} messages ({}) received",
        units::count(messages.received),
        units::bytes(bytes.received)
    ));
    parts.iter().map(|part| clean(part).into_owned()).collect()
}

fn thresholds(summary: &Summary, cells: usize) -> Vec<Words> {
    if summary.thresholds.is_empty() {
        return Vec::new();
    }
    let beside = threshold_grid(summary, cells, true);
    let fits = beside.first_width() + beside.fixed_width() <= cells;
    let grid = if fits { beside } else { threshold_grid(summary, cells, false) };
    grid.lines(cells, false)
}

/// A line for each threshold; what else there is to say of it stands beside its figure, or below where keys would be cut for it.
fn threshold_grid(summary: &Summary, cells: usize, beside: bool) -> Grid {
    let mut grid = Grid::new([Column::left(), Column::left(), Column::text()]);
    grid.row(vec![Word::new("Thresholds", Tone::Strong)]);
    for threshold in &summary.thresholds {
        let (sign, tone) = if threshold.passed { ("✓", Tone::Good) } else { ("✗", Tone::Bad) };
        let (mut was, more) = (was(threshold), more(threshold));
        if beside {
            was += &more;
        }
        grid.row(vec![
            Word::new(format!("  {sign} {}", clean(&threshold.key)), tone),
            Word::plain(clean(&threshold.condition)),
            Word::new(was, if threshold.passed { Tone::Plain } else { Tone::Bad }),
        ]);
        let nearest = threshold.nearest.as_ref().map(|nearest| format!("did you mean {}?", clean(nearest)));
        let below = (!beside && !more.is_empty()).then(|| more.trim_start_matches([',', ' ']).to_owned());
        for text in below.into_iter().chain(nearest) {
            let text = format!("    {text}");
            grid.note(Words::of([Word::dim(fit_end(&text, cells).into_owned())]));
        }
    }
    grid
}

fn was(threshold: &ThresholdSummary) -> String {
    match threshold.value {
        Some(_) => format!("was {}", clean(&threshold.actual)),
        None => clean(&threshold.actual).into_owned(),
    }
}

/// That it ended the run, and which name decided.
fn more(threshold: &ThresholdSummary) -> String {
    let ended = if threshold.ended_run { ", which ended the run" } else { "" };
    let by = threshold.decided_by.as_ref();
    ended.to_owned() + &by.map_or_else(String::new, |name| format!(" ({})", clean(name)))
}

fn outlook(style: &EndStyle<'_>) -> Vec<Words> {
    let mut lines = Vec::new();
    for path in style.reports {
        let path = path.display().to_string();
        lines.push(Words::of([Word::dim("report  "), Word::plain(clean(&path))]));
    }
    if let Some(kept) = style.kept {
        lines.push(Words::of([Word::dim("kept    "), Word::plain(clean(kept))]));
    }
    for (at, command) in style.next.iter().enumerate() {
        let label = if at == 0 { "next    " } else { "        " };
        lines.push(Words::of([Word::dim(label), Word::new(clean(command), Tone::Accent)]));
    }
    lines
}
