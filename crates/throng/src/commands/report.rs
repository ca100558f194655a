//! `throng report`: a run that was kept, shown as at its end.

use throng_metrics::{RunRecord, Summary};
use throng_report::{EndStyle, end_report, write_json};
use throng_store::RunState;

use super::runs::{find, open};
use crate::cli::{OutputFlags, ReportArgs};
use crate::exit::{Exit, InputError};
use crate::session::terminal;

pub(super) fn run(args: &ReportArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let store = open(&args.store)?;
    let run = find(&store, &args.run)?;
    let mut record: RunRecord = serde_json::from_str(&run.begun.record)
        .map_err(|error| InputError(format!("the record of run {} cannot be read: {error}", run.id)))?;
    if run.state != RunState::Ended {
        record.took = run.took;
    }
    let summary = Summary::of(&store.ledger(run.id)?, &record);
    let report = args.json.as_deref();
    if let Some(path) = report {
        write_json(path, &summary)?;
    }
    if args.quiet {
        println!("{}: {}", summary.verdict, summary.reason);
    } else {
        let kept = format!("run {}", run.id);
        let style = EndStyle {
            width: terminal::width(),
            colour: terminal::colour(output),
            report,
            kept: Some(&kept),
            next: &[],
        };
        print!("{}", end_report(&summary, &style));
    }
    Ok(Exit::Success)
}
