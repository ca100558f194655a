//! `throng search`: the load is raised, run by run, while a condition holds.
//!
//! [`ground`] is what all tries have in common, and makes the plan of each; [`judge`] says what a try came to.

mod ground;
mod judge;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use throng_metrics::Verdict;
use throng_report::{
    SearchDocument, SearchTry, search_head, search_line, search_page, search_sentence, write_file, write_json,
};
use throng_stats::{Knee, Next, Search};

use crate::cli::{OutputFlags, SearchArgs};
use crate::config::Config;
use crate::exit::{Exit, InputError};
use crate::session::files::refuse_unwritable;
use crate::session::terminal;
use ground::Ground;

/// A version of what `--json` writes.
const SCHEMA_VERSION: u32 = 1;

pub(super) fn run(args: &SearchArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    for (flag, path) in [("--html", &args.html), ("--json", &args.json)] {
        path.as_deref().map_or(Ok(()), |path| refuse_unwritable(flag, path))?;
    }
    let config = Config::load(&args.dir, &args.overrides())?;
    let ground = Ground::new(args, config)?;
    let mut search = Search::new(ground.range(args)?);
    let colour = terminal::colour(output);
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if !args.quiet {
        print!("{}", search_head(ground.of(), &ground.figure, colour));
    }
    let mut tries = Vec::new();
    let (knee, broken) = loop {
        let (load, again) = match search.next() {
            Next::Done(knee) => break (knee, None),
            Next::Try { load, again } => (load, again),
        };
        let tried = ground.tries(load, again, output)?;
        // What was found until then is not lost.
        if matches!(tried.verdict, Verdict::Broken | Verdict::Interrupted) {
            break (search.broken_off(), Some(tried));
        }
        if !args.quiet {
            print!("{}", search_line(&tried.step, colour));
        }
        search.tried(load, tried.step.result);
        tries.push(tried.step);
    };
    if let Some(tried) = &broken {
        println!("{}: {}", tried.verdict, tried.step.why);
    }
    let reason = search_sentence(&knee, ground.of());
    println!("{reason}");
    write(args, &document(args, &ground, started, (knee, reason), tries))?;
    Ok(match broken {
        Some(tried) => Exit::of(tried.verdict),
        None if matches!(knee, Knee::Found { .. }) => Exit::Success,
        None => Exit::Failed,
    })
}

fn document(
    args: &SearchArgs,
    ground: &Ground,
    started: u64,
    (knee, reason): (Knee, String),
    tries: Vec<SearchTry>,
) -> SearchDocument {
    let prepared = &ground.prepared;
    SearchDocument {
        schema_version: SCHEMA_VERSION,
        knee,
        reason,
        project: prepared.name.clone(),
        target: prepared.project.host.clone(),
        of: ground.of(),
        conditions: args.conditions.clone(),
        hold_s: ground.hold.as_secs_f64(),
        warm_up_s: ground.warm_up.as_secs_f64(),
        started_at_unix_s: started,
        version: prepared.environment.version.clone(),
        seed: prepared.settings.seed,
        tries,
    }
}

/// Writes the files that were asked for; one that cannot be written does not keep the other from being.
fn write(args: &SearchArgs, document: &SearchDocument) -> anyhow::Result<()> {
    let json = args.json.as_deref().map_or(Ok(()), |path| write_json(path, document));
    args.html.as_deref().map_or(Ok(()), |path| write_page(path, document))?;
    Ok(json?)
}

fn write_page(path: &Path, document: &SearchDocument) -> anyhow::Result<()> {
    let page = search_page(document).context("cannot make the page")?;
    Ok(write_file(path, page.as_bytes())?)
}

/// What cannot be searched, in words.
fn refused<T>(why: impl Into<String>) -> Result<T, InputError> {
    Err(InputError(why.into()))
}
