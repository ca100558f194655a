//! What a world's Lua functions share with its driver.

use super::servers::Servers;
use super::timeline::Timeline;
use crate::project::OptionValue;
use crate::state::Shared;
use slotmap::Key;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;
use throng_engine::{LogLine, RobotId, RobotKey};
use throng_metrics::{FailureKind, Limits, Totals};
use throng_wire::Nanos;

/// A world's state beside its shard. Nothing here stays borrowed while Lua runs.
pub(super) struct Stand {
    pub(super) servers: RefCell<Servers>,
    pub(super) robots: RefCell<Robots>,
    pub(super) totals: RefCell<Totals>,
    pub(super) timeline: Rc<RefCell<Timeline>>,
    pub(super) log: RefCell<Vec<LogLine>>,
    /// What the test's function waits for.
    pub(super) wish: RefCell<Option<Wish>>,
    /// The test's own function runs, not a handler of a server's.
    pub(super) in_test: Cell<bool>,
    /// Time has passed.
    pub(super) begun: Cell<bool>,
    /// The options with which the world was made, if the test asked for any.
    pub(super) options: RefCell<Vec<Vec<(String, OptionValue)>>>,
    /// Script errors that the test has seen, by message and traceback.
    pub(super) expected: RefCell<HashMap<(String, String), u64>>,
}

/// Why a test's function waits.
pub(super) enum Wish {
    /// The clock is to go on by this.
    Advance(Duration),
    /// The world is to be made anew, with these options.
    Options(Vec<(String, OptionValue)>),
}

/// The robots under test.
#[derive(Default)]
pub(super) struct Robots {
    /// How many the test has asked for; ids count from 0.
    pub(super) planned: u64,
    keys: BTreeMap<u64, RobotKey>,
    were_ready: HashSet<u64>,
    stopping: HashSet<u64>,
}

/// Where a robot is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RobotPhase {
    Starting,
    Ready,
    Restarting,
    Stopping,
    Stopped,
    Failed,
}

impl RobotPhase {
    pub(super) fn name(self) -> &'static str {
        match self {
            RobotPhase::Starting => "starting",
            RobotPhase::Ready => "ready",
            RobotPhase::Restarting => "restarting",
            RobotPhase::Stopping => "stopping",
            RobotPhase::Stopped => "stopped",
            RobotPhase::Failed => "failed",
        }
    }
}

/// A script error that was counted.
pub(super) struct SeenError {
    pub(super) message: String,
    pub(super) traceback: String,
    pub(super) count: u64,
}

/// A failure that was counted.
pub(super) struct SeenFailure {
    pub(super) kind: FailureKind,
    pub(super) name: String,
    pub(super) message: String,
    pub(super) count: u64,
}

impl Stand {
    pub(super) fn new(servers: Servers) -> Stand {
        Stand {
            servers: RefCell::new(servers),
            robots: RefCell::default(),
            totals: RefCell::new(Totals::new(Limits::default())),
            timeline: Rc::default(),
            log: RefCell::default(),
            wish: RefCell::default(),
            in_test: Cell::new(false),
            begun: Cell::new(false),
            options: RefCell::default(),
            expected: RefCell::default(),
        }
    }

    /// Learns the keys of robots that have been born, and which are ready.
    pub(super) fn look_at_robots(&self, shared: &Shared) {
        let Some(desk) = &shared.desk else { return };
        let mut robots = self.robots.borrow_mut();
        for key in shared.robots.borrow().keys() {
            if let Some(RobotId(id)) = desk.robot_id(key) {
                robots.keys.insert(id, key);
                if desk.is_ready(key) {
                    robots.were_ready.insert(id);
                }
            }
        }
    }

    /// The engine's key of a robot that lives.
    pub(super) fn robot(&self, shared: &Shared, id: u64) -> Option<RobotKey> {
        let key = *self.robots.borrow().keys.get(&id)?;
        shared.desk.as_ref()?.robot_id(key).is_some().then_some(key)
    }

    /// Notes that the test has ended a robot.
    pub(super) fn stopping(&self, id: u64) {
        self.robots.borrow_mut().stopping.insert(id);
    }

    /// Where a robot is in its life.
    pub(super) fn phase_of(&self, shared: &Shared, id: u64) -> RobotPhase {
        let robots = self.robots.borrow();
        let desk = shared.desk.as_ref();
        match self.robot(shared, id) {
            None if !self.begun.get() => RobotPhase::Starting,
            None if self.has_failed(&robots, id) => RobotPhase::Failed,
            None => RobotPhase::Stopped,
            Some(_) if robots.stopping.contains(&id) => RobotPhase::Stopping,
            Some(key) if desk.is_some_and(|desk| desk.is_ready(key)) => RobotPhase::Ready,
            Some(key) if shared.robots.borrow().contains_key(key) => RobotPhase::Starting,
            Some(_) => RobotPhase::Restarting,
        }
    }

    /// Whether a robot that has ended did so because its start failed or took too long.
    fn has_failed(&self, robots: &Robots, id: u64) -> bool {
        let timeline = self.timeline.borrow();
        let failed = self.totals.borrow().robots().failed;
        let by_error = timeline.start_failed(RobotId(id));
        by_error || !robots.were_ready.contains(&id) && failed > timeline.starts_failed()
    }

    /// All script errors so far.
    pub(super) fn errors(&self) -> Vec<SeenError> {
        let groups = self.totals.borrow().script_errors();
        let seen = groups.into_iter().map(|group| SeenError {
            message: group.message.to_string(),
            traceback: group.traceback.to_string(),
            count: group.count,
        });
        seen.collect()
    }

    /// All script errors so far, which the test has seen now.
    pub(super) fn take_errors(&self) -> Vec<SeenError> {
        let errors = self.errors();
        let seen = errors.iter().map(|error| ((error.message.clone(), error.traceback.clone()), error.count));
        self.expected.replace(seen.collect());
        errors
    }

    /// Script errors that the test has not seen.
    pub(super) fn unexpected_errors(&self) -> Vec<SeenError> {
        let expected = self.expected.borrow();
        let of = |error: &SeenError| {
            expected.get(&(error.message.clone(), error.traceback.clone())).copied().unwrap_or(0)
        };
        self.errors().into_iter().filter(|error| error.count > of(error)).collect()
    }

    /// All failures so far but script errors.
    pub(super) fn failures(&self) -> Vec<SeenFailure> {
        let groups = self.totals.borrow().failures();
        let script = [FailureKind::Script, FailureKind::ScriptDeadline, FailureKind::ScriptMemory];
        let others = groups.into_iter().filter(|group| !script.contains(&group.kind));
        let seen = others.map(|group| SeenFailure {
            kind: group.kind,
            name: group.name.to_string(),
            message: group.message.to_string(),
            count: group.count,
        });
        seen.collect()
    }

    /// The moment `delay` from now; `None` is now.
    pub(super) fn moment(&self, shared: &Shared, delay: Option<Duration>) -> Option<Nanos> {
        let delay = delay.filter(|delay| !delay.is_zero())?;
        let now = shared.desk.as_ref().map_or(0, |desk| desk.now());
        Some(now.saturating_add(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Whether a robot of this key exists in Lua.
pub(super) fn has_objects(shared: &Shared, key: RobotKey) -> bool {
    !key.is_null() && shared.robots.borrow().contains_key(key)
}
