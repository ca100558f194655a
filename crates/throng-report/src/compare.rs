//! Two runs beside each other: what differs, and what may be noise.

use throng_metrics::units;
use throng_stats::{Change, Comparison, Finding, Metric, Row};

use crate::grid::{Column, Grid};
use crate::paint::{Colour, Tone, Word, Words};
use crate::text::{clean, wrap};

/// Two runs beside each other, and what must be known of them.
#[derive(Clone, Debug)]
pub struct CompareView<'a> {
    /// The runs' numbers.
    pub runs: [i64; 2],
    /// What differs.
    pub comparison: &'a Comparison,
    /// Which seconds were compared, such as `those in which the plan held`.
    pub which: &'a str,
    /// What a reader must know to trust the figures.
    pub warnings: &'a [String],
    /// Whether rows without a difference are shown too.
    pub all: bool,
}

/// What was found, in one sentence.
pub fn compare_sentence(runs: [i64; 2], comparison: &Comparison) -> String {
    let [a, b] = runs;
    let [worse, better, same] =
        [Finding::Worse, Finding::Better, Finding::NoDifferenceSeen].map(|finding| comparison.count(finding));
    let compared = worse + better + same;
    match (worse, better) {
        _ if compared == 0 => format!("Too little was recorded to compare run {b} with run {a}."),
        (0, 0) => format!(
            "No difference seen between run {a} and run {b}: what differs may be noise or is too small."
        ),
        (worse, 0) => format!("Run {b} is worse than run {a} in {worse} of {compared} figures."),
        (0, better) => format!("Run {b} is better than run {a} in {better} of {compared} figures."),
        (worse, better) => {
            format!("Run {b} is worse than run {a} in {worse} and better in {better} of {compared} figures.")
        }
    }
}

/// The sentence, the warnings and a table, with a newline at its end.
pub fn compare_report(view: &CompareView<'_>, cells: usize, colour: Colour) -> String {
    let comparison = view.comparison;
    let tone = match (comparison.count(Finding::Worse), comparison.count(Finding::Better)) {
        (0, 0) => Tone::Strong,
        (0, _) => Tone::Good,
        _ => Tone::Bad,
    };
    let mut lines = Vec::new();
    let mut say = |text: &str, tone: Tone| {
        lines.extend(wrap(text, cells).into_iter().map(|line| Words::of([Word::new(line, tone)])));
    };
    say(&compare_sentence(view.runs, comparison), tone);
    view.warnings.iter().for_each(|warning| say(&format!("! {}.", clean(warning)), Tone::Warn));
    let [a, b] = comparison.seconds.map(units::span);
    let (which, blocks) = (clean(view.which), comparison.blocks);
    say(&format!("Compared: {a} and {b}, {which}, in {blocks} blocks each."), Tone::Dim);
    let rows: Vec<&Row> =
        comparison.rows.iter().filter(|row| view.all || row.finding.is_difference()).collect();
    if !rows.is_empty() {
        lines.push(Words::default());
        lines.extend(table(view.runs, &rows).lines(cells, false));
    }
    let hidden = [Finding::NoDifferenceSeen, Finding::TooLittle]
        .map(|finding| (comparison.count(finding), finding.name()))
        .into_iter()
        .filter(|&(count, _)| count > 0 && !view.all)
        .map(|(count, name)| format!("{count} {name}"))
        .collect::<Vec<_>>();
    if !hidden.is_empty() {
        lines.push(Words::of([Word::dim(format!("not shown: {}; --all shows them", hidden.join(", ")))]));
    }
    lines.iter().map(|line| line.ansi(colour) + "\n").collect()
}

/// A line for each message, under it one for each of its metrics: names are long, and lines are short.
fn table(runs: [i64; 2], rows: &[&Row]) -> Grid {
    let right = Column::right(0);
    let mut grid = Grid::new([Column::left(), right, right, right, right, Column::text()]);
    let [a, b] = runs.map(|run| format!("run {run}"));
    let heads = ["", &a, &b, "change", "95% interval", "verdict"];
    grid.row(heads.map(|head| Word::new(head, Tone::Strong)).into());
    let mut above = None;
    for row in rows {
        if above != Some((&row.message, row.finding)) {
            above = Some((&row.message, row.finding));
            grid.note(Words::of([Word::plain(clean(&row.message))]));
        }
        let tone = match row.finding {
            Finding::Worse => Tone::Bad,
            Finding::Better => Tone::Good,
            _ => Tone::Dim,
        };
        let (by, interval) = row.change.map_or_else(Default::default, |change| changed(row.metric, change));
        grid.row(vec![
            Word::plain(format!("  {}", row.metric.name())),
            Word::plain(value(row.metric, row.a)),
            Word::plain(value(row.metric, row.b)),
            Word::new(by, tone),
            Word::dim(interval),
            Word::new(row.finding.name(), tone),
        ]);
    }
    grid
}

fn value(metric: Metric, value: Option<f64>) -> String {
    let Some(value) = value else { return "-".into() };
    match metric {
        Metric::P50 | Metric::P99 | Metric::Mean => units::time(value.round() as u64),
        Metric::Throughput => format!("{}/s", units::rate(value)),
        Metric::ErrorRate => units::percent(value),
    }
}

/// The change and its interval.
fn changed(metric: Metric, change: Change) -> (String, String) {
    let (unit, decimals) = if metric.is_relative() { ("%", 1) } else { (" pt", 2) };
    let one = |share: f64| {
        let shown = format!("{:+.decimals$}", share * 100.0);
        // Nothing has no sign.
        if shown.bytes().any(|b| (b'1'..=b'9').contains(&b)) { shown } else { shown[1..].to_owned() }
    };
    let Change { by, low, high } = change;
    (format!("{}{unit}", one(by)), format!("{} to {}{unit}", one(low), one(high)))
}
