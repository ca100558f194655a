//! An earlier run as a threshold: what became worse since then fails the run.

use std::path::Path;

use throng_metrics::{Baseline, WorseFigure};
use throng_stats::{Comparison, Finding};
use throng_store::{Reference, RunId, RunState, Store, StoreError, StoredRun};

use super::compared::{CompareError, Compared, compared};
use crate::config::{BaselineSettings, StoreSettings};
use crate::exit::InputError;

/// The run that another one is judged by.
pub(super) struct Yardstick {
    run: StoredRun,
    tolerance: f64,
    phase: Option<String>,
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
        Ok(Some(Yardstick { run, tolerance: settings.tolerance, phase: settings.phase.clone() }))
    }

    /// Judges the run of that number, all of whose samples are in the file by now; gives also what must be known to trust it.
    pub(super) fn judge(&self, path: &Path, run: Option<RunId>) -> (Baseline, Vec<String>) {
        let baseline = Baseline { run: self.run.id.0, tolerance: self.tolerance, ..Baseline::default() };
        let failed = |why: String| (Baseline { failure: Some(why), ..baseline.clone() }, Vec::new());
        let Some(run) = run else { return failed("this run could not be kept".to_owned()) };
        let found = || -> Result<Compared, CompareError> {
            let store = Store::open(path)?;
            let judged = store.find(&Reference::Number(run))?;
            // It has come to its end, though that is not written yet.
            let judged = StoredRun { state: RunState::Ended, ..judged };
            compared(&store, [&self.run, &judged], self.tolerance, self.phase.as_deref())
        };
        match found() {
            Ok(Compared { comparison, phases, warnings, .. }) => {
                let count = |finding| comparison.count(finding) as u64;
                let (better, same) = (count(Finding::Better), count(Finding::NoDifferenceSeen));
                let worse = worse(&comparison);
                let figures = worse.len() as u64 + better + same;
                (Baseline { phases, figures, better, worse, ..baseline }, warnings)
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
