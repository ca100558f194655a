//! `throng compare`: which differences between two runs are noise and which are not.

use serde_json::json;
use throng_report::{CompareView, compare_report, compare_sentence, write_json};
use throng_stats::Finding;
use throng_store::StoredRun;

use super::runs::{find, open};
use crate::cli::{CompareArgs, OutputFlags};
use crate::exit::{Exit, InputError};
use crate::session::compared::{CompareError, Compared, compared};
use crate::session::terminal;

/// A version of what `--json` writes.
const SCHEMA_VERSION: u32 = 1;

pub(super) fn run(args: &CompareArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let store = open(&args.store)?;
    let [a, b] = [find(&store, &args.a)?, find(&store, &args.b)?];
    if a.id == b.id {
        return Err(InputError(format!("'{}' and '{}' are both run {}", args.a, args.b, a.id)).into());
    }
    let compared = compared(&store, [&a, &b], args.at_least / 100.0, args.phase.as_deref()).map_err(
        |error| match error {
            CompareError::Phase { .. } => InputError(error.to_string()).into(),
            CompareError::Store(error) => anyhow::Error::from(error),
        },
    )?;
    if let Some(path) = &args.json {
        write_json(path, &document(&a, &b, &compared))?;
    }
    let Compared { comparison, which, warnings, .. } = &compared;
    let view = CompareView { runs: [a.id.0, b.id.0], comparison, which, warnings, all: args.all };
    print!("{}", compare_report(&view, terminal::width(), terminal::colour(output)));
    let worse = comparison.count(Finding::Worse) > 0;
    Ok(if worse && args.fail_on_worse { Exit::Failed } else { Exit::Success })
}

fn document(a: &StoredRun, b: &StoredRun, compared: &Compared) -> serde_json::Value {
    let Compared { comparison, question, phases, warnings, .. } = compared;
    let runs = [a, b].map(|run| {
        json!({
            "run": run.id.0,
            "project": run.begun.project,
            "target": run.begun.target,
            "robots": run.begun.robots,
            "seed": run.begun.seed,
            "started_at_unix_s": run.begun.started.as_secs(),
            "state": run.state.name(),
            "verdict": run.verdict,
        })
    });
    json!({
        "schema_version": SCHEMA_VERSION,
        "result": compare_sentence([a.id.0, b.id.0], comparison),
        "runs": runs,
        "warnings": warnings,
        "phases": phases,
        "level": question.level,
        "at_least": question.smallest,
        "at_least_error_rate": question.smallest_error_rate,
        "comparison": comparison,
    })
}
