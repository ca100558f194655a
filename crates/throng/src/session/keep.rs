//! The run as it is kept in the run store. What goes wrong there is told and ends nothing: a run is worth more than its copy.

use super::prepare::Prepared;
use crate::cli::ScreenFlags;
use std::time::{SystemTime, UNIX_EPOCH};
use throng_metrics::{RunEnd, RunRecord, Stretch, Summary};
use throng_store::{Ending, NewRun, RunId, Writer};

/// The end of a run that never came to one.
const CRASHED: &str = "throng itself came to no end; what it had recorded until then is here";

/// Writes the run, if it is wanted and can be written.
pub(super) struct Keeper {
    writer: Option<Writer>,
}

impl Keeper {
    pub(super) fn begin(prepared: &Prepared, flags: &ScreenFlags, record: &RunRecord) -> Keeper {
        if flags.no_store || !prepared.store.enabled {
            return Keeper { writer: None };
        }
        let record = RunRecord { end: RunEnd::Broken(CRASHED.to_owned()), ..record.clone() };
        let run = NewRun {
            project: prepared.name.clone(),
            target: prepared.project.host.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: prepared.environment.host.clone(),
            started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            robots: prepared.schedule.peak(),
            seed: prepared.settings.seed,
            record: written(&record),
            tags: flags.tag_run.clone(),
            note: flags.note.clone(),
        };
        let writer = Writer::begin(&prepared.store.path, &run)
            .inspect_err(|error| eprintln!("warning: this run is not kept: {error}"));
        Keeper { writer: writer.ok() }
    }

    /// The second that was closed last.
    pub(super) fn second(&mut self, second: Stretch<'_>) {
        if let Some(writer) = &mut self.writer {
            writer.write(second);
        }
    }

    /// The run's number, if it is kept; all its samples are in the file then.
    pub(super) fn written(&self) -> Option<RunId> {
        let writer = self.writer.as_ref()?;
        writer.flush();
        Some(writer.run())
    }

    /// The end; gives the run's number, if it is kept.
    pub(super) fn end(self, record: &RunRecord, summary: &Summary) -> Option<RunId> {
        let writer = self.writer?;
        let run = writer.run();
        let end = writer.end(Ending {
            took: record.took,
            verdict: summary.verdict.name().to_owned(),
            reason: summary.reason.clone(),
            record: written(record),
        });
        if let Some(error) = end.error {
            eprintln!("warning: run {run} is not kept whole: {error}");
        } else if end.not_kept > 0 {
            eprintln!(
                "warning: run {run} is not kept whole: the disk was too slow for {} samples",
                end.not_kept
            );
        }
        Some(run)
    }
}

fn written(record: &RunRecord) -> String {
    serde_json::to_string(record).expect("a record holds only what JSON can say")
}
