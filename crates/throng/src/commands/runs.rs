//! `throng runs`: the runs that were kept.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use throng_metrics::RunRecord;
use throng_report::text::clean;
use throng_report::{RunLine, run_list};
use throng_store::{Filter, Reference, RunState, Store, StoredRun};

use crate::cli::{OutputFlags, RunsArgs, RunsFilter, RunsVerb, StoreFlags};
use crate::config::{Config, Overrides, store::DEFAULT_PATH};
use crate::exit::{Exit, InputError};
use crate::session::terminal;

pub(super) fn run(args: &RunsArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    if args.verb.is_some() && args.filter != RunsFilter::default() {
        return Err(InputError(
            "--tag, --verdict, --since, --newest and --json choose what is listed".into(),
        )
        .into());
    }
    let mut store = open(&args.store)?;
    match &args.verb {
        None => list(&store, &args.filter, output)?,
        Some(RunsVerb::Delete { runs }) => {
            // All are found before one is gone.
            let found = runs.iter().map(|run| find(&store, run)).collect::<Result<Vec<_>, _>>()?;
            for run in &found {
                store.delete(run.id)?;
            }
            println!(
                "deleted: {}",
                found.iter().map(|run| run.id.to_string()).collect::<Vec<_>>().join(", ")
            );
            // Another run that writes just now may hinder this, which takes nothing back.
            store.shrink()?;
        }
        Some(RunsVerb::Tag { run, tags }) => {
            let id = find(&store, run)?.id;
            tags.iter().try_for_each(|tag| store.tag(id, tag))?;
            show_tags(&store, run)?;
        }
        Some(RunsVerb::Untag { run, tags }) => {
            let found = find(&store, run)?;
            for tag in tags {
                if !store.untag(found.id, tag)? {
                    return Err(not_tagged(&found, tag).into());
                }
            }
            show_tags(&store, run)?;
        }
        Some(RunsVerb::Note { run, text }) => store.note(find(&store, run)?.id, text)?,
    }
    Ok(Exit::Success)
}

/// Opens the store the flags mean.
pub(super) fn open(flags: &StoreFlags) -> anyhow::Result<Store> {
    let path = path(flags)?;
    Store::open(&path).map_err(|error| match error {
        throng_store::StoreError::Missing { .. } => InputError(error.to_string()).into(),
        error => error.into(),
    })
}

/// The file: what was named, or what the project says, or where a project without settings would have it.
fn path(flags: &StoreFlags) -> anyhow::Result<PathBuf> {
    if let Some(path) = &flags.store {
        return Ok(path.clone());
    }
    let default = flags.project.join(DEFAULT_PATH);
    if !flags.project.join(crate::config::FILE_NAME).is_file() && default.is_file() {
        return Ok(default);
    }
    Ok(Config::load(&flags.project, &Overrides::with_environment(Vec::new()))?.store.path)
}

/// The run a user means.
pub(super) fn find(store: &Store, text: &str) -> Result<StoredRun, InputError> {
    let reference: Reference = text.parse().map_err(refused)?;
    store.find(&reference).map_err(refused)
}

fn refused(error: throng_store::StoreError) -> InputError {
    InputError(error.to_string())
}

fn not_tagged(run: &StoredRun, tag: &str) -> InputError {
    let tags = if run.begun.tags.is_empty() { "none".to_owned() } else { run.begun.tags.join(", ") };
    InputError(format!("run {} has no tag '{tag}'; it has {}", run.id, clean(&tags)))
}

fn show_tags(store: &Store, run: &str) -> Result<(), InputError> {
    let run = find(store, run)?;
    println!("run {}: {}", run.id, clean(&run.begun.tags.join(", ")));
    Ok(())
}

fn list(store: &Store, wanted: &RunsFilter, output: OutputFlags) -> anyhow::Result<()> {
    let since = wanted.since.as_deref().map(ago).transpose()?;
    let filter = Filter {
        project: None,
        tag: wanted.tag.clone(),
        verdict: wanted.verdict.clone(),
        since,
        newest: wanted.newest,
    };
    let runs = store.runs(&filter)?;
    if wanted.json {
        let runs: Vec<_> = runs.iter().map(as_json).collect();
        println!("{}", serde_json::to_string_pretty(&runs)?);
    } else if runs.is_empty() {
        println!("no such runs");
    } else {
        let lines: Vec<RunLine> = runs.iter().map(line).collect();
        print!("{}", run_list(&lines, terminal::width(), terminal::colour(output)));
    }
    Ok(())
}

/// The moment so long before now, since 1970.
fn ago(text: &str) -> Result<Duration, InputError> {
    let wrong = |error| InputError(format!("--since {text}: {error}; wanted a time such as 12h or 7d"));
    let span = throng_engine::units::duration(text).map_err(wrong)?;
    Ok(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(span))
}

fn line(run: &StoredRun) -> RunLine {
    RunLine {
        number: run.id.0,
        started: local_time(run.begun.started),
        took_s: run.took.as_secs_f64(),
        robots: run.begun.robots,
        verdict: verdict(run).to_owned(),
        limited: is_limited(run),
        target: run.begun.target.clone(),
        tags: run.begun.tags.clone(),
        note: run.begun.note.clone(),
    }
}

/// Whether it was limited by the generator; of a record that another version wrote it is not known.
fn is_limited(run: &StoredRun) -> bool {
    serde_json::from_str::<RunRecord>(&run.begun.record).is_ok_and(|record| !record.limited_by.is_empty())
}

/// The verdict, or the state of a run that has none.
fn verdict(run: &StoredRun) -> &str {
    match run.state {
        RunState::Ended => run.verdict.as_deref().unwrap_or_default(),
        state => state.name(),
    }
}

fn as_json(run: &StoredRun) -> serde_json::Value {
    json!({
        "run": run.id.0,
        "project": run.begun.project,
        "target": run.begun.target,
        "started_at_unix_s": run.begun.started.as_secs(),
        "duration_s": run.took.as_secs_f64(),
        "robots": run.begun.robots,
        "seed": run.begun.seed,
        "state": run.state.name(),
        "verdict": run.verdict,
        "reason": run.reason,
        "limited": is_limited(run),
        "tags": run.begun.tags,
        "note": run.begun.note,
        "version": run.begun.version,
        "host": run.begun.host,
    })
}

/// A moment as a clock here shows it.
fn local_time(since_1970: Duration) -> String {
    let seconds = i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    moment.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}
