//! The ways in which a load can be said, of the whole run or of one scenario.

use std::path::PathBuf;

use throng_engine::{Crowd, RateStage, Spacing, Stage, Stay};

use super::stages::{RATE, of_rates, of_robots};
use super::{MOST_ROBOTS, stay};
use crate::config::layers::Section;
use crate::config::setting::{Existing, Setting};
use crate::session::prepare::absolute;

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
    /// So many robots are there at any time: whoever leaves is followed by a new one.
    Online {
        /// How many, over time.
        robots: Online,
        /// Robots per second, at most.
        spawn_rate: f64,
        /// How long each stays.
        session: Option<Stay>,
    },
    /// As many robots as a function in this Lua file says.
    Shape(PathBuf),
    /// Robots come at a rate, whatever becomes of those who are there.
    Arrivals {
        /// How many a second, over time.
        rates: Rates,
        /// How they lie in time.
        spacing: Spacing,
        /// The most robots at once.
        max_robots: u64,
        /// How long each stays.
        session: Option<Stay>,
    },
}

/// How many robots are online over time.
#[derive(Debug, Clone, PartialEq)]
pub enum Online {
    /// Always as many.
    Held(u64),
    /// Ramps one after another.
    Stages(Vec<Stage>),
}

/// How many robots arrive a second over time.
#[derive(Debug, Clone, PartialEq)]
pub enum Rates {
    /// Always as many.
    Held(f64),
    /// Ramps one after another.
    Stages(Vec<RateStage>),
}

/// Robots per second when nothing else is said.
const DEFAULT_SPAWN_RATE: f64 = 100.0;
/// Enough for what one machine bears; a server that lets nobody go must not fill it without end.
const DEFAULT_MAX_ROBOTS: u64 = 100_000;
const WAYS: &str = "one of robots, stages, online, arrivals and shape";

impl Plan {
    /// One robot.
    pub fn least() -> Plan {
        Plan::Constant { robots: 1, spawn_rate: DEFAULT_SPAWN_RATE }
    }

    /// How long its robots stay, where it says so.
    pub fn session(&self) -> Option<Stay> {
        match self {
            Self::Online { session, .. } | Self::Arrivals { session, .. } => *session,
            Self::Constant { .. } | Self::Stages(_) | Self::Shape(_) => None,
        }
    }

    /// Whether its robots may leave before the run ends.
    pub(in crate::config) fn has_sessions(&self) -> bool {
        matches!(self, Self::Online { .. } | Self::Arrivals { .. })
    }

    /// How many robots begin a second, where it says so.
    pub fn spawn_rate(&self) -> f64 {
        match self {
            Self::Constant { spawn_rate, .. } | Self::Online { spawn_rate, .. } => *spawn_rate,
            Self::Stages(_) | Self::Shape(_) | Self::Arrivals { .. } => DEFAULT_SPAWN_RATE,
        }
    }

    /// These stages of robots in its place; robots that are held stay so.
    pub fn staged(&self, stages: &[Stage]) -> Crowd {
        match self {
            Self::Online { spawn_rate, .. } => Crowd::online_stages(stages, *spawn_rate),
            _ => Crowd::stages(stages),
        }
    }

    /// These stages of arrivals in its place.
    pub fn arriving(&self, stages: &[RateStage]) -> Crowd {
        match self {
            Self::Arrivals { spacing, max_robots, .. } => {
                Crowd::arrival_stages(stages, *spacing, *max_robots)
            }
            _ => Crowd::arrival_stages(stages, Spacing::default(), DEFAULT_MAX_ROBOTS),
        }
    }

    /// As the engine takes it.
    pub fn crowd(&self) -> Crowd {
        match self {
            Self::Constant { robots, spawn_rate } => Crowd::constant(*robots, *spawn_rate),
            Self::Stages(stages) => Crowd::stages(stages),
            // Its function is asked before the first robot begins.
            Self::Shape(_) => Crowd::constant(0, f64::INFINITY),
            Self::Online { robots, spawn_rate, session } => match robots {
                Online::Held(robots) => Crowd::online(*robots, *spawn_rate).staying(*session),
                Online::Stages(stages) => Crowd::online_stages(stages, *spawn_rate).staying(*session),
            },
            Self::Arrivals { rates, spacing, max_robots, session } => match rates {
                Rates::Held(rate) => Crowd::arrivals(*rate, *spacing, *max_robots).staying(*session),
                Rates::Stages(stages) => {
                    Crowd::arrival_stages(stages, *spacing, *max_robots).staying(*session)
                }
            },
        }
    }
}

/// Whose load it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Scope {
    Run,
    Scenario,
}

/// The settings of a load, each as it stands in its strongest layer.
struct Keys<'a> {
    robots: Option<Setting<'a>>,
    spawn_rate: Option<Setting<'a>>,
    stages: Option<Setting<'a>>,
    online: Option<Setting<'a>>,
    arrivals: Option<Setting<'a>>,
    shape: Option<Setting<'a>>,
    session: Option<Setting<'a>>,
    spacing: Option<Setting<'a>>,
    max_robots: Option<Setting<'a>>,
}

/// The load that a section asks for, if it asks for any. Of several ways the one in the strongest layer holds; in one layer
/// they contradict each other.
pub(in crate::config) fn read(section: &Section<'_>, scope: Scope) -> Option<Plan> {
    let keys = Keys {
        robots: section.setting("robots"),
        spawn_rate: section.setting("spawn_rate"),
        stages: section.setting("stages"),
        online: section.setting("online"),
        arrivals: section.setting("arrivals"),
        // A shape is the whole run's.
        shape: if scope == Scope::Run { section.setting("shape") } else { None },
        session: section.setting("session"),
        spacing: section.setting("spacing"),
        max_robots: section.setting("max_robots"),
    };
    let ways =
        || [&keys.robots, &keys.stages, &keys.online, &keys.arrivals, &keys.shape].into_iter().flatten();
    let Some(way) = ways().max_by_key(|way| way.place().rank()) else {
        if scope == Scope::Scenario {
            // A scenario with a share of the run's robots may have sessions of its own.
            keys.refuse_others(None, &[Other::Session]);
            return None;
        }
        keys.refuse_others(None, &[Other::SpawnRate]);
        keys.spawn_rate.as_ref()?;
        return keys.constant();
    };
    for rival in ways().filter(|rival| rival.path != way.path && rival.place().rank() == way.place().rank()) {
        let title = format!("`{}` and `{}` contradict each other", rival.path, way.path);
        rival.refuse(title, WAYS);
    }
    let is = |key: &Option<Setting<'_>>| key.as_ref().is_some_and(|setting| setting.path == way.path);
    if is(&keys.arrivals) {
        keys.refuse_others(Some(way), &[Other::Session, Other::Spacing, Other::MaxRobots]);
        keys.arrivals(way)
    } else if is(&keys.online) {
        keys.refuse_others(Some(way), &[Other::SpawnRate, Other::Session]);
        keys.online(way)
    } else if is(&keys.shape) {
        keys.refuse_others(Some(way), &[]);
        way.existing(Existing::File).map(|path| Plan::Shape(absolute(&path)))
    } else if is(&keys.stages) {
        keys.refuse_others(Some(way), &[]);
        Some(Plan::Stages(of_robots(way)))
    } else {
        keys.refuse_others(Some(way), &[Other::SpawnRate]);
        keys.constant()
    }
}

/// Settings that not every way has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    SpawnRate,
    Session,
    Spacing,
    MaxRobots,
}

impl Other {
    /// Where it belongs.
    fn wanted(self) -> &'static str {
        match self {
            Other::SpawnRate => "beside robots or online; other loads have rates of their own",
            Other::Session => "beside online or arrivals; other robots stay until they stop or the run ends",
            Other::Spacing => "beside arrivals",
            Other::MaxRobots => "beside arrivals; other loads say how many robots there are",
        }
    }
}

impl Keys<'_> {
    /// Refuses what is said in vain: settings that this way does not have, in its layer or a stronger one.
    fn refuse_others(&self, way: Option<&Setting<'_>>, known: &[Other]) {
        let others = [
            (Other::SpawnRate, &self.spawn_rate),
            (Other::Session, &self.session),
            (Other::Spacing, &self.spacing),
            (Other::MaxRobots, &self.max_robots),
        ];
        let rank = way.map_or(0, |way| way.place().rank());
        for (other, setting) in others.into_iter().filter(|(other, _)| !known.contains(other)) {
            let Some(setting) = setting.as_ref().filter(|setting| setting.place().rank() >= rank) else {
                continue;
            };
            let title = match way {
                Some(way) => format!("`{}` means nothing beside `{}`", setting.path, way.path),
                None => format!("`{}` means nothing alone", setting.path),
            };
            setting.refuse(title, other.wanted());
        }
    }

    fn spawn_rate(&self) -> Option<f64> {
        self.spawn_rate.as_ref().map_or(Some(DEFAULT_SPAWN_RATE), |setting| setting.positive_number(RATE))
    }

    fn session(&self) -> Option<Option<Stay>> {
        self.session.as_ref().map_or(Some(None), |setting| stay::read(setting).map(Some))
    }

    fn constant(&self) -> Option<Plan> {
        let robots = self.robots.as_ref().map_or(Some(1), |setting| setting.whole(1..=MOST_ROBOTS));
        let spawn_rate = self.spawn_rate();
        Some(Plan::Constant { robots: robots?.cast_unsigned(), spawn_rate: spawn_rate? })
    }

    fn online(&self, way: &Setting<'_>) -> Option<Plan> {
        let (spawn_rate, session) = (self.spawn_rate(), self.session());
        let robots = match way.is_table() || way.elements().iter().any(Setting::is_table) {
            true => Some(Online::Stages(of_robots(way))),
            false => way.whole(1..=MOST_ROBOTS).map(|robots| Online::Held(robots.cast_unsigned())),
        };
        Some(Plan::Online { robots: robots?, spawn_rate: spawn_rate?, session: session? })
    }

    fn arrivals(&self, way: &Setting<'_>) -> Option<Plan> {
        const SPACINGS: [(&str, Spacing); 2] = [("poisson", Spacing::Poisson), ("even", Spacing::Even)];
        let session = self.session();
        let spacing =
            self.spacing.as_ref().map_or(Some(Spacing::default()), |setting| setting.choice(&SPACINGS));
        let most = self.max_robots.as_ref().map(|setting| setting.whole(1..=MOST_ROBOTS));
        let max_robots = most.map_or(Some(DEFAULT_MAX_ROBOTS), |most| most.map(i64::cast_unsigned));
        let rates = match of_rates(way)? {
            Ok(rate) => Rates::Held(rate),
            Err(stages) => Rates::Stages(stages),
        };
        Some(Plan::Arrivals { rates, spacing: spacing?, max_robots: max_robots?, session: session? })
    }
}
