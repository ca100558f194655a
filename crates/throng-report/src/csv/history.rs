//! What happened second by second, written as it happens.

use std::collections::HashMap;
use std::io::{self, Write};

use csv::Writer;
use throng_metrics::Stretch;

use super::cells::{AGGREGATED, Line, PERCENTILES, figures, lines, percentiles, text, whole_seconds, writer};

/// Which rows a second has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryRows {
    /// All requests together.
    Aggregated,
    /// Each request too.
    All,
}

/// `PREFIX_stats_history.csv`: each second is written when it is over.
#[derive(Debug)]
pub struct CsvHistory<W: Write> {
    out: Writer<W>,
    started_unix_s: u64,
    rows: HistoryRows,
}

impl<W: Write> CsvHistory<W> {
    /// Writes the heads of the columns; the run began at `started_unix_s`, in seconds since 1970.
    ///
    /// # Errors
    /// Whatever `out` says.
    pub fn begin(out: W, started_unix_s: u64, rows: HistoryRows) -> io::Result<Self> {
        let mut out = writer(out);
        let before = ["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"];
        let after = [
            "Total Request Count",
            "Total Failure Count",
            "Total Median Response Time",
            "Total Average Response Time",
            "Total Min Response Time",
            "Total Max Response Time",
            "Total Average Content Size",
        ];
        let heads = before.into_iter().chain(PERCENTILES.map(|(_, head)| head)).chain(after);
        out.write_record(heads)?;
        out.flush()?;
        Ok(Self { out, started_unix_s, rows })
    }

    /// Writes a second, and hands it to the system.
    ///
    /// # Errors
    /// Whatever the file says.
    pub fn second(&mut self, stretch: &Stretch<'_>) -> io::Result<()> {
        let at = self.started_unix_s.saturating_add(whole_seconds(stretch.at + stretch.took));
        let seconds = stretch.took.as_secs_f64();
        let now = lines(stretch.totals);
        let so_far = lines(stretch.run);
        // A second that has few names has rows of its own for what is among all others in the whole.
        let now: HashMap<_, _> = now.iter().map(|line| ((&line.connection, &line.name), line)).collect();
        let empty = Line::default();
        for whole in &so_far {
            let line = now.get(&(&whole.connection, &whole.name)).copied();
            if self.rows == HistoryRows::Aggregated && whole.name != AGGREGATED {
                continue;
            }
            let line = line.unwrap_or(&empty);
            let rate =
                |count: u64| format!("{:.6}", if seconds > 0.0 { count as f64 / seconds } else { 0.0 });
            let before = [
                at.to_string(),
                stretch.run.robots().alive.to_string(),
                text(&whole.connection),
                text(&whole.name),
                rate(line.done),
                rate(line.failed),
            ];
            let totals = [whole.done.to_string(), whole.failed.to_string()];
            let after = totals.into_iter().chain(figures(&whole.latency)).chain([whole.content_size()]);
            self.out.write_record(before.into_iter().chain(percentiles(&line.latency)).chain(after))?;
        }
        self.out.flush()
    }
}
