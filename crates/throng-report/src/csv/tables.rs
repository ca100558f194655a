//! What a run found, at its end.

use std::collections::HashMap;
use std::time::Duration;

use throng_metrics::{FailureKind, Kind, Stretch, Summary, Totals};

use super::cells::{PERCENTILES, figures, lines, percentiles, text, whole_seconds, writer};

/// More groups of failures than this are not told apart in time.
const MOST: usize = 1_000;

/// `PREFIX_stats.csv`: a row for each request name, and one for all.
///
/// # Errors
/// None that a text in memory could have.
pub fn csv_stats(totals: &Totals, took: Duration) -> csv::Result<Vec<u8>> {
    let mut out = writer(Vec::new());
    let heads = [
        "Type",
        "Name",
        "Request Count",
        "Failure Count",
        "Median Response Time",
        "Average Response Time",
        "Min Response Time",
        "Max Response Time",
        "Average Content Size",
        "Requests/s",
        "Failures/s",
    ];
    out.write_record(heads.into_iter().chain(PERCENTILES.map(|(_, head)| head)))?;
    let seconds = took.as_secs_f64();
    for line in lines(totals) {
        let rate = |count: u64| (if seconds > 0.0 { count as f64 / seconds } else { 0.0 }).to_string();
        let names = [text(&line.connection), text(&line.name)];
        let counts = [line.done.to_string(), line.failed.to_string()];
        let rates = [line.content_size(), rate(line.done), rate(line.failed)];
        let row = names.into_iter().chain(counts).chain(figures(&line.latency)).chain(rates);
        out.write_record(row.chain(percentiles(&line.latency)))?;
    }
    whole(out)
}

/// When each group of failures was seen first and last.
#[derive(Debug, Default)]
pub struct FailureTimes {
    /// By kind, name and message.
    seen: HashMap<(&'static str, String, String), (Duration, Duration)>,
}

impl FailureTimes {
    /// Notes what failed in a stretch.
    pub fn second(&mut self, stretch: &Stretch<'_>) {
        let at = stretch.at + stretch.took;
        for group in stretch.totals.failures() {
            let key = (group.kind.name(), group.name.to_string(), group.message.to_string());
            if self.seen.len() < MOST || self.seen.contains_key(&key) {
                self.seen.entry(key).or_insert((at, at)).1 = at;
            }
        }
    }

    fn of(&self, kind: FailureKind, name: &str, message: &str) -> Option<(Duration, Duration)> {
        self.seen.get(&(kind.name(), name.to_owned(), message.to_owned())).copied()
    }
}

/// `PREFIX_failures.csv`: a row for each group of failures.
///
/// # Errors
/// None that a text in memory could have.
pub fn csv_failures(summary: &Summary, times: &FailureTimes) -> csv::Result<Vec<u8>> {
    let mut out = writer(Vec::new());
    out.write_record(["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"])?;
    let started = summary.started_at_unix_s.unwrap_or(0);
    let moment = |at: Duration| {
        let second = i64::try_from(started.saturating_add(whole_seconds(at))).unwrap_or(i64::MAX);
        jiff::Timestamp::from_second(second).map_or_else(|_| String::new(), |moment| moment.to_string())
    };
    for failure in &summary.failures {
        let seen = times.of(failure.kind, &failure.name, &failure.message);
        let (first, last) = seen.map_or_else(Default::default, |(first, last)| (moment(first), moment(last)));
        out.write_record([
            text(&connection(summary, &failure.name)),
            text(&failure.name),
            format!("{}: {}", failure.kind.name(), failure.message),
            failure.count.to_string(),
            first,
            last,
        ])?;
    }
    whole(out)
}

/// The connection of a request; none where the name is not a request's, or one on several connections.
fn connection(summary: &Summary, name: &str) -> String {
    let mut found = summary.requests.iter().filter(|request| request.name == name);
    match (found.next(), found.next()) {
        (Some(request), None) => request.connection.clone(),
        _ => String::new(),
    }
}

/// `PREFIX_exceptions.csv`: a row for each error of a script.
///
/// # Errors
/// None that a text in memory could have.
pub fn csv_exceptions(summary: &Summary) -> csv::Result<Vec<u8>> {
    let mut out = writer(Vec::new());
    out.write_record(["Count", "Message", "Traceback", "Nodes"])?;
    for error in &summary.script_errors {
        let (message, traceback) = (text(&error.message), text(&error.traceback));
        out.write_record([error.count.to_string(), message, traceback, "local".to_owned()])?;
    }
    whole(out)
}

fn whole(out: csv::Writer<Vec<u8>>) -> csv::Result<Vec<u8>> {
    out.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}
