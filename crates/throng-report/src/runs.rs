//! The list of runs that were kept.

use throng_metrics::units;

use crate::grid::{Column, Grid};
use crate::paint::{Colour, Tone, Word};
use crate::text::clean;

/// A run in the list.
#[derive(Clone, Debug)]
pub struct RunLine {
    /// Its number.
    pub number: i64,
    /// When it began, as a clock shows it.
    pub started: String,
    /// How long it took, in seconds.
    pub took_s: f64,
    /// How many robots were planned.
    pub robots: u64,
    /// Its verdict, or `running` or `crashed`.
    pub verdict: String,
    /// It was limited by the generator.
    pub limited: bool,
    /// Where the robots played.
    pub target: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its note.
    pub note: String,
}

/// A line for each run under a head, with a newline at its end.
pub fn run_list(runs: &[RunLine], cells: usize, colour: Colour) -> String {
    let columns =
        [Column::left(), Column::left(), Column::right(0), Column::right(0), Column::left(), Column::text()];
    let mut grid = Grid::new(columns);
    let heads = ["run", "started", "took", "robots", "verdict", "tags, note, target"];
    grid.row(heads.map(|head| Word::new(head, Tone::Strong)).into());
    for run in runs {
        grid.row(vec![
            Word::plain(run.number.to_string()),
            Word::plain(&run.started),
            Word::plain(units::span(run.took_s)),
            // A shape says as it goes how many there are.
            Word::plain(if run.robots > 0 { units::count(run.robots) } else { "-".to_owned() }),
            Word::new(said_verdict(run), tone(&run.verdict)),
            Word::plain(said(run)),
        ]);
    }
    grid.lines(cells, false).iter().map(|line| line.ansi(colour).trim_end().to_owned() + "\n").collect()
}

/// The verdict, with a mark where the figures say little about the server.
fn said_verdict(run: &RunLine) -> String {
    let limited = if run.limited { ", limited" } else { "" };
    format!("{}{limited}", clean(&run.verdict))
}

fn tone(verdict: &str) -> Tone {
    match verdict {
        "pass" => Tone::Good,
        "fail" => Tone::Bad,
        "running" => Tone::Accent,
        _ => Tone::Warn,
    }
}

fn said(run: &RunLine) -> String {
    let tags = run.tags.iter().map(|tag| format!("#{tag}"));
    let parts = tags.chain([run.note.clone(), run.target.clone()]);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).map(|part| clean(&part).into_owned()).collect();
    parts.join(" ")
}
