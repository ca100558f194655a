//! The files a report is written to. What cannot be written is refused before anything runs.

use crate::cli::FileFlags;
use crate::exit::InputError;
use crate::junit;
use anyhow::Context;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Duration;
use throng_metrics::{Stretch, Summary, Totals};
use throng_report::{
    CsvHistory, FailureTimes, HistoryRows, HtmlReport, KeptRun, Timeline, csv_exceptions, csv_failures,
    csv_stats, html_report, write_file, write_json,
};

/// What is gathered for the files while a run goes on, or is read again.
pub(crate) struct Files<'a> {
    flags: &'a FileFlags,
    timeline: Option<Timeline>,
    csv: Option<Csv>,
}

/// Locust's files, one of which is written second by second.
struct Csv {
    prefix: PathBuf,
    history: CsvHistory<BufWriter<File>>,
    /// What went wrong with it first.
    failed: Option<io::Error>,
    times: FailureTimes,
}

/// A run that is over, for its files.
#[derive(Clone, Copy)]
pub(crate) struct Ended<'a> {
    pub(crate) summary: &'a Summary,
    pub(crate) totals: &'a Totals,
    pub(crate) took: Duration,
    pub(crate) kept: Option<KeptRun<'a>>,
}

impl<'a> Files<'a> {
    /// Those that are asked for, of a run that began at `started_unix_s`, in seconds since 1970.
    ///
    /// # Errors
    /// One of them has no folder, or is one.
    pub(crate) fn open(flags: &'a FileFlags, started_unix_s: u64) -> Result<Files<'a>, InputError> {
        for (flag, path) in [("--html", &flags.html), ("--json", &flags.json), ("--junit", &flags.junit)] {
            path.as_deref().map_or(Ok(()), |path| refuse_unwritable(flag, path))?;
        }
        let rows = if flags.csv_full_history { HistoryRows::All } else { HistoryRows::Aggregated };
        let csv = flags.csv.as_deref().map(|prefix| Csv::open(prefix, started_unix_s, rows)).transpose()?;
        Ok(Files { flags, timeline: flags.html.is_some().then(Timeline::default), csv })
    }

    /// What was recorded in the next stretch of the run.
    pub(crate) fn second(&mut self, stretch: &Stretch<'_>) {
        if let Some(timeline) = &mut self.timeline {
            timeline.push(stretch);
        }
        if let Some(csv) = &mut self.csv {
            csv.second(stretch);
        }
    }

    /// Writes all of them; gives those that are written, and the first that could not be.
    pub(crate) fn write(self, ended: &Ended<'_>) -> (Vec<PathBuf>, anyhow::Result<()>) {
        let (mut written, mut first) = (Vec::new(), Ok(()));
        let mut note = |path: &Path, result: anyhow::Result<()>| match result {
            Ok(()) => written.push(path.to_owned()),
            Err(error) if first.is_ok() => first = Err(error),
            Err(_) => {}
        };
        let &Ended { summary, kept, .. } = ended;
        if let (Some(path), Some(timeline)) = (&self.flags.html, &self.timeline) {
            let page = html_report(&HtmlReport { summary, timeline, kept }).context("cannot make the page");
            note(path, page.and_then(|page| Ok(write_file(path, page.as_bytes())?)));
        }
        if let Some(path) = &self.flags.json {
            note(path, write_json(path, summary).map_err(Into::into));
        }
        if let Some(path) = &self.flags.junit {
            let xml = junit::of_run(summary).context("cannot make the JUnit report");
            note(path, xml.and_then(|xml| Ok(write_file(path, xml.as_bytes())?)));
        }
        if let Some(csv) = self.csv {
            csv.write(ended, &mut note);
        }
        (written, first)
    }
}

impl Csv {
    fn open(prefix: &Path, started_unix_s: u64, rows: HistoryRows) -> Result<Csv, InputError> {
        for end in ["stats", "stats_history", "failures", "exceptions"] {
            refuse_unwritable("--csv", &named(prefix, end))?;
        }
        let path = named(prefix, "stats_history");
        let history = File::create(&path)
            .and_then(|file| CsvHistory::begin(BufWriter::new(file), started_unix_s, rows))
            .map_err(|error| InputError(format!("--csv {}: {error}", path.display())))?;
        Ok(Csv { prefix: prefix.to_owned(), history, failed: None, times: FailureTimes::default() })
    }

    fn second(&mut self, stretch: &Stretch<'_>) {
        self.times.second(stretch);
        // A disk that is full once has lost a second, and the whole is told at the end.
        if self.failed.is_none()
            && let Err(error) = self.history.second(stretch)
        {
            self.failed = Some(error);
        }
    }

    fn write(self, ended: &Ended<'_>, note: &mut impl FnMut(&Path, anyhow::Result<()>)) {
        let &Ended { summary, totals, took, .. } = ended;
        let made = [
            ("stats", csv_stats(totals, took)),
            ("failures", csv_failures(summary, &self.times)),
            ("exceptions", csv_exceptions(summary)),
        ];
        for (end, bytes) in made {
            let path = named(&self.prefix, end);
            let bytes = bytes.map_err(|error| error.to_string()).map_err(anyhow::Error::msg);
            note(&path, bytes.and_then(|bytes| Ok(write_file(&path, &bytes)?)));
        }
        let path = named(&self.prefix, "stats_history");
        let whole = self.failed.map_or(Ok(()), Err);
        note(&path, whole.with_context(|| format!("cannot write {}", path.display())));
    }
}

/// `PREFIX_stats.csv` and its siblings.
fn named(prefix: &Path, end: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(format!("_{end}.csv"));
    name.into()
}

/// Nobody should wait for the end of a run to learn that its report has no folder.
///
/// # Errors
/// There is none, or the report is one.
pub(crate) fn refuse_unwritable(flag: &str, path: &Path) -> Result<(), InputError> {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => path,
    };
    let why = match (path.is_dir(), folder.is_dir()) {
        (true, _) => "it is a folder".to_owned(),
        (false, false) => format!("there is no folder {}", folder.display()),
        (false, true) => return Ok(()),
    };
    Err(InputError(format!("{flag} {}: {why}", path.display())))
}
