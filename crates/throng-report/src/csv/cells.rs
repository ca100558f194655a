//! How figures stand in cells.

use std::time::Duration;

use csv::{Terminator, Writer, WriterBuilder};
use throng_metrics::{Histogram, Totals};

/// The percentiles of Locust's files, and what their columns are called.
pub(super) const PERCENTILES: [(f64, &str); 11] = [
    (0.5, "50%"),
    (0.66, "66%"),
    (0.75, "75%"),
    (0.8, "80%"),
    (0.9, "90%"),
    (0.95, "95%"),
    (0.98, "98%"),
    (0.99, "99%"),
    (0.999, "99.9%"),
    (0.9999, "99.99%"),
    (1.0, "100%"),
];

/// What Locust calls the row of all requests.
pub(super) const AGGREGATED: &str = "Aggregated";
/// Where there is no figure.
const NONE: &str = "N/A";

/// Lines end as Python's do.
pub(super) fn writer<W: std::io::Write>(out: W) -> Writer<W> {
    WriterBuilder::new().terminator(Terminator::CRLF).flexible(false).from_writer(out)
}

/// Microseconds as milliseconds, without noughts at the end.
pub(super) fn millis(us: f64) -> String {
    let text = format!("{:.3}", us / 1e3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn percentiles(histogram: &Histogram) -> impl Iterator<Item = String> + '_ {
    PERCENTILES.iter().map(|&(quantile, _)| match quantile {
        1.0 => histogram.max_us().map_or(NONE.to_owned(), |us| millis(us as f64)),
        _ => histogram.quantile_us(quantile).map_or(NONE.to_owned(), |us| millis(us as f64)),
    })
}

/// Median, average, minimum and maximum; noughts without samples, as Locust has them.
pub(super) fn figures(histogram: &Histogram) -> [String; 4] {
    let exact = |us: Option<u64>| millis(us.unwrap_or(0) as f64);
    [
        exact(histogram.quantile_us(0.5)),
        millis(histogram.mean_us().unwrap_or(0.0)),
        exact(histogram.min_us()),
        exact(histogram.max_us()),
    ]
}

/// A text that a spreadsheet does not take for a formula: servers choose some of them.
pub(super) fn text(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// A moment to the second. Seconds are closed a little before or after they are over: cut off, one of them would be there twice
/// and the next not at all.
pub(super) fn whole_seconds(at: Duration) -> u64 {
    at.saturating_add(Duration::from_millis(500)).as_secs()
}

/// One request name, or all of them.
#[derive(Default)]
pub(super) struct Line {
    pub(super) connection: String,
    pub(super) name: String,
    /// Requests that were answered or failed.
    pub(super) done: u64,
    pub(super) failed: u64,
    /// Bytes of replies.
    pub(super) bytes: u64,
    pub(super) latency: Histogram,
}

impl Line {
    /// The bytes of a reply on average, over those that failed too, as Locust has it.
    pub(super) fn content_size(&self) -> String {
        let average = if self.done > 0 { self.bytes as f64 / self.done as f64 } else { 0.0 };
        format!("{}", (average * 1e3).round() / 1e3)
    }
}

/// A line for each request name in the order of names, then that of all.
pub(super) fn lines(totals: &Totals) -> Vec<Line> {
    let mut lines: Vec<Line> = totals
        .requests()
        .iter()
        .map(|(key, row)| {
            let failed = row.counts.failures.total();
            Line {
                connection: key.connection.to_string(),
                name: key.name.to_string(),
                done: row.counts.ok.saturating_add(failed),
                failed,
                bytes: row.counts.bytes,
                latency: row.latency().clone(),
            }
        })
        .collect();
    lines.sort_by(|a, b| (&a.connection, &a.name).cmp(&(&b.connection, &b.name)));
    let sum = |of: fn(&Line) -> u64| lines.iter().map(of).fold(0, u64::saturating_add);
    let all = Line {
        connection: String::new(),
        name: AGGREGATED.to_owned(),
        done: sum(|line| line.done),
        failed: sum(|line| line.failed),
        bytes: sum(|line| line.bytes),
        latency: Histogram::of_all(lines.iter().map(|line| &line.latency)),
    };
    lines.push(all);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_as_exact_as_they_are_and_no_longer() {
        for (us, wanted) in [(0.0, "0"), (236.0, "0.236"), (12_300.0, "12.3"), (1_000_000.0, "1000")] {
            assert_eq!(millis(us), wanted);
        }
    }

    #[test]
    fn no_text_is_a_formula() {
        assert_eq!((text("=1+1").as_str(), text("Move").as_str()), ("'=1+1", "Move"));
    }
}
