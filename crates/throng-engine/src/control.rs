//! How a run is steered and seen: absolute wishes down, reports up.

use crate::desk::LogLine;
use crate::host::Memory;
use crate::schedule::Schedule;
use std::time::Duration;
use throng_metrics::Delta;

/// What is wanted of the robots, in absolute terms: the newest wish replaces the one before.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// How many robots, when.
    pub schedule: Schedule,
    /// When the schedule's time begins, since the run's start.
    pub begun: Duration,
    /// Whether they play.
    pub phase: Phase,
}

/// Whether robots play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// As the schedule says.
    Play,
    /// All of them stop in good order.
    Stop,
    /// Everything ends now.
    Abort,
}

impl Desired {
    /// What the run does so long after it began, in one word: a second of a run is of exactly one such phase.
    pub fn phase_at(&self, at: Duration) -> &str {
        match self.phase {
            Phase::Play => self.schedule.phase(at),
            Phase::Stop | Phase::Abort => "stop",
        }
    }

    /// No robots.
    pub fn idle() -> Desired {
        Desired { schedule: Schedule::stages(&[], None), begun: Duration::ZERO, phase: Phase::Play }
    }
}

/// A message to a shard.
#[derive(Debug)]
pub enum Command {
    /// Wants this from now on.
    Want(Desired),
}

/// A shard's report, once a second and at its end.
pub struct Report {
    /// The shard.
    pub shard: u64,
    /// What it recorded since the last.
    pub delta: Delta,
    /// Every robot the plan will ever ask for has come and gone.
    pub ended: bool,
    /// Its host's memory.
    pub memory: Memory,
    /// Lines its robots logged.
    pub log: Vec<LogLine>,
    /// Lines that were too many to keep.
    pub log_dropped: u64,
    /// This is the last.
    pub over: bool,
}
