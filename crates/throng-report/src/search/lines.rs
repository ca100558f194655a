//! A search for the load a server bears: a line for each try, and what was found in one sentence.

use throng_metrics::units;
use throng_stats::{Knee, Tried};

use crate::paint::{Colour, Tone, Word, Words};
use crate::text::clean;

/// One try.
#[derive(Clone, Debug)]
pub struct SearchStep<'a> {
    /// The load.
    pub load: f64,
    /// It had held before.
    pub again: bool,
    /// What became of it.
    pub tried: Tried,
    /// The figure that decides, as a person reads it.
    pub figure: &'a str,
    /// Replies a second.
    pub throughput: f64,
    /// The 99th percentile of the generator's lag, in microseconds.
    pub lag_p99_us: Option<u64>,
    /// The run's number, if it was kept.
    pub run: Option<i64>,
    /// Why it did not hold, or what limited it.
    pub why: &'a str,
}

/// What stands above the lines: of what the load is, and of what the figure.
pub fn search_head(load: &str, figure: &str, colour: Colour) -> String {
    let text =
        format!("{load:>12}  {:<10} {:>12} {:>12} {:>10}  run", "", clean(figure), "replies/s", "lag p99");
    Words::of([Word::new(text, Tone::Strong)]).ansi(colour) + "\n"
}

/// A line for a try.
pub fn search_line(step: &SearchStep<'_>, colour: Colour) -> String {
    let (word, tone) = match step.tried {
        Tried::Held if step.again => ("held again", Tone::Good),
        Tried::Held => ("held", Tone::Good),
        Tried::Failed => ("failed", Tone::Bad),
        Tried::Limited => ("limited", Tone::Warn),
    };
    let lag = step.lag_p99_us.map_or_else(|| "-".to_owned(), units::time);
    let run = step.run.map_or_else(|| "-".to_owned(), |run| run.to_string());
    let figures =
        format!(" {:>12} {:>12} {lag:>10}  {run}", clean(step.figure), units::rate(step.throughput));
    let mut line = Words::of([
        Word::plain(format!("{:>12}  ", number(step.load))),
        Word::new(format!("{word:<10}"), tone),
        Word::plain(figures),
    ])
    .ansi(colour);
    line.push('\n');
    if !step.why.is_empty() {
        line += &Words::of([Word::dim(format!("{:>14}{}", "", clean(step.why)))]).ansi(colour);
        line.push('\n');
    }
    line
}

/// What was found, in one sentence; `of` is what the load is of, such as `robots`.
pub fn search_sentence(knee: &Knee, of: &str) -> String {
    match *knee {
        Knee::Found { load, fails_at } => format!(
            "The knee is at {} {of}: that held twice, and {} did not.",
            number(load),
            number(fails_at)
        ),
        Knee::BelowRange => {
            format!("Not found: not even the first load held. Search from fewer {of} (--from).")
        }
        Knee::AboveRange { load } => {
            format!("Not found: {} {of} still held. Search further (--to).", number(load))
        }
        Knee::Unsteady => {
            "Not found: what held once did not hold again. Hold each load for longer (--hold).".to_owned()
        }
        Knee::Limited { at, held: Some(held) } => format!(
            "Not found: at {} {of} throng itself was the limit. The server bears at least {} {of}.",
            number(at),
            number(held)
        ),
        Knee::Limited { at, held: None } => {
            format!("Not found: already at {} {of} throng itself was the limit.", number(at))
        }
    }
}

/// A load: robots are whole, rates may have a part.
fn number(load: f64) -> String {
    if load.fract() == 0.0 { format!("{load:.0}") } else { format!("{load:.2}") }
}
