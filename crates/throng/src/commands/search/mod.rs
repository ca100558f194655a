//! `throng search`: the load is raised, run by run, while a condition holds.

use std::time::Duration;

use serde_json::{Value, json};
use throng_engine::{Crowd, RateStage, Schedule, Stage, units};
use throng_metrics::{Ledger, Summary, Threshold, Thresholds, Verdict};
use throng_report::{SearchStep, search_head, search_line, search_sentence, write_json};
use throng_stats::{Knee, Next, Range, Search, Tried};

use crate::cli::{OutputFlags, Raise, ScreenFlags, SearchArgs};
use crate::config::{Config, Plan};
use crate::exit::{Exit, InputError};
use crate::session::Session;
use crate::session::prepare::Prepared;
use crate::session::terminal;

/// A version of what `--json` writes.
const SCHEMA_VERSION: u32 = 1;
/// The phase that is judged.
const HOLD: &str = "hold";
/// Errors make every figure look better, so they are bounded where the user does not say otherwise.
const ERRORS: (&str, &str) = ("errors.rate", "< 1%");
/// How long a run goes on behind the last second that is judged, which is to be reported before the robots stop.
const AFTER: Duration = Duration::from_millis(500);
/// The share of the robots that must have been ready for a load to have been there.
const READY: f64 = 0.99;

pub(super) fn run(args: &SearchArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let config = Config::load(&args.dir, &args.overrides())?;
    let ground = Ground::new(args, &config)?;
    let mut search = Search::new(ground.range(args)?);
    let colour = terminal::colour(output);
    if !args.quiet {
        print!("{}", search_head(ground.of(), &ground.figure, colour));
    }
    let mut tries = Vec::new();
    let knee = loop {
        let (load, again) = match search.next() {
            Next::Done(knee) => break knee,
            Next::Try { load, again } => (load, again),
        };
        let tried = ground.tries(load, again, output)?;
        if let Some(exit) = tried.broken_off() {
            println!("{}: {}", tried.verdict, tried.why);
            return Ok(exit);
        }
        if !args.quiet {
            print!("{}", search_line(&tried.step(), colour));
        }
        search.tried(load, tried.tried);
        tries.push(tried);
    };
    let sentence = search_sentence(&knee, ground.of());
    println!("{sentence}");
    if let Some(path) = &args.json {
        write_json(path, &ground.document(args, &tries, &knee, &sentence))?;
    }
    Ok(if matches!(knee, Knee::Found { .. }) { Exit::Success } else { Exit::Failed })
}

/// What every try has in common.
struct Ground {
    prepared: Prepared,
    plan: Plan,
    raise: Raise,
    warm_up: Duration,
    hold: Duration,
    /// The key of the first condition.
    figure: String,
    no_store: bool,
}

/// What one run came to.
struct Tries {
    load: f64,
    again: bool,
    tried: Tried,
    figure: String,
    value: Option<f64>,
    unit: &'static str,
    throughput: f64,
    lag_p99_us: Option<u64>,
    run: Option<i64>,
    verdict: Verdict,
    why: String,
}

impl Ground {
    fn new(args: &SearchArgs, config: &Config) -> Result<Ground, InputError> {
        let mut prepared = Prepared::new(config);
        let conditions = conditions(args)?;
        let figure = conditions.iter().find(|asked| asked.phase() == Some(HOLD));
        let figure =
            figure.map_or_else(String::new, |asked| asked.key().trim_end_matches("@hold").to_owned());
        prepared.thresholds = Thresholds::new(conditions);
        let raise = args.raise.unwrap_or(match (&config.load.plan, config.load.task_rate) {
            (Plan::Arrivals { .. }, _) => Raise::Arrivals,
            (_, Some(_)) => Raise::TaskRate,
            _ => Raise::Robots,
        });
        let ground = Ground {
            prepared,
            plan: config.load.plan.clone(),
            raise,
            warm_up: time("--warm-up", &args.warm_up)?,
            hold: time("--hold", &args.hold)?,
            figure,
            no_store: args.no_store,
        };
        if ground.hold < Duration::from_secs(1) {
            return Err(InputError("--hold: a load is held for a second or more".to_owned()));
        }
        if ground.schedule(1.0).is_none() {
            let why = "every scenario has robots of its own: there is no load of the run to raise";
            return Err(InputError(why.to_owned()));
        }
        Ok(ground)
    }

    fn range(&self, args: &SearchArgs) -> Result<Range, InputError> {
        let positive = |number: f64| number > 0.0 && number.is_finite();
        let whole = self.raise == Raise::Robots;
        let (from, to) = if whole { (args.from.round(), args.to.round()) } else { (args.from, args.to) };
        if !positive(from) || !positive(to) || from > to {
            return Err(InputError("--from and --to: numbers above 0, the smaller one first".to_owned()));
        }
        if args.step.is_some_and(|step| !positive(step) || whole && step < 1.0) {
            return Err(InputError("--step: by how much the load is raised, a number above 0".to_owned()));
        }
        if !(0.1..=100.0).contains(&args.precision) {
            return Err(InputError("--precision: a share of the load from 0.1 to 100 percent".to_owned()));
        }
        Ok(Range { from, to, step: args.step, precision: args.precision / 100.0, whole })
    }

    /// What the load is of.
    fn of(&self) -> &'static str {
        match self.raise {
            Raise::Robots => "robots",
            Raise::Arrivals => "arrivals/s",
            Raise::TaskRate => "tasks/s",
        }
    }

    /// The plan of a try: up to the load, a while at it, and then the seconds that count. Whole seconds are judged, so they
    /// begin with one, and the run goes on for a moment after the last.
    fn schedule(&self, load: f64) -> Option<Schedule> {
        let warm_up = Some("warm_up".into());
        let (crowd, before) = match (&self.plan, self.raise) {
            (plan, Raise::Arrivals) => {
                let stage = |over, name| RateStage { rate: load, over, name };
                let before = whole_seconds(self.warm_up);
                let stages = [stage(Duration::ZERO, None), stage(before, warm_up), stage(self.hold, None)];
                (plan.arriving(&stages), before)
            }
            (plan, raise) => {
                let robots = if raise == Raise::Robots { load.round() as u64 } else { self.robots() };
                let ramp = Duration::try_from_secs_f64(robots as f64 / plan.spawn_rate()).ok()?;
                let before = whole_seconds(ramp + self.warm_up);
                let stages = [
                    Stage::new(robots, ramp),
                    Stage { name: warm_up, ..Stage::new(robots, before - ramp) },
                    Stage::new(robots, self.hold),
                ];
                (plan.staged(&stages), before)
            }
        };
        self.prepared.schedule.led_by(crowd, before + whole_seconds(self.hold) + AFTER)
    }

    /// How many robots share the tasks whose rate is raised.
    fn robots(&self) -> u64 {
        self.prepared.schedule.crowds().first().map_or(1, Crowd::most).max(1)
    }

    /// Runs a load once.
    fn tries(&self, load: f64, again: bool, output: OutputFlags) -> anyhow::Result<Tries> {
        let mut prepared = self.prepared.clone();
        if let Some(schedule) = self.schedule(load) {
            prepared.schedule = schedule;
        }
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

    /// What the seconds in which the load was held came to.
    fn judged(
        &self,
        (load, again): (f64, bool),
        summary: &Summary,
        ledger: &Ledger,
        run: Option<i64>,
    ) -> Tries {
        let held = ledger.phases().find(HOLD);
        let (throughput, lag_p99_us, limits) = held.map_or((0.0, None, Vec::new()), |phase| {
            let seconds = phase.took().as_secs_f64().max(1e-9);
            phase.read(|totals| {
                let replies: u64 = totals.requests().iter().map(|(_, row)| row.counts.ok).sum();
                let generator = totals.generator();
                let limits = self.prepared.bounds.judge(generator);
                (replies as f64 / seconds, generator.all_lag().quantile_us(0.99), limits)
            })
        });
        let judged: Vec<_> =
            summary.thresholds.iter().filter(|asked| asked.phase.as_deref() == Some(HOLD)).collect();
        let failed = judged.iter().filter(|asked| !asked.passed);
        let broken =
            failed.map(|asked| format!("{} was {}, wanted {}", asked.key, asked.actual, asked.condition));
        let mut why: Vec<String> = broken.chain(self.missing(load, summary)).collect();
        let tried = match (limits.is_empty(), why.is_empty()) {
            (false, _) => Tried::Limited,
            (true, true) => Tried::Held,
            (true, false) => Tried::Failed,
        };
        why.extend(limits.iter().map(ToString::to_string));
        if matches!(summary.verdict, Verdict::Broken | Verdict::Interrupted) {
            why = vec![summary.reason.clone()];
        }
        let first = judged.iter().find(|asked| asked.key.trim_end_matches("@hold") == self.figure);
        Tries {
            load,
            again,
            tried,
            figure: first.map_or_else(|| "-".to_owned(), |asked| asked.actual.clone()),
            value: first.and_then(|asked| asked.value),
            unit: first.map_or("", |asked| asked.unit),
            throughput,
            lag_p99_us,
            run,
            verdict: summary.verdict,
            why: why.join("; "),
        }
    }

    /// Why the load was not there at all, if it was not.
    fn missing(&self, load: f64, summary: &Summary) -> Option<String> {
        let dropped: u64 = summary.load.arrivals.iter().map(|arrivals| arrivals.dropped).sum();
        if dropped > 0 {
            return Some(format!("{dropped} arrivals were turned away"));
        }
        let ready = summary.robots.ready;
        (self.raise == Raise::Robots && (ready as f64) < load * READY)
            .then(|| format!("only {ready} of {load} robots were ever ready"))
    }

    fn document(&self, args: &SearchArgs, tries: &[Tries], knee: &Knee, sentence: &str) -> Value {
        json!({
            "schema_version": SCHEMA_VERSION,
            "knee": knee,
            "reason": sentence,
            "project": self.prepared.name,
            "target": self.prepared.project.host,
            "of": self.of(),
            "while": args.conditions,
            "hold_s": self.hold.as_secs_f64(),
            "warm_up_s": self.warm_up.as_secs_f64(),
            "seed": self.prepared.settings.seed,
            "tries": tries.iter().map(Tries::document).collect::<Vec<_>>(),
        })
    }
}

impl Tries {
    /// How the search ends when the run did not come to its end.
    fn broken_off(&self) -> Option<Exit> {
        match self.verdict {
            Verdict::Broken | Verdict::Interrupted => Some(Exit::of(self.verdict)),
            Verdict::Pass | Verdict::Fail => None,
        }
    }

    fn step(&self) -> SearchStep<'_> {
        SearchStep {
            load: self.load,
            again: self.again,
            tried: self.tried,
            figure: &self.figure,
            throughput: self.throughput,
            lag_p99_us: self.lag_p99_us,
            run: self.run,
            why: &self.why,
        }
    }

    fn document(&self) -> Value {
        let mut document = json!({
            "load": self.load,
            "again": self.again,
            "result": self.tried,
            "figure": self.figure,
            "unit": self.unit,
            "replies_per_s": self.throughput,
        });
        let optional = [
            ("value", self.value.map(Value::from)),
            ("lag_p99_us", self.lag_p99_us.map(Value::from)),
            ("run", self.run.map(Value::from)),
            ("why", (!self.why.is_empty()).then(|| Value::from(self.why.as_str()))),
        ];
        for (key, value) in optional {
            if let (Some(fields), Some(value)) = (document.as_object_mut(), value) {
                fields.insert(key.to_owned(), value);
            }
        }
        document
    }
}

/// The conditions, as thresholds on the seconds in which the load is held.
fn conditions(args: &SearchArgs) -> Result<Vec<Threshold>, InputError> {
    let mut all = Vec::new();
    for text in &args.conditions {
        let at = text.find(['<', '>', '=', '!']).unwrap_or(text.len());
        let (key, condition) = text.split_at(at);
        if key.contains('@') {
            let why = format!("--while {text}: it is judged while the load is held, and of no other phase");
            return Err(InputError(why));
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
    Duration::from_secs_f64(time.as_secs_f64().ceil())
}

fn time(flag: &str, text: &str) -> Result<Duration, InputError> {
    units::duration(text).map_err(|error| InputError(format!("{flag} {text}: {error}")))
}
