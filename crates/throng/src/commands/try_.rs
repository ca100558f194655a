//! `throng try`.

use crate::cli::{OutputFlags, TryArgs};
use crate::config::Config;
use crate::exit::{Exit, InputError};
use crate::session::control::in_full;
use crate::session::prepare::Prepared;
use crate::session::stop::Stops;
use crate::timeline::Timeline;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;
use throng_engine::{Clock, Desired, Origin, Phase, Schedule, Settings, Shard, ShardConfig, ShardShare};
use throng_lua::{Control, LoadError, LuaHost, LuaProject, StrayFields};
use throng_metrics::{Limits, Totals};

/// How long one robot plays when nothing else is said.
const RUN_TIME: Duration = Duration::from_secs(10);
/// Without news for so long, it is said what the robot waits for.
const SILENCE: Duration = Duration::from_secs(1);
/// How often signals are looked at.
const BEAT: Duration = Duration::from_millis(50);

/// What keeps the robot from playing.
#[derive(Debug, thiserror::Error)]
enum TryError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the system gives no poller")]
    Io(#[from] io::Error),
}

pub(super) fn run(args: &TryArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let config = Config::load(&args.dir, &args.overrides())?;
    let prepared = Prepared::new(&config);
    let run_time = args.run_time.as_ref().and(config.load.run_time).unwrap_or(RUN_TIME);
    for warning in &prepared.warnings {
        eprintln!("warning: {warning}");
    }
    let stops = Stops::listen()?;
    // One robot has the time to look at what a run is too fast for.
    let project = LuaProject { stray_fields: StrayFields::Warn, ..(*prepared.project).clone() };
    let project = Arc::new(project);
    let clock = Clock::real(Origin::now());
    let control = Control::load(project.clone(), clock.clone(), prepared.settings.seed);
    let control = control.map_err(|error| InputError(error.to_string()))?;
    let share = ShardShare { index: 0, count: 1 };
    // What all robots do together in a second would be too much for one.
    let settings = Settings { task_rate: None, no_rates: true, ..prepared.settings.clone() };
    let shard_config = ShardConfig { settings, share, clock };
    let shard = Shard::on_sockets(shard_config, |desk| LuaHost::new(project, desk).map_err(TryError::from));
    let mut shard = shard.map_err(|error| match error {
        TryError::Load(error) => anyhow::Error::new(InputError(error.to_string())),
        TryError::Io(_) => error.into(),
    })?;
    let timeline = timeline(&config, output);
    if let Some(control) = &control {
        let started = control.start();
        timeline.log(&control.take_log().0);
        started.map_err(|error| InputError(in_full(&error)))?;
    }
    let played = play(&mut shard, timeline.clone(), &stops, run_time);
    let errors = control.as_ref().map(Control::stop).unwrap_or_default();
    if let Some(control) = &control {
        timeline.log(&control.take_log().0);
    }
    errors.iter().for_each(|error| timeline.script_error(shard.now(), error));
    Ok(verdict(&played?, errors.len() as u64))
}

fn timeline(config: &Config, output: OutputFlags) -> Timeline {
    let terminal = io::stdout().is_terminal();
    let width = crossterm::terminal::size().map_or(120, |(columns, _)| usize::from(columns));
    let width = if terminal { width } else { usize::MAX };
    Timeline::new(config.redaction.clone(), config.root.clone(), output.colours() && terminal, width)
}

/// Plays one robot until its time is up, it has ended, or the user stops it; returns what it did.
fn play(
    shard: &mut Shard<LuaHost>,
    timeline: Timeline,
    stops: &Stops,
    run_time: Duration,
) -> anyhow::Result<Totals> {
    let mut desired = Desired {
        schedule: Schedule::constant(1, f64::INFINITY, None),
        begun: Duration::from_nanos(shard.now()),
        phase: Phase::Play,
    };
    let last = timeline.last();
    let quiet = Timeline::clone(&timeline);
    shard.set_tracer(Box::new(timeline));
    shard.want(desired.clone());
    let mut totals = Totals::new(Limits::default());
    let mut said = 0;
    loop {
        let now = shard.now();
        let over = shard.turn(Some(now + BEAT.as_nanos() as u64))?;
        let report = shard.report(over);
        totals.merge(&report.delta);
        if over {
            return Ok(totals);
        }
        let asked = stops.asked();
        if desired.phase == Phase::Play
            && (asked > 0 || report.ended || Duration::from_nanos(now) >= desired.begun + run_time)
        {
            desired.phase = Phase::Stop;
            shard.want(desired.clone());
        } else if asked > 0 {
            desired.phase = Phase::Abort;
            shard.want(desired.clone());
        }
        let silent = now.saturating_sub(last.get()) >= SILENCE.as_nanos() as u64;
        if silent && said != last.get() {
            said = last.get();
            quiet.waiting(now, &shard.whereabouts());
        }
    }
}

/// What one robot found out in one line; `more` errors were those of the run's own functions.
fn verdict(totals: &Totals, more: u64) -> Exit {
    let errors = totals.errors().total() + more;
    let robots = totals.robots();
    println!();
    match (errors, robots.failed) {
        (0, 0) => println!("the robot played without an error"),
        (errors, 0) => println!("{}; see above", counted(errors)),
        (errors, _) => println!("the robot never became ready; {}, see above", counted(errors)),
    }
    if errors == 0 && totals.anything_succeeded() { Exit::Success } else { Exit::Failed }
}

fn counted(errors: u64) -> String {
    if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") }
}
