//! What all tries of a search have in common, and the plan of each.

use std::time::Duration;

use throng_engine::{Crowd, MOST_RATE, RateStage, Schedule, Stage, units};
use throng_metrics::{Threshold, Thresholds};
use throng_stats::Range;

use super::judge::Judged;
use super::refused;
use crate::cli::{OutputFlags, Raise, ScreenFlags, SearchArgs};
use crate::config::{BaselineSettings, Config, MOST_ROBOTS, Plan};
use crate::exit::InputError;
use crate::session::Session;
use crate::session::prepare::Prepared;

/// The phase that is judged.
pub(super) const HOLD: &str = "hold";
/// Errors make every figure look better, so they are bounded where the user does not say otherwise.
const ERRORS: (&str, &str) = ("errors.rate", "< 1%");
/// How long a run goes on behind the last second that is judged, which is to be reported before the robots stop.
const AFTER: Duration = Duration::from_millis(500);
/// The most that robots may take to begin: a run that only ever begins them is a mistake.
const LONGEST_RAMP: Duration = Duration::from_secs(24 * 3_600);

/// What every try has in common.
pub(super) struct Ground {
    pub(super) prepared: Prepared,
    plan: Plan,
    pub(super) raise: Raise,
    pub(super) warm_up: Duration,
    pub(super) hold: Duration,
    /// The key of the first condition.
    pub(super) figure: String,
    no_store: bool,
}

impl Ground {
    pub(super) fn new(args: &SearchArgs, mut config: Config) -> Result<Ground, InputError> {
        let raise = args.raise.unwrap_or(match (&config.load.plan, config.load.task_rate) {
            (Plan::Arrivals { .. }, _) => Raise::Arrivals,
            (_, Some(_)) => Raise::TaskRate,
            _ => Raise::Robots,
        });
        if raise == Raise::TaskRate && matches!(config.load.plan, Plan::Arrivals { .. } | Plan::Shape(_)) {
            return refused(
                "--raise task-rate: the project's load says no number of robots to share the tasks; give it with -u",
            );
        }
        if matches!(config.load.plan, Plan::Shape(_)) {
            // The search says how many robots there are, and nobody else.
            config.load.plan = Plan::least();
        }
        let mut prepared = Prepared::new(&config);
        prepared.baseline = BaselineSettings { run: None, ..prepared.baseline };
        let conditions = conditions(args)?;
        let figure = conditions.iter().find(|asked| asked.phase() == Some(HOLD));
        let figure = figure.map_or_else(String::new, |asked| bare(asked.key()).to_owned());
        prepared.thresholds = Thresholds::new(conditions);
        let ground = Ground {
            prepared,
            plan: config.load.plan,
            raise,
            warm_up: time("--warm-up", &args.warm_up)?,
            hold: time("--hold", &args.hold)?,
            figure,
            no_store: args.no_store,
        };
        if ground.hold < Duration::from_secs(1) {
            return refused("--hold: a load is held for a second or more");
        }
        ground.schedule(1.0)?;
        Ok(ground)
    }

    /// Where to search.
    pub(super) fn range(&self, args: &SearchArgs) -> Result<Range, InputError> {
        let positive = |number: f64| number > 0.0 && number.is_finite();
        let whole = self.raise == Raise::Robots;
        let (from, to) = if whole { (args.from.round(), args.to.round()) } else { (args.from, args.to) };
        if !positive(from) || !positive(to) || from > to {
            return refused("--from and --to: numbers above 0, the smaller one first");
        }
        let most = if whole { MOST_ROBOTS as f64 } else { MOST_RATE };
        if to > most {
            return refused(format!("--to {to}: at most {most} {}", self.of()));
        }
        if args.step.is_some_and(|step| !positive(step) || whole && step < 1.0) {
            return refused("--step: by how much the load is raised, a number above 0");
        }
        if !(0.1..=100.0).contains(&args.precision) {
            return refused("--precision: a share of the load from 0.1 to 100 percent");
        }
        Ok(Range { from, to, step: args.step, precision: args.precision / 100.0, whole })
    }

    /// What the load is of.
    pub(super) fn of(&self) -> &'static str {
        match self.raise {
            Raise::Robots => "robots",
            Raise::Arrivals => "arrivals/s",
            Raise::TaskRate => "tasks/s",
        }
    }

    /// The plan of a try: up to the load, a while at it, and then the seconds that count. Whole seconds are judged, so they
    /// begin with one, and the run goes on for a moment after the last.
    fn schedule(&self, load: f64) -> Result<Schedule, InputError> {
        let warm_up = Some("warm_up".into());
        let (crowd, before) = match self.raise {
            Raise::Arrivals => {
                let stage = |over, name| RateStage { rate: load, over, name };
                let before = whole_seconds(self.warm_up);
                let stages = [stage(Duration::ZERO, None), stage(before, warm_up), stage(self.hold, None)];
                (self.plan.arriving(&stages), before)
            }
            Raise::Robots | Raise::TaskRate => {
                let robots = if self.raise == Raise::Robots { load.round() as u64 } else { self.robots() };
                let ramp = self.ramp(robots)?;
                let before = whole_seconds(ramp + self.warm_up);
                let stages = [
                    Stage::new(robots, ramp),
                    Stage { name: warm_up, ..Stage::new(robots, before - ramp) },
                    Stage::new(robots, self.hold),
                ];
                (self.plan.staged(&stages), before)
            }
        };
        let schedule = self.prepared.schedule.led_by(crowd, before + whole_seconds(self.hold) + AFTER);
        let why = "every scenario has robots of its own: there is no load of the run to raise";
        schedule.map_or_else(|| refused(why), Ok)
    }

    /// How long so many robots take to begin.
    fn ramp(&self, robots: u64) -> Result<Duration, InputError> {
        let ramp = Duration::try_from_secs_f64(robots as f64 / self.plan.spawn_rate());
        ramp.ok().filter(|ramp| *ramp <= LONGEST_RAMP).map_or_else(
            || {
                let rate = self.plan.spawn_rate();
                refused(format!("{robots} robots at a spawn rate of {rate} a second take longer than a day"))
            },
            Ok,
        )
    }

    /// How many robots share the tasks whose rate is raised.
    fn robots(&self) -> u64 {
        self.prepared.schedule.crowds().first().map_or(1, Crowd::most).max(1)
    }

    /// Runs a load once.
    pub(super) fn tries(&self, load: f64, again: bool, output: OutputFlags) -> anyhow::Result<Judged> {
        let mut prepared = self.prepared.clone();
        prepared.schedule = self.schedule(load)?;
        if self.raise == Raise::TaskRate {
            prepared.settings.task_rate = Some(load);
        }
        let screen = ScreenFlags {
            quiet: true,
            no_store: self.no_store,
            tag_run: vec!["search".to_owned()],
            note: format!("{load} {}{}", self.of(), if again { ", once more" } else { "" }),
            ..ScreenFlags::default()
        };
        let session = Session { prepared, screen: &screen, output, next: Vec::new() };
        session.carry_out(|ended, ledger, _| {
            let run = ended.kept.as_ref().map(|kept| kept.number);
            Ok(self.judged((load, again), ended.summary, ledger, run))
        })
    }
}

/// A threshold's key without the phase.
pub(super) fn bare(key: &str) -> &str {
    key.trim_end_matches("@hold")
}

/// The conditions, as thresholds on the seconds in which the load is held.
fn conditions(args: &SearchArgs) -> Result<Vec<Threshold>, InputError> {
    let mut all = Vec::new();
    for text in &args.conditions {
        let at = text.find(['<', '>', '=', '!']).unwrap_or(text.len());
        let (key, condition) = text.split_at(at);
        if condition.is_empty() {
            return refused(format!(
                "--while {text}: there is no comparison in it; wanted one, such as '{text} < 50ms'"
            ));
        }
        if key.contains('@') {
            return refused(format!(
                "--while {text}: it is judged while the load is held, and of no other phase"
            ));
        }
        all.push(held(key.trim(), condition.trim(), text)?);
    }
    if !all.iter().any(|asked| asked.key().starts_with(ERRORS.0)) {
        all.push(held(ERRORS.0, ERRORS.1, ERRORS.0)?);
    }
    Ok(all)
}

fn held(key: &str, condition: &str, text: &str) -> Result<Threshold, InputError> {
    Threshold::parse(&format!("{key}@{HOLD}"), condition)
        .map_err(|error| InputError(format!("--while {text}: {error}")))
}

fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0))
}

fn time(flag: &str, text: &str) -> Result<Duration, InputError> {
    units::duration(text).map_err(|error| InputError(format!("{flag} {text}: {error}")))
}
