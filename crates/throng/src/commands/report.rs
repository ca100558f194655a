//! `throng report`: a run that was kept, shown as at its end.

use throng_metrics::{Ledger, RunRecord, Stretch, Summary};
use throng_report::{EndStyle, KeptRun, end_report};
use throng_store::{RunState, StoredSample};

use super::runs::{find, open};
use crate::cli::{OutputFlags, ReportArgs};
use crate::exit::{Exit, InputError};
use crate::session::files::{Ended, Files};
use crate::session::terminal;

pub(super) fn run(args: &ReportArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let store = open(&args.store)?;
    let run = find(&store, &args.run)?;
    let mut files = Files::open(&args.files, run.begun.started.as_secs())?;
    let mut record: RunRecord = serde_json::from_str(&run.begun.record)
        .map_err(|error| InputError(format!("the record of run {} cannot be read: {error}", run.id)))?;
    if run.state != RunState::Ended {
        record.took = run.took;
    }
    if run.state == RunState::Running {
        // Nobody can tell it from one whose process is gone since a moment.
        let may = "the run wrote something a moment ago and may still go on: then this is what it has recorded so far";
        record.warnings.push(may.to_owned());
    }
    let mut ledger = Ledger::default();
    store.samples(run.id, |stored| {
        let StoredSample { at, took, phase, sample } = &stored;
        ledger.absorb(sample, *took, phase);
        let (totals, run) = (ledger.last_second(), ledger.totals());
        files.second(&Stretch { at: *at, took: *took, phase, totals, run });
    })?;
    let (summary, totals) = (Summary::of(&ledger, &record), ledger.totals());
    let kept = KeptRun { number: run.id.0, tags: &run.begun.tags, note: &run.begun.note };
    let (reports, written) =
        files.write(&Ended { summary: &summary, totals, took: record.took, kept: Some(kept) });
    if args.quiet {
        println!("{}: {}", summary.verdict, summary.reason);
    } else {
        let kept = format!("run {}", run.id);
        let style = EndStyle {
            width: terminal::width(),
            colour: terminal::colour(output),
            reports: &reports,
            kept: Some(&kept),
            next: &[],
        };
        print!("{}", end_report(&summary, &style));
    }
    written?;
    Ok(Exit::Success)
}
