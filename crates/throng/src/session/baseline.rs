//! An earlier run as a threshold: what became worse since then fails the run. Also what `throng compare` does, with two runs
//! that were kept.

use std::path::Path;
use std::time::Duration;

use throng_metrics::{Baseline, RunRecord, Totals, WorseFigure};
use throng_stats::{Comparison, Finding, LEAST_SECONDS, Question, Series, compare};
use throng_store::{Reference, RunId, RunState, Store, StoreError, StoredRun};

use crate::config::{BaselineSettings, StoreSettings};
use crate::exit::InputError;

/// The last second of a run is often a part of one, and its rates say nothing.
const SHORTEST_STRETCH: Duration = Duration::from_millis(500);

/// Two runs that were kept, compared.
pub(crate) struct Compared {
    pub(crate) comparison: Comparison,
    pub(crate) question: Question,
    /// Whether only the seconds in which the plans held were compared.
    pub(crate) held: bool,
    /// What a reader must know to trust the figures.
    pub(crate) warnings: Vec<String>,
}

/// Compares `b` with `a`; `smallest` is the share below which a change does not matter.
///
/// # Errors
/// The samples of a run cannot be read.
pub(crate) fn compared(
    store: &Store,
    a: &StoredRun,
    b: &StoredRun,
    smallest: f64,
) -> Result<Compared, StoreError> {
    let [a, b] = [played(store, a)?, played(store, b)?];
    let held = [&a, &b].iter().all(|run| run.hold.seconds() >= LEAST_SECONDS);
    let [first, second] = [&a, &b].map(|run| if held { &run.hold } else { &run.played });
    let question = Question { smallest, ..Question::default() };
    let comparison = compare(first, second, &question);
    let warnings = warnings(&a, &b, held, &comparison);
    Ok(Compared { comparison, question, held, warnings })
}

/// A run with what was recorded in it.
struct Played<'a> {
    run: &'a StoredRun,
    /// The seconds in which the plan neither ramped nor stopped.
    hold: Series,
    /// All but those in which it stopped.
    played: Series,
    /// Why the generator was the limit, if it was.
    limited: bool,
}

fn played<'a>(store: &Store, run: &'a StoredRun) -> Result<Played<'a>, StoreError> {
    let (mut hold, mut played) = (Series::default(), Series::default());
    let mut totals = Totals::default();
    store.samples(run.id, |stored| {
        totals.absorb(&stored.sample);
        if stored.phase == "stop" || stored.took < SHORTEST_STRETCH {
            return;
        }
        let mut stretch = Totals::default();
        stretch.absorb(&stored.sample);
        played.push_totals(stored.took, &stretch);
        if stored.phase == "hold" {
            hold.push_totals(stored.took, &stretch);
        }
    })?;
    // A record that another version wrote may be unreadable here, and then the usual bounds will do.
    let record: RunRecord = serde_json::from_str(&run.begun.record).unwrap_or_default();
    let limited = !record.bounds.judge(totals.generator()).is_empty();
    Ok(Played { run, hold, played, limited })
}

fn warnings(a: &Played<'_>, b: &Played<'_>, held: bool, comparison: &Comparison) -> Vec<String> {
    let mut warnings = Vec::new();
    let (was, is) = (&a.run.begun, &b.run.begun);
    let robots = [was, is].map(|run| run.robots.to_string());
    let facts = [
        ("the projects", &was.project, &is.project),
        ("the targets", &was.target, &is.target),
        ("the numbers of robots", &robots[0], &robots[1]),
        ("the machines that drove the robots", &was.host, &is.host),
        ("the versions of throng", &was.version, &is.version),
    ];
    let differ = facts.iter().filter(|(_, was, is)| was != is);
    warnings.extend(differ.map(|(what, was, is)| format!("{what} differ: {was} and {is}")));
    for run in [a, b] {
        if run.limited {
            warnings.push(format!(
                "run {} was limited by the generator: its figures say little about the server",
                run.run.id
            ));
        }
        if run.run.state != RunState::Ended {
            warnings.push(format!("run {} has no end: it is {}", run.run.id, run.run.state.name()));
        }
    }
    if comparison.seconds.iter().any(|&seconds| seconds < LEAST_SECONDS) {
        warnings
            .push(format!("fewer than {LEAST_SECONDS} seconds of a run: only large differences can be seen"));
    } else if !held {
        warnings.push(format!(
            "ramps are compared too, because the plan of a run held for less than {LEAST_SECONDS} seconds"
        ));
    }
    warnings
}

/// The run that another one is judged by.
pub(super) struct Yardstick {
    run: StoredRun,
    tolerance: f64,
}

impl Yardstick {
    /// Finds the run that the settings name, if they name one.
    ///
    /// # Errors
    /// There is no such run, or the run to be judged would not be kept.
    pub(super) fn find(
        settings: &BaselineSettings,
        store: &StoreSettings,
        kept: bool,
    ) -> Result<Option<Yardstick>, InputError> {
        let Some(name) = &settings.run else { return Ok(None) };
        let refused = |error: StoreError| InputError(format!("the baseline '{name}': {error}"));
        if !kept {
            return Err(InputError(format!(
                "the baseline '{name}': a run is compared as it is kept, and this one would not be kept"
            )));
        }
        let reference: Reference = name.parse().map_err(refused)?;
        let run = Store::open(&store.path).and_then(|store| store.find(&reference)).map_err(refused)?;
        Ok(Some(Yardstick { run, tolerance: settings.tolerance }))
    }

    /// Judges the run of that number, all of whose samples are in the file by now; gives also what must be known to trust it.
    pub(super) fn judge(&self, path: &Path, run: Option<RunId>) -> (Baseline, Vec<String>) {
        let baseline = Baseline { run: self.run.id.0, tolerance: self.tolerance, ..Baseline::default() };
        let failed = |why: String| (Baseline { failure: Some(why), ..baseline.clone() }, Vec::new());
        let Some(run) = run else { return failed("this run could not be kept".to_owned()) };
        let found = Store::open(path).and_then(|store| {
            let judged = store.find(&Reference::Number(run))?;
            // It has come to its end, though that is not written yet.
            let judged = StoredRun { state: RunState::Ended, ..judged };
            compared(&store, &self.run, &judged, self.tolerance)
        });
        match found {
            Ok(Compared { comparison, warnings, .. }) => {
                let count = |finding| comparison.count(finding) as u64;
                let (better, same) = (count(Finding::Better), count(Finding::NoDifferenceSeen));
                let worse = worse(&comparison);
                let figures = worse.len() as u64 + better + same;
                (Baseline { figures, better, worse, ..baseline }, warnings)
            }
            Err(error) => failed(error.to_string()),
        }
    }
}

fn worse(comparison: &Comparison) -> Vec<WorseFigure> {
    let worse = comparison.rows.iter().filter(|row| row.finding == Finding::Worse);
    let figure = |row: &throng_stats::Row| {
        Some(WorseFigure {
            message: row.message.clone(),
            metric: row.metric.name().replace(' ', "_"),
            was: row.a?,
            is: row.b?,
            change: row.change?.by,
        })
    };
    worse.filter_map(figure).collect()
}
