//! A robot as the engine knows it: where it is in its life, what it has open, what it waits for.

use super::storms::Hit;
use super::tracks::Tracks;
use crate::clock::nanos;
use crate::id::{ActivityKey, ConnectionKey, OperationKey, RobotId};
use crate::net::http::Client;
use crate::program::Late;
use crate::random::Random;
use crate::wheel::{TimerId, tick_at};
use std::sync::Arc;
use std::time::Duration;
use throng_metrics::RobotState;
use throng_wire::Nanos;

/// One robot.
#[derive(Debug)]
pub(crate) struct Robot {
    pub(crate) id: RobotId,
    pub(crate) life: Life,
    pub(crate) random: Random,
    pub(crate) connections: Vec<ConnectionKey>,
    /// Its cookies and open connections to HTTP servers, once it has asked one.
    pub(crate) http: Option<Arc<Client>>,
    pub(crate) activities: Vec<ActivityKey>,
    /// When it should have come, until its starts have begun; 0 where no plan said so.
    pub(crate) arrival: Nanos,
    /// The head of its chain of operations.
    pub(crate) operations: Option<OperationKey>,
    /// The one timer its life has at a time: next task, ready time-out, back-off, stop time-out.
    pub(crate) timer: TimerId,
    /// Restarts since it was last ready for a while.
    pub(crate) restarts: u32,
    pub(crate) was_ready: bool,
    /// What the gauges count it as.
    pub(crate) state: RobotState,
    /// A restart or stop is under way; nothing new begins.
    pub(crate) leaving: bool,
    /// A connection was lost and the robot restarts, as soon as all its `closed` routines have returned.
    pub(crate) restarts_after_closed: bool,
    pub(crate) origin: Origin,
    /// A storm that it is not back from.
    pub(crate) hit: Option<Box<Hit>>,
    /// The end of its session.
    pub(crate) leaves: TimerId,
    /// What its script measures by what came before, once it does.
    pub(crate) tracks: Option<Box<Tracks>>,
    /// When it was spawned.
    pub(crate) spawned: Nanos,
    /// Messages sent and received on its connections that have ended.
    pub(crate) messages: u64,
    /// A bit for each of the first labels under which it has had a connection.
    known: u64,
    /// Outcomes that its own calls gave it at once, and in which turn.
    at_once: (u64, u32),
}

/// Which part of the load plan a robot is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The crowd it belongs to, by its place.
    pub(crate) crowd: u16,
    /// The scenario it plays, by its place.
    pub(crate) scenario: u16,
    /// Its seat, where its crowd has some.
    pub(crate) seat: u32,
}

/// Where a robot is in its life.
#[derive(Debug)]
pub(crate) enum Life {
    /// Its objects are not made yet: just spawned, or pausing before a restart.
    Unborn,
    /// Its mods' starts run.
    Starting { starts: Box<[StartState]>, asked_ready: bool },
    /// It plays: its tasks run one after the other.
    Playing { since: Nanos, play: Play },
    /// Its mods' stops run.
    Stopping { left: usize },
}

/// How far a mod's start is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartState {
    /// Other mods must be through first.
    Waiting,
    Running,
    Returned,
}

/// What a playing robot does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Play {
    /// It waits for its next task, which has this slot.
    Idle(Slot),
    /// A task runs, or a sequence is between two steps.
    Task(Doing),
}

/// A task that runs, or a sequence between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doing {
    pub(crate) task: usize,
    pub(crate) step: usize,
    pub(crate) begun: Nanos,
    /// When the whole should have begun; 0 where no schedule said so.
    pub(crate) intended: Nanos,
    pub(crate) step_begun: Nanos,
    /// Of the task, or of its step.
    pub(crate) slot: Slot,
    pub(crate) turn: u64,
}

/// A place in a schedule; what belongs to none has the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// When what has it should begin; 0 where no schedule says so.
    pub(crate) intended: Nanos,
    /// From when the next one is reckoned.
    pub(crate) base: Nanos,
}

impl Robot {
    pub(crate) fn new(id: RobotId, seed: u64, origin: Origin, spawned: Nanos) -> Robot {
        Robot {
            id,
            life: Life::Unborn,
            random: Random::new(seed, id.0),
            connections: Vec::new(),
            http: None,
            activities: Vec::new(),
            arrival: 0,
            operations: None,
            timer: TimerId::NONE,
            restarts: 0,
            was_ready: false,
            state: RobotState::Connecting,
            leaving: false,
            restarts_after_closed: false,
            origin,
            hit: None,
            leaves: TimerId::NONE,
            tracks: None,
            spawned,
            messages: 0,
            known: 0,
            at_once: (0, 0),
        }
    }

    /// It has a connection under that label; whether it has had one before. Beyond 64 labels a shard that is not known.
    pub(crate) fn has_had(&mut self, label: usize) -> bool {
        let bit = u32::try_from(label).ok().and_then(|label| 1_u64.checked_shl(label)).unwrap_or(0);
        let before = self.known & bit != 0;
        self.known |= bit;
        before
    }

    /// Thousandths of a message that it has sent and received a second.
    pub(crate) fn rate(&self, now: Nanos) -> u64 {
        let lived_ms = now.saturating_sub(self.spawned) / 1_000_000;
        self.messages.saturating_mul(1_000_000).checked_div(lived_ms).unwrap_or(0)
    }

    /// Counts one more outcome of its own calls in `turn`; how many there are now.
    pub(crate) fn one_more_at_once(&mut self, turn: u64) -> u32 {
        if self.at_once.0 != turn {
            self.at_once = (turn, 0);
        }
        self.at_once.1 += 1;
        self.at_once.1
    }

    /// Gives its next task, or its next step, a slot.
    pub(crate) fn take_slot(&mut self, slot: Slot) {
        match &mut self.life {
            Life::Playing { play: Play::Idle(next), .. } => *next = slot,
            Life::Playing { play: Play::Task(doing), .. } => doing.slot = slot,
            Life::Unborn | Life::Starting { .. } | Life::Stopping { .. } => {}
        }
    }

    /// Whether its tasks may run.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.life, Life::Playing { .. })
    }
}

impl Slot {
    /// The place of `due` in a schedule that is kept to the tick of the timers.
    pub(crate) fn at(due: Nanos) -> Slot {
        Slot { intended: tick_at(due), base: due }
    }
}

impl Doing {
    /// The slot behind the one that ends `now`, `interval` later, and how many are left out before the one behind that.
    pub(crate) fn slot_after(&self, interval: Duration, late: Late, now: Nanos) -> (Slot, u64) {
        let base = if self.slot.base == 0 { self.step_begun } else { self.slot.base };
        let next = Slot::at(base.saturating_add(nanos(interval)));
        match late {
            Late::Skip if next.intended < now => {
                let missed = (now - next.intended) / nanos(interval).max(1);
                (Slot { base: now, ..next }, missed)
            }
            Late::CatchUp | Late::Skip => (next, 0),
        }
    }
}
