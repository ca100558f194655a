//! `[load]`: how many robots, how fast they come, how long they stay.

mod plan;
mod stages;
mod stay;
mod storms;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use throng_engine::{Schedule, Storm};

use super::layers::Section;
use super::setting::{Refusal, Setting};

pub use plan::{Online, Plan, Rates};
pub(super) use plan::{Scope, read as read_plan};
pub(super) use stages::is_word;
pub(super) use stay::read as read_stay;

/// How much to load.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// How many robots there are over time.
    pub plan: Plan,
    /// Tasks a second over all robots, in place of waits between tasks.
    pub task_rate: Option<f64>,
    /// When robots lose their connections.
    pub storms: Vec<Storm>,
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

impl Load {
    /// The plan and the run's end as the engine takes them.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(vec![self.plan.crowd()], self.run_time).with_storms(self.storms.clone())
    }
}

const DEFAULT_STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// The most robots a load may ask for.
pub const MOST_ROBOTS: i64 = 100_000_000;
const MOST_SHARDS: i64 = 1_024;

pub(super) fn read(section: &Section<'_>) -> Load {
    let plan = plan::read(section, Scope::Run).unwrap_or_else(Plan::least);
    let task_rate = section.setting("task_rate").and_then(|setting| setting.rate(super::tasks::RATE_FORM));
    let storms = storms::read(section);
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
        task_rate,
        storms,
        run_time,
        shards: shards.unwrap_or_else(cores),
        seed: seed.map(i64::cast_unsigned),
        local_addresses: local_addresses.unwrap_or_default(),
        stop_timeout: stop_timeout.unwrap_or(DEFAULT_STOP_TIMEOUT),
    }
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
