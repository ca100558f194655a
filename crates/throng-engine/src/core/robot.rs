//! A robot as the engine knows it: where it is in its life, what it has open, what it waits for.

use crate::id::{ActivityKey, ConnectionKey, OperationKey, RobotId};
use crate::net::http::Client;
use crate::random::Random;
use crate::wheel::TimerId;
use std::sync::Arc;
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
    /// The end of its session.
    pub(crate) leaves: TimerId,
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
    /// It waits for its next task.
    Idle,
    /// A task runs, or a sequence is between two steps.
    Task { task: usize, step: usize, begun: Nanos, step_begun: Nanos, turn: u64 },
}

impl Robot {
    pub(crate) fn new(id: RobotId, seed: u64, origin: Origin) -> Robot {
        Robot {
            id,
            life: Life::Unborn,
            random: Random::new(seed, id.0),
            connections: Vec::new(),
            http: None,
            activities: Vec::new(),
            operations: None,
            timer: TimerId::NONE,
            restarts: 0,
            was_ready: false,
            state: RobotState::Connecting,
            leaving: false,
            restarts_after_closed: false,
            origin,
            leaves: TimerId::NONE,
            at_once: (0, 0),
        }
    }

    /// Counts one more outcome of its own calls in `turn`; how many there are now.
    pub(crate) fn one_more_at_once(&mut self, turn: u64) -> u32 {
        if self.at_once.0 != turn {
            self.at_once = (turn, 0);
        }
        self.at_once.1 += 1;
        self.at_once.1
    }

    /// Whether its tasks may run.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.life, Life::Playing { .. })
    }
}
