//! `throng compare`: which differences between two runs are noise and which are not.

use std::time::Duration;

use serde_json::json;
use throng_metrics::{RunRecord, Totals};
use throng_report::{CompareView, compare_report, compare_sentence, write_json};
use throng_stats::{Comparison, Finding, LEAST_SECONDS, Question, Series, compare};
use throng_store::{RunState, Store, StoredRun};

use super::runs::{find, open};
use crate::cli::{CompareArgs, OutputFlags};
use crate::exit::{Exit, InputError};
use crate::session::terminal;

/// A version of what `--json` writes.
const SCHEMA_VERSION: u32 = 1;

/// The last second of a run is often a part of one, and its rates say nothing.
const SHORTEST_STRETCH: Duration = Duration::from_millis(500);

/// A run with what was recorded in it.
struct Played {
    run: StoredRun,
    /// The seconds in which the plan neither ramped nor stopped.
    hold: Series,
    /// All but those in which it stopped.
    played: Series,
    /// Why the generator was the limit, if it was.
    limited: bool,
}

pub(super) fn run(args: &CompareArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let store = open(&args.store)?;
    let [a, b] = [find(&store, &args.a)?, find(&store, &args.b)?];
    if a.id == b.id {
        return Err(InputError(format!("'{}' and '{}' are both run {}", args.a, args.b, a.id)).into());
    }
    let [a, b] = [played(&store, a)?, played(&store, b)?];
    let held = [&a, &b].iter().all(|run| run.hold.seconds() >= LEAST_SECONDS);
    let [first, second] = [&a, &b].map(|run| if held { &run.hold } else { &run.played });
    let question = Question { smallest: args.at_least / 100.0, ..Question::default() };
    let comparison = compare(first, second, &question);
    let which = if held { "in which the plan held" } else { "all but the stop" };
    let warnings = warnings(&a, &b, held, &comparison);
    if let Some(path) = &args.json {
        write_json(path, &document(&a.run, &b.run, &comparison, &question, held, &warnings))?;
    }
    let view = CompareView {
        runs: [a.run.id.0, b.run.id.0],
        comparison: &comparison,
        which,
        warnings: &warnings,
        all: args.all,
    };
    print!("{}", compare_report(&view, terminal::width(), terminal::colour(output)));
    let worse = comparison.count(Finding::Worse) > 0;
    Ok(if worse && args.fail_on_worse { Exit::Failed } else { Exit::Success })
}

fn played(store: &Store, run: StoredRun) -> anyhow::Result<Played> {
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

/// What a reader must know to trust the figures.
fn warnings(a: &Played, b: &Played, held: bool, comparison: &Comparison) -> Vec<String> {
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

fn document(
    a: &StoredRun,
    b: &StoredRun,
    comparison: &Comparison,
    question: &Question,
    held: bool,
    warnings: &[String],
) -> serde_json::Value {
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
        "phases": if held { "hold" } else { "all" },
        "level": question.level,
        "at_least": question.smallest,
        "at_least_error_rate": question.smallest_error_rate,
        "comparison": comparison,
    })
}
