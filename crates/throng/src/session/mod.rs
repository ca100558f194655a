//! A run from its settings to its verdict: robots are wanted of the engine, what it reports is shown, and judged at the end.
//!
//! Start reading at [`Session::run`]. [`prepare`] turns settings into what the engine and the Lua host take; `control` calls
//! the scripts' functions of the run; `watch` is what the user sees meanwhile, and `export` what others get; `stop` is how the
//! user ends it; `keep` writes it into the run store, and `baseline` compares it with an earlier one by `compared`.

mod baseline;
pub(crate) mod compared;
pub(crate) mod control;
mod environment;
mod export;
pub(crate) mod files;
mod keep;
pub mod prepare;
mod round;
mod shape;
pub(crate) mod stop;
pub(crate) mod terminal;
mod watch;

use crate::cli::{OutputFlags, ScreenFlags};
use crate::config::shown_path;
use crate::exit::{Exit, InputError};
use crate::preflight::{Demand, Limits, shortages};
use anyhow::Context;
use baseline::Yardstick;
use control::RunFunctions;
use export::Exports;
use files::{Ended, Files};
use keep::Keeper;
use prepare::Prepared;
use round::Round;
use shape::{Course, Shaping};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stop::Stops;
use throng_engine::{Desired, Loss, Phase, Report, Run, RunError, Schedule, Storm, units};
use throng_lua::{LoadError, LuaHost, ScenarioRules};
use throng_metrics::{
    AbortWatch, FailureKind, Ledger, RunEnd, RunRecord, ScenarioPlan, StormPlan, Stretch, Summary,
};
use throng_report::{EndStyle, KeptRun, end_report};
use watch::Watch;

/// How long the user's keys and the shards' reports wait for each other at most.
const BEAT: Duration = Duration::from_millis(50);
/// How long shards may take to end after the stop time-out before the run counts as broken.
const GRACE: Duration = Duration::from_secs(10);

/// A run that is prepared, and what is shown of it.
pub struct Session<'a> {
    /// What is run.
    pub prepared: Prepared,
    /// What is shown and written.
    pub screen: &'a ScreenFlags,
    /// How it is printed.
    pub output: OutputFlags,
    /// Commands worth typing next.
    pub next: Vec<String>,
}

/// The run's state while it goes on.
struct Playing<'a> {
    run: Run,
    ledger: Ledger,
    aborts: AbortWatch,
    watch: Watch,
    keeper: Keeper,
    exports: Exports,
    files: Files<'a>,
    desired: Desired,
    end: RunEnd,
    /// Reports of this second, shards whose robots have all ended, shards that are through.
    round: Round,
    second_began: Duration,
    ended: Vec<bool>,
    over: usize,
    stopped_at: Option<Duration>,
    /// Robots were on their way back from a storm when the last second was closed.
    storming: bool,
    /// Where a function of the project's says how many robots there are.
    shaping: Option<Shaping>,
    /// A shard did not end in time.
    given_up: bool,
}

impl Session<'_> {
    /// Runs it to its end and says how it went.
    ///
    /// # Errors
    /// The project does not load, or the machine gives no threads.
    pub fn run(mut self) -> anyhow::Result<Exit> {
        self.prepared.warnings.extend(storms_in_vain(&self.prepared.schedule));
        self.warn();
        self.carry_out(|ended, _, files| self.finish(ended, files))
    }

    /// Runs it to its end and hands over what it came to; nothing is printed but what goes wrong.
    ///
    /// # Errors
    /// The project does not load, or the machine gives no threads; or those of `finish`.
    pub(crate) fn carry_out<T>(
        &self,
        finish: impl FnOnce(&Ended<'_>, &Ledger, Files<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let prepared = &self.prepared;
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let files = Files::open(&self.screen.files, started)?;
        self.refuse_what_sockets_cannot()?;
        let kept = prepared.store.enabled && !self.screen.no_store;
        let yardstick = Yardstick::find(&prepared.baseline, &prepared.store, kept)?;
        let stops = Stops::listen().context("cannot listen for signals")?;
        let project = prepared.project.clone();
        let shards = prepared.shards.get() as u64;
        let functions = RunFunctions::load(prepared)?;
        let exports = Exports::open(prepared)?;
        let run = Run::start(&prepared.settings, shards, move |desk| LuaHost::new(project.clone(), desk))
            .map_err(load_error)?;
        let mut watch = Watch::open(self.screen, terminal::colour(self.output), prepared);
        functions.start(&mut watch)?;
        let mut record = record(prepared, started);
        let mut shaping = Shaping::of(prepared);
        let asked =
            shaping.as_mut().map(|shaping| shaping.begin((&functions, &mut watch), &prepared.schedule));
        let schedule = match asked.transpose() {
            Ok(shaped) => shaped.unwrap_or_else(|| prepared.schedule.clone()),
            Err(error) => {
                watch.close();
                return Err(InputError(error).into());
            }
        };
        if let Some(shaping) = &shaping {
            shaping.tell(&mut record.scenarios);
        }
        let keeper = Keeper::begin(prepared, self.screen, &record);
        let mut playing = Playing::begin(run, watch, keeper, exports, files, schedule);
        playing.aborts = AbortWatch::new(&prepared.thresholds);
        playing.shaping = shaping;
        playing.play(prepared, &functions, &stops);
        let Playing {
            run,
            mut ledger,
            mut watch,
            mut keeper,
            mut exports,
            mut files,
            mut end,
            desired,
            given_up,
            second_began,
            shaping,
            ..
        } = playing;
        if let Some(shaping) = shaping {
            shaping.tell(&mut record.scenarios);
        }
        let took = run.elapsed() - desired.begun;
        // A shard that did not end in time would not let itself be joined; the process ends without it.
        if !given_up && let Err(error) = run.join() {
            end = RunEnd::Broken(error.to_string());
        }
        functions.stop(&mut ledger, &mut watch);
        watch.close();
        record.end = out_of_room(end, &ledger);
        record.took = took;
        let rest = (desired.begun + took).saturating_sub(second_began);
        let at = second_began - desired.begun;
        let phase = desired.phase_at(at);
        let rest = whole_millis(rest);
        if desired.phase != Phase::Play {
            ledger.want_robots(Some(0));
        }
        ledger.close_second(rest, phase);
        let second = stretch(&ledger, phase, at, rest);
        keeper.second(second);
        files.second(&second);
        if let Some(yardstick) = yardstick {
            let (baseline, warnings) = yardstick.judge(&prepared.store.path, keeper.written());
            let run = baseline.run;
            record.warnings.extend(warnings.iter().map(|warning| format!("against run {run}: {warning}")));
            record.baseline = Some(baseline);
        }
        let summary = Summary::of(&ledger, &record);
        record.limited_by.clone_from(&summary.generator.limited_by);
        let kept = keeper.end(&record, &summary);
        exports.end(&ledger, &desired, took);
        let kept =
            kept.map(|run| KeptRun { number: run.0, tags: &self.screen.tag_run, note: &self.screen.note });
        let exit = finish(&Ended { summary: &summary, totals: ledger.totals(), took, kept }, &ledger, files);
        // After the summary: who waits for it waits for no collector.
        exports.close(&record.end, &stops);
        exit
    }

    /// Nobody should wait for a run to learn that none of its connections can be made as the settings say.
    fn refuse_what_sockets_cannot(&self) -> Result<(), InputError> {
        let settings = &self.prepared.settings;
        settings.tcp.check(&settings.local_addresses).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            InputError(format!("{error}{}", cause.unwrap_or_default()))
        })
    }

    /// Writes the files, prints the summary, gives the exit code.
    fn finish(&self, ended: &Ended<'_>, files: Files<'_>) -> anyhow::Result<Exit> {
        let (reports, written) = files.write(ended);
        let summary = ended.summary;
        if self.screen.quiet {
            println!("{}: {}", summary.verdict, summary.reason);
        } else {
            let store = || shown_path(&self.prepared.store.path);
            let kept = ended.kept.map(|run| format!("run {} in {}", run.number, store()));
            let kept = kept.as_deref();
            let style = EndStyle {
                width: terminal::width(),
                colour: terminal::colour(self.output),
                reports: &reports,
                kept,
                next: &self.next,
            };
            print!("{}", end_report(summary, &style));
        }
        // After the summary, which is all that is left of the run then.
        written?;
        Ok(Exit::of(summary.verdict))
    }

    /// What cannot be trusted, and what will not fit, is said before it shows; the run goes on.
    fn warn(&self) {
        let demand = Demand::one_each(
            self.prepared.schedule.peak(),
            self.prepared.settings.local_addresses.len() as u64,
            self.prepared.shards.get() as u64,
        );
        for warning in &self.prepared.warnings {
            eprintln!("warning: {warning}");
        }
        for shortage in shortages(&demand, &Limits::read()) {
            eprintln!("warning: {shortage}");
        }
    }
}

impl<'a> Playing<'a> {
    fn begin(
        run: Run,
        watch: Watch,
        keeper: Keeper,
        mut exports: Exports,
        files: Files<'a>,
        schedule: Schedule,
    ) -> Self {
        let mut ledger = Ledger::default();
        ledger.plan_robots(schedule.peak());
        let begun = run.elapsed();
        exports.begin();
        let desired = Desired { schedule, begun, phase: Phase::Play };
        // A shard that cannot be told has ended, which its missing report says.
        let _ = run.want(&desired);
        let (ended, round) = (vec![false; run.shards()], Round::new(run.shards()));
        Playing {
            run,
            ledger,
            aborts: AbortWatch::default(),
            watch,
            keeper,
            exports,
            files,
            desired,
            end: RunEnd::Complete,
            round,
            second_began: begun,
            ended,
            over: 0,
            stopped_at: None,
            storming: false,
            shaping: None,
            given_up: false,
        }
    }

    /// Until every shard is through.
    fn play(&mut self, prepared: &Prepared, functions: &RunFunctions, stops: &Stops) {
        self.show();
        while self.over < self.run.shards() {
            match self.run.report(self.watch.beat(BEAT)) {
                Ok(Some(report)) => self.take_in(report),
                Ok(None) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    if self.over < self.run.shards() {
                        self.end = RunEnd::Broken("a shard ended unexpectedly".to_owned());
                    }
                    return;
                }
            }
            let asked = stops.asked() + self.watch.asked();
            self.reshape(functions);
            self.follow(prepared, asked);
            let elapsed = self.elapsed();
            let phase = self.phase(elapsed);
            self.exports.serve(&self.ledger, &self.desired, &phase, elapsed);
        }
    }

    fn take_in(&mut self, report: Report) {
        self.ledger.merge(&report.delta);
        self.watch.log(&report.log, report.log_dropped);
        if let Some(ended) = self.ended.get_mut(report.shard as usize) {
            *ended = report.ended;
        }
        self.over += usize::from(report.over);
        if self.round.report(report.over) {
            let now = self.desired.begun + whole_millis(self.elapsed());
            let took = now.saturating_sub(self.second_began);
            let at = self.second_began.saturating_sub(self.desired.begun);
            let phase = self.phase(at);
            self.ledger.want_robots(self.wanted());
            self.ledger.close_second(took, &phase);
            self.storming = self.ledger.storm_goes_on();
            let second = stretch(&self.ledger, &phase, at, took);
            self.keeper.second(second);
            self.files.second(&second);
            self.second_began = now;
            self.watch.log(&self.exports.second(now.saturating_sub(self.desired.begun)), 0);
            if self.desired.phase == Phase::Play
                && let Some(abort) = self.aborts.second(&self.ledger, &phase, took)
            {
                self.watch.aborting(&abort);
                self.end = RunEnd::Aborted(abort);
                self.want(Phase::Stop);
            }
            self.show();
        }
    }

    /// What the second that is about to be closed is called, which began at `at`.
    fn phase(&self, at: Duration) -> String {
        let storm = self.desired.phase == Phase::Play && (self.storming || self.ledger.storm_came());
        if storm { "storm".to_owned() } else { self.desired.phase_at(at).to_owned() }
    }

    /// Goes on as the load's shape says, if it has one.
    fn reshape(&mut self, functions: &RunFunctions) {
        let at = self.elapsed();
        let Some(shaping) = self.shaping.as_mut().filter(|_| self.desired.phase == Phase::Play) else {
            return;
        };
        match shaping.follow((functions, &mut self.watch), at, &self.desired.schedule) {
            Ok(Course::Same) => {}
            Ok(Course::Over) => self.want(Phase::Stop),
            Ok(Course::New(schedule)) => {
                self.ledger.plan_robots(schedule.peak().max(self.ledger.totals().robots().planned));
                self.desired.schedule = schedule;
                // A shard that cannot be told has ended, which its missing report says.
                let _ = self.run.want(&self.desired);
            }
            Err(error) => {
                self.end = RunEnd::Broken(error);
                self.want(Phase::Stop);
            }
        }
    }

    /// Ends the run when its time has come, or when the user wants it.
    fn follow(&mut self, prepared: &Prepared, asked: u32) {
        let elapsed = self.elapsed();
        match self.desired.phase {
            Phase::Play => {
                let time_is_up = prepared.schedule.run_time().is_some_and(|run_time| elapsed >= run_time);
                if asked > 0 {
                    self.end = RunEnd::Interrupted;
                    self.watch.stopping();
                }
                if asked > 1 {
                    self.want(Phase::Abort);
                } else if asked > 0 || time_is_up || self.is_through() {
                    self.want(Phase::Stop);
                }
            }
            Phase::Stop if asked > 0 => {
                if !matches!(self.end, RunEnd::Aborted(_)) {
                    self.end = RunEnd::Interrupted;
                }
                self.want(Phase::Abort);
            }
            Phase::Stop | Phase::Abort => self.give_up_waiting(prepared),
        }
    }

    /// A shard that does not end cannot be joined; the run ends without it.
    fn give_up_waiting(&mut self, prepared: &Prepared) {
        let limit = prepared.settings.stop_timeout + GRACE;
        if self.stopped_at.is_some_and(|at| self.run.elapsed() > at + limit) {
            self.end = RunEnd::Broken("a shard did not end in time".to_owned());
            self.over = self.run.shards();
            self.given_up = true;
        }
    }

    fn want(&mut self, phase: Phase) {
        self.desired.phase = phase;
        self.stopped_at.get_or_insert(self.run.elapsed());
        // A shard that cannot be told has ended, which its missing report says.
        let _ = self.run.want(&self.desired);
    }

    /// Whether all robots have ended and none will come; what a shape will say nobody knows.
    fn is_through(&self) -> bool {
        self.shaping.is_none() && self.ended.iter().all(|ended| *ended)
    }

    /// How many robots the plan wants now, where it names a number: arrivals are in none.
    fn wanted(&self) -> Option<u64> {
        let (schedule, elapsed) = (&self.desired.schedule, self.elapsed());
        match self.desired.phase {
            Phase::Play if schedule.arrivals_at(elapsed).is_some() => None,
            Phase::Play => Some(schedule.robots_at(elapsed)),
            Phase::Stop | Phase::Abort => Some(0),
        }
    }

    fn elapsed(&self) -> Duration {
        self.run.elapsed().saturating_sub(self.desired.begun)
    }

    fn show(&mut self) {
        let elapsed = self.elapsed();
        let mut plan = self.watch.plan(&self.desired, elapsed, &self.phase(elapsed));
        if self.desired.phase == Phase::Play {
            plan.failing = self.aborts.failing();
        }
        let snapshot = self.ledger.snapshot(elapsed, plan);
        self.watch.show(&snapshot);
    }
}

/// The second that was closed last, which began at `at`.
fn stretch<'a>(ledger: &'a Ledger, phase: &'a str, at: Duration, took: Duration) -> Stretch<'a> {
    Stretch { at, took, phase, totals: ledger.last_second(), run: ledger.totals() }
}

/// Seconds begin and end as the run store writes it, so that a report of a kept run has the very same phases.
fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// What is known of a run before it begins.
fn record(prepared: &Prepared, started: u64) -> RunRecord {
    RunRecord {
        project: prepared.name.clone(),
        target: prepared.project.host.clone(),
        warnings: prepared.warnings.clone(),
        started_at_unix_s: Some(started),
        seed: Some(prepared.settings.seed),
        scenarios: scenario_plans(prepared),
        storms: prepared.schedule.storms().iter().map(storm_plan).collect(),
        environment: prepared.environment.clone(),
        thresholds: prepared.thresholds.clone(),
        bounds: prepared.bounds,
        ..RunRecord::default()
    }
}

fn scenario_plans(prepared: &Prepared) -> Vec<ScenarioPlan> {
    let scenarios = &prepared.project.scenarios;
    let peaks = prepared.schedule.peaks(scenarios.len());
    let plan = |(rules, planned): (&ScenarioRules, u64)| ScenarioPlan { name: rules.name.clone(), planned };
    scenarios.iter().zip(peaks).map(plan).collect()
}

/// Storms that come when the run is over.
fn storms_in_vain(schedule: &Schedule) -> Vec<String> {
    let Some(end) = schedule.run_time() else { return Vec::new() };
    let late = schedule.storms().iter().filter(|storm| storm.at >= end);
    let told = late.map(|storm| {
        let (at, end) = (units::display(storm.at), units::display(end));
        format!("the storm at {at} never comes: the run ends after {end}")
    });
    told.collect()
}

fn storm_plan(storm: &Storm) -> StormPlan {
    let loss = match storm.loss {
        Loss::Cable => "cable",
        Loss::Close => "close",
    };
    StormPlan { at: storm.at, drop: storm.drop, loss: loss.to_owned() }
}

fn load_error(error: RunError<LoadError>) -> anyhow::Error {
    match error {
        RunError::Host(error) => InputError(error.to_string()).into(),
        other => anyhow::Error::new(other),
    }
}

/// A run that lacked descriptors or ports did not load what it was meant to.
fn out_of_room(end: RunEnd, ledger: &Ledger) -> RunEnd {
    let count = ledger.totals().errors().of(FailureKind::LocalResources);
    match end {
        RunEnd::Complete if count > 0 => {
            RunEnd::Broken(format!("{count} connections found no descriptor or port on this machine"))
        }
        end => end,
    }
}
