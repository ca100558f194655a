//! The parts of the end report that say what went wrong, and how well the generator itself did.

use throng_metrics::{Spread, Summary, units};

use crate::paint::{Tone, Word, Words};
use crate::text::{clean, clean_lines, fit_end, wrap, wrap_parts};

/// No more groups than this; the JSON report has all of them.
const MOST_GROUPS: usize = 8;
/// No more lines of a sample or a traceback than this.
const MOST_LINES: usize = 8;

/// Groups of failures, each with its first sample.
pub(super) fn failures(summary: &Summary, cells: usize) -> Vec<Words> {
    if summary.failures.is_empty() {
        return Vec::new();
    }
    let rate = summary
        .errors
        .rate
        .map_or_else(String::new, |rate| format!(", {} of what was tried", units::percent(rate)));
    let mut lines = vec![Words::of([
        Word::new("Errors", Tone::Strong),
        Word::dim(format!("  {} in all{rate}", units::count(summary.errors.count))),
    ])];
    for group in summary.failures.iter().take(MOST_GROUPS) {
        let kind = group.kind.to_string();
        let mut head = vec![
            Word::new(format!("{:>6} × ", units::count(group.count)), Tone::Bad),
            Word::new(kind.as_str(), Tone::Warn),
        ];
        // An error of a script has no other name.
        if *group.name != *kind {
            head.push(Word::plain(format!("  {}", fit_end(&clean(&group.name), cells / 2))));
        }
        lines.push(Words::of(head));
        lines.extend(
            wrap(&clean(&group.message), cells - 9)
                .into_iter()
                .map(|line| indented(&line, Tone::Plain, cells)),
        );
        lines.extend(quoted(group.sample.as_deref().unwrap_or(""), cells));
    }
    lines.extend(left_out(summary.failures.len()));
    lines
}

/// Groups of script errors, each with its traceback.
pub(super) fn script_errors(summary: &Summary, cells: usize) -> Vec<Words> {
    if summary.script_errors.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Words::of([Word::new("Script errors", Tone::Strong)])];
    for group in summary.script_errors.iter().take(MOST_GROUPS) {
        let message = wrap(&clean(&group.message), cells - 9);
        for (at, line) in message.into_iter().enumerate() {
            let head = if at == 0 { format!("{:>6} × ", units::count(group.count)) } else { " ".repeat(9) };
            lines.push(Words::of([Word::new(head, Tone::Bad), Word::plain(line)]));
        }
        lines.extend(quoted(&group.traceback, cells));
    }
    lines.extend(left_out(summary.script_errors.len()));
    lines
}

/// The generator's lag, its longest stall, its share of the waits.
pub(super) fn generator(summary: &Summary, cells: usize) -> Vec<Words> {
    let generator = &summary.generator;
    let mut parts = Vec::new();
    parts.push(match &generator.lag_us {
        Some(lag) => format!("lag {}", spread(lag)),
        None => "lag not measured".into(),
    });
    if generator.longest_stall_us > 0 {
        parts.push(format!("longest stall {}", units::time(generator.longest_stall_us)));
    }
    if let Some(share) = generator.share_of_latency {
        parts.push(format!("{} of the waits for replies", units::percent(share)));
    }
    match (generator.cpu_share, generator.busiest_cpu_share) {
        (Some(mean), Some(busiest)) => {
            parts.push(format!(
                "{} of a core per shard, at most {}",
                units::percent(mean),
                units::percent(busiest)
            ));
        }
        (Some(mean), None) => parts.push(format!("{} of a core per shard", units::percent(mean))),
        _ => {}
    }
    let mut lines = vec![Words::of([Word::new("Generator", Tone::Strong)])];
    let tone = if generator.limited { Tone::Warn } else { Tone::Plain };
    lines.extend(joined(&parts, tone, cells));
    if generator.limited {
        let sources = generator.lag_by_source.iter().map(|(source, lag)| format!("{source} {}", spread(lag)));
        lines.extend(joined(&sources.collect::<Vec<_>>(), Tone::Dim, cells));
    }
    lines
}

fn joined(parts: &[String], tone: Tone, cells: usize) -> Vec<Words> {
    let lines = wrap_parts(parts, " · ", cells - 2).into_iter();
    lines.map(|line| Words::of([Word::new(format!("  {line}"), tone)])).collect()
}

fn spread(lag: &Spread) -> String {
    format!("p50 {}, p99 {}, max {}", units::time(lag.p50), units::time(lag.p99), units::time(lag.max))
}

fn quoted(text: &str, cells: usize) -> Vec<Words> {
    let all: Vec<String> = clean_lines(text).filter(|line| !line.is_empty()).collect();
    let mut lines: Vec<Words> =
        all.iter().take(MOST_LINES).map(|line| indented(line, Tone::Dim, cells)).collect();
    if all.len() > MOST_LINES {
        lines.push(indented(&format!("... and {} lines more", all.len() - MOST_LINES), Tone::Dim, cells));
    }
    lines
}

fn indented(line: &str, tone: Tone, cells: usize) -> Words {
    Words::of([Word::new(format!("         {}", fit_end(line, cells - 9)), tone)])
}

fn left_out(groups: usize) -> Option<Words> {
    let more = groups.saturating_sub(MOST_GROUPS);
    (more > 0).then(|| Words::of([Word::dim(format!("  and {more} more, less frequent"))]))
}
