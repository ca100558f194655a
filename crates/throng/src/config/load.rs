//! `[load]`: how many robots, how fast they come, how long they stay.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use throng_engine::{Schedule, Stage};

use super::layers::Section;
use super::problem::Place;
use super::setting::{Refusal, Setting};

/// How much to load.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// How many robots there are over time.
    pub plan: Plan,
    /// When the run ends; without one it ends with the last stage, with all robots, or when it is told to.
    pub run_time: Option<Duration>,
    /// How many shards drive the robots; the machine's cores by default.
    pub shards: NonZeroUsize,
    /// What the robots' random streams are made from; chosen at the start when not set.
    pub seed: Option<u64>,
    /// The addresses connections leave from, in turn; the system's choice when empty.
    pub local_addresses: Vec<IpAddr>,
    /// How long robots may take to stop before they are dropped.
    pub stop_timeout: Duration,
}

/// How many robots there are over time.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// So many robots, spawned at a rate per second, then held.
    Constant {
        /// How many.
        robots: u64,
        /// Robots per second.
        spawn_rate: f64,
    },
    /// Ramps one after another, from 0; the run ends with the last one unless `run_time` says otherwise.
    Stages(Vec<Stage>),
}

impl Load {
    /// The plan and the run's end as the engine takes them.
    pub fn schedule(&self) -> Schedule {
        match &self.plan {
            Plan::Constant { robots, spawn_rate } => Schedule::constant(*robots, *spawn_rate, self.run_time),
            Plan::Stages(stages) => Schedule::stages(stages, self.run_time),
        }
    }
}

impl Plan {
    /// The largest number of robots at any time.
    pub fn peak(&self) -> u64 {
        match self {
            Self::Constant { robots, .. } => *robots,
            Self::Stages(stages) => stages.iter().map(|stage| stage.robots).max().unwrap_or(0),
        }
    }
}

/// Robots per second when nothing else is said.
const DEFAULT_SPAWN_RATE: f64 = 100.0;
const DEFAULT_STOP_TIMEOUT: Duration = Duration::from_secs(5);
const MOST_ROBOTS: i64 = 100_000_000;
const MOST_SHARDS: i64 = 1_024;
/// A stage's name is shown in tables.
const LONGEST_NAME: usize = 32;
/// Phases that no stage can be called: those of what is not in the plan.
const OWN_PHASES: [&str; 2] = ["stop", "storm"];
const STAGE_FORM: &str = "a list of { robots = 100, over = \"1m\" }";

pub(super) fn read(section: &Section<'_>) -> Load {
    let plan = plan(section);
    let run_time = section.setting("run_time").and_then(|setting| setting.positive_duration());
    let shards = section
        .setting("shards")
        .and_then(|setting| setting.whole(1..=MOST_SHARDS))
        .and_then(|shards| NonZeroUsize::new(usize::try_from(shards).ok()?));
    let seed = section.setting("seed").and_then(|setting| setting.whole(0..=i64::MAX));
    let local_addresses = section
        .setting("local_addresses")
        .map(|setting| setting.elements().iter().filter_map(local_address).collect());
    let stop_timeout = section.setting("stop_timeout").and_then(|setting| setting.duration());
    section.refuse_unknown();
    Load {
        plan,
        run_time,
        shards: shards.unwrap_or_else(cores),
        seed: seed.map(i64::cast_unsigned),
        local_addresses: local_addresses.unwrap_or_default(),
        stop_timeout: stop_timeout.unwrap_or(DEFAULT_STOP_TIMEOUT),
    }
}

/// The stronger of a constant number and stages; in one layer they contradict each other.
fn plan(section: &Section<'_>) -> Plan {
    let robots = section.setting("robots");
    let spawn_rate = section.setting("spawn_rate");
    let stages = section.setting("stages");
    let rank = |setting: &Option<Setting<'_>>| setting.as_ref().map_or(0, |setting| setting.place().rank());
    let constant = rank(&robots).max(rank(&spawn_rate));
    if let Some(setting) = &stages
        && setting.place().rank() >= constant
    {
        for rival in [&robots, &spawn_rate].into_iter().flatten() {
            refuse_rival(rival, setting.place());
        }
        return Plan::Stages(self::stages(setting));
    }
    let robots = robots.and_then(|setting| setting.whole(1..=MOST_ROBOTS));
    let spawn_rate =
        spawn_rate.and_then(|setting| setting.positive_number("robots per second, a number above 0"));
    Plan::Constant {
        robots: robots.map_or(1, i64::cast_unsigned),
        spawn_rate: spawn_rate.unwrap_or(DEFAULT_SPAWN_RATE),
    }
}

fn refuse_rival(rival: &Setting<'_>, stages: Place) {
    if rival.place().rank() == stages.rank() {
        let title = format!("`{}` and `load.stages` contradict each other", rival.path);
        rival.refuse(title, "either robots and spawn_rate, or stages");
    }
}

fn stages(setting: &Setting<'_>) -> Vec<Stage> {
    let elements = setting.elements();
    if elements.is_empty() {
        setting.refuse("`load.stages` is empty", STAGE_FORM);
    }
    let stages: Vec<Stage> = elements.iter().filter_map(stage).collect();
    if !stages.is_empty() && stages.len() == elements.len() && stages.iter().all(|stage| stage.robots == 0) {
        setting.refuse("`load.stages` never has a robot", "a stage with one robot or more");
    }
    stages
}

fn stage(setting: &Setting<'_>) -> Option<Stage> {
    let section = setting.section()?;
    let robots = section.required("robots", "how many robots there are at the stage's end");
    let over = section.required("over", "how long the stage takes, such as \"1m\"");
    let name = section.setting("name");
    let robots = robots.and_then(|setting| setting.whole(0..=MOST_ROBOTS));
    let over = over.and_then(|setting| setting.duration());
    let name = name.map(|setting| phase_name(&setting));
    section.refuse_unknown();
    let name = match name {
        Some(name) => Some(name?),
        None => None,
    };
    Some(Stage { robots: robots?.cast_unsigned(), over: over?, name })
}

/// A name for the seconds of a stage: one word, that thresholds and reports can use.
fn phase_name(setting: &Setting<'_>) -> Option<Arc<str>> {
    setting.read("one word of letters, digits, `_` and `-`, such as \"evening\"", |value| {
        let name = value.as_text().ok_or(Refusal::Kind)?;
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        match name {
            "" => Err(Refusal::Value("it is empty".to_owned())),
            name if name.chars().count() > LONGEST_NAME => Err(Refusal::Value("it is too long".to_owned())),
            name if !name.chars().all(is_word) => Err(Refusal::Value("it is not one word".to_owned())),
            name if OWN_PHASES.contains(&name) => {
                Err(Refusal::Value(format!("throng itself calls other seconds `{name}`")))
            }
            name => Ok(name.into()),
        }
    })
}

fn local_address(setting: &Setting<'_>) -> Option<IpAddr> {
    setting.read("addresses of this machine, such as \"10.0.0.5\"", |value| {
        let text = value.as_text().ok_or(Refusal::Kind)?;
        text.trim().parse().map_err(|_| Refusal::Value("it is not an IP address".to_owned()))
    })
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
