//! A search on a terminal: a line for each try, and what was found in one sentence.

use throng_metrics::units;
use throng_stats::{Knee, Tried};

use super::SearchTry;
use crate::paint::{Colour, Tone, Word, Words};
use crate::text::clean;

/// What stands above the lines: of what the load is, and of what the figure.
pub fn search_head(load: &str, figure: &str, colour: Colour) -> String {
    let text =
        format!("{load:>12}  {:<13} {:>12} {:>12} {:>10}  run", "", clean(figure), "replies/s", "lag p99");
    Words::of([Word::new(text, Tone::Strong)]).ansi(colour) + "\n"
}

/// A line for a try.
pub fn search_line(tried: &SearchTry, colour: Colour) -> String {
    let (word, tone) = match tried.result {
        Tried::Held => ("held", Tone::Good),
        Tried::Failed => ("failed", Tone::Bad),
        Tried::Limited => ("limited", Tone::Warn),
    };
    let word = format!("{word}{}", if tried.again { " again" } else { "" });
    let lag = tried.lag_p99_us.map_or_else(|| "-".to_owned(), units::time);
    let run = tried.run.map_or_else(|| "-".to_owned(), |run| run.to_string());
    let figures =
        format!(" {:>12} {:>12} {lag:>10}  {run}", clean(&tried.figure), units::rate(tried.replies_per_s));
    let mut line = Words::of([
        Word::plain(format!("{:>12}  ", number(tried.load))),
        Word::new(format!("{word:<13}"), tone),
        Word::plain(figures),
    ])
    .ansi(colour);
    line.push('\n');
    if !tried.why.is_empty() {
        line += &Words::of([Word::dim(format!("{:>14}{}", "", clean(&tried.why)))]).ansi(colour);
        line.push('\n');
    }
    line
}

/// What was found, in one sentence; `of` is what the load is of, such as `robots`.
pub fn search_sentence(knee: &Knee, of: &str) -> String {
    match *knee {
        Knee::Found { load, fails_at } => format!(
            "The knee is at {} {of}: that held twice, and {} failed twice.",
            number(load),
            number(fails_at)
        ),
        Knee::BelowRange => {
            format!("Not found: not even the first load held, tried twice. Search from fewer {of} (--from).")
        }
        Knee::AboveRange { load } => {
            format!("Not found: {} {of} still held. Search further (--to).", number(load))
        }
        Knee::Unsteady => {
            "Not found: the same loads held and failed by turns. Hold each load for longer (--hold)."
                .to_owned()
        }
        Knee::Limited { at, held: Some(held) } => format!(
            "Not found: at {} {of} throng itself was the limit. The server bears at least {} {of}.",
            number(at),
            number(held)
        ),
        Knee::Limited { at, held: None } => {
            format!("Not found: already at {} {of} throng itself was the limit.", number(at))
        }
        Knee::BrokenOff { held: Some(held) } => {
            format!("Not found: the search was ended. Until then {} {of} held.", number(held))
        }
        Knee::BrokenOff { held: None } => "Not found: the search was ended.".to_owned(),
    }
}

/// A load: robots are whole, rates may have a part.
fn number(load: f64) -> String {
    if load.fract() == 0.0 { format!("{load:.0}") } else { format!("{load:.2}") }
}
