//! What the host knows about robots, coroutines and operations, shared with the functions that Lua calls.
//!
//! Nothing here stays borrowed while Lua runs. Coroutines are held here while they are blocked, and in their state's pool
//! while they are idle; the one that runs is on the Rust stack.

use crate::load::Files;
use crate::project::LuaProject;
use crate::sandbox::random::{self, Stream};
use mlua::Thread;
use slotmap::{Key, KeyData, SecondaryMap, SlotMap, new_key_type};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::{ActivityKey, ConnectionKey, Desk, Failure, Group, OperationKey, Question, RobotKey};
use throng_wire::MessageId;

new_key_type! {
    /// A function of a robot that has begun and not ended: it runs, or is blocked with a coroutine of its own.
    pub(crate) struct FiberKey;
    /// A timer of `every`.
    pub(crate) struct TimerKey;
    /// A spawned function that has not ended.
    pub(crate) struct SpawnedKey;
}

/// One shard's host state.
pub(crate) struct Shared {
    pub(crate) project: Arc<LuaProject>,
    pub(crate) files: Files,
    /// The engine; none while a project is only checked.
    pub(crate) desk: Option<Desk>,
    pub(crate) current: Cell<Current>,
    /// Set by a native that has begun to wait: the coroutine's next yield is for the host.
    pub(crate) blocked: Cell<bool>,
    /// Whether a script has made a group yet: until then, nobody asks for one.
    pub(crate) grouping: Cell<bool>,
    pub(crate) operations: RefCell<SecondaryMap<OperationKey, Waiter>>,
    pub(crate) activities: RefCell<SecondaryMap<ActivityKey, FiberKey>>,
    pub(crate) fibers: RefCell<SlotMap<FiberKey, Fiber>>,
    /// How many fibers each Lua state has.
    crowds: RefCell<Vec<usize>>,
    pub(crate) robots: RefCell<SecondaryMap<RobotKey, Robot>>,
    pub(crate) timers: RefCell<SlotMap<TimerKey, Timer>>,
    pub(crate) spawned: RefCell<SlotMap<SpawnedKey, Spawned>>,
    next_id: Cell<i64>,
    /// How long nothing was due when the last turn had time for the collector.
    pub(crate) idle: Cell<Duration>,
    /// Random streams, which outlive a robot's restarts.
    pub(crate) streams: RefCell<SecondaryMap<RobotKey, Stream>>,
    /// Why the engine refused the last call of [`direct`](crate::natives), until the prelude asks.
    pub(crate) refused: RefCell<Option<Box<Failure>>>,
    /// The encode buffer.
    pub(crate) body: RefCell<Vec<u8>>,
}

/// What runs right now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Current {
    /// The robot; null at file level.
    pub(crate) robot: RobotKey,
    /// The fiber; null where nothing may block.
    pub(crate) fiber: FiberKey,
    /// The fiber's coroutine, to tell it from those that the script made itself.
    pub(crate) coroutine: *const (),
    /// The mod whose function began this.
    pub(crate) module: usize,
}

impl Current {
    pub(crate) fn nothing() -> Current {
        Current {
            robot: RobotKey::null(),
            fiber: FiberKey::null(),
            coroutine: ptr::null(),
            module: usize::MAX,
        }
    }
}

impl Current {
    pub(crate) fn is_of_robot(&self) -> bool {
        !self.robot.is_null()
    }

    /// Whether a fiber runs, which may wait.
    pub(crate) fn may_wait(&self) -> bool {
        !self.fiber.is_null()
    }
}

/// Who waits for an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Waiter {
    /// A blocked fiber.
    Fiber(FiberKey),
    /// A spawned function that begins then.
    Launch(FiberKey),
    /// A timer.
    Timer(TimerKey),
}

/// A function that has begun and not ended.
pub(crate) struct Fiber {
    pub(crate) robot: RobotKey,
    pub(crate) vm: usize,
    pub(crate) module: usize,
    pub(crate) origin: Origin,
    /// Its coroutine while it is blocked.
    pub(crate) thread: Option<Thread>,
    pub(crate) waiting: Option<Waiting>,
    /// What the server asked with the message that a handler handles.
    pub(crate) asked: Option<Rc<Asked>>,
    /// The group that it is in.
    pub(crate) group: Option<Group>,
}

impl Fiber {
    /// Who runs when this fiber does.
    pub(crate) fn current(&self, key: FiberKey) -> Current {
        Current { robot: self.robot, fiber: key, coroutine: ptr::null(), module: self.module }
    }
}

/// A question of a server's, which all handlers of its message share.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) question: Question,
    /// The message, for people.
    pub(crate) name: Box<str>,
    pub(crate) answered: Cell<bool>,
}

/// What began a fiber.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// The engine's schedule.
    Activity(ActivityKey),
    /// A push.
    Handler { handler: usize },
    /// A timer.
    Timer(TimerKey),
    /// `spawn` or `all`.
    Spawned(SpawnedKey),
}

/// What a fiber is blocked on.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) operation: OperationKey,
    pub(crate) what: What,
}

/// The kind of a wait, for people and for what its end means.
#[derive(Debug)]
pub(crate) enum What {
    Sleep(Duration),
    Connect(Box<str>),
    Request(ConnectionKey, MessageId),
    Read(ConnectionKey),
    /// An HTTP request, by the name it is measured under.
    Http(Box<str>),
    /// A message of a watch; `once` is `expect`.
    Message {
        watch: i64,
        names: Box<str>,
        connection: Arc<str>,
        key: ConnectionKey,
        once: bool,
        quiet: bool,
    },
    /// A spawned function.
    Join,
    /// Several functions; `failed` when one of them has.
    Gather {
        failed: bool,
    },
    /// Its turn to begin.
    Launch,
    /// The robot's own restart or end: nothing resumes it.
    End,
}

impl What {
    /// The connection whose reply is waited for.
    pub(crate) fn connection(&self) -> Option<ConnectionKey> {
        match self {
            What::Request(connection, _) => Some(*connection),
            _ => None,
        }
    }
}

/// A robot that lives on this shard.
pub(crate) struct Robot {
    pub(crate) vm: usize,
    /// Its key in the state's table of robots.
    pub(crate) slot: i64,
    pub(crate) fibers: Vec<FiberKey>,
    pub(crate) watches: Vec<Watch>,
    pub(crate) queues: Vec<Queue>,
    /// Handlers that run or wait in a queue.
    pub(crate) handlers: usize,
    pub(crate) timers: Vec<TimerKey>,
    pub(crate) course: Course,
}

/// Whether a robot's code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// It does.
    Alive,
    /// Its stops run, and what else still does.
    Stopping,
    /// It has asked for its end or restart: only its stops begin.
    Halted,
    /// It was cut off and its objects are gone: nothing begins in this life.
    Condemned,
}

impl Robot {
    /// Whether no more of its code may begin or go on.
    pub(crate) fn is_halted(&self) -> bool {
        matches!(self.course, Course::Halted | Course::Condemned)
    }
}

/// A watch or an `expect` of a robot; its messages and its `where` are in Lua.
pub(crate) struct Watch {
    pub(crate) id: i64,
    pub(crate) connection: ConnectionKey,
    /// The names it was asked for, for people.
    pub(crate) names: Box<str>,
    /// The messages; empty is all.
    pub(crate) messages: Box<[MessageId]>,
    pub(crate) filtered: bool,
    /// An `expect`: the first message ends it.
    pub(crate) once: bool,
    /// The fiber that waits for its next message; null if none does.
    pub(crate) fiber: FiberKey,
}

/// Messages that wait for a handler with `queue = true`.
pub(crate) struct Queue {
    pub(crate) handler: usize,
    pub(crate) busy: bool,
    pub(crate) messages: VecDeque<Queued>,
}

/// A message that waits for a handler.
pub(crate) struct Queued {
    /// Its key in the prelude's table of queued ones.
    pub(crate) id: i64,
    pub(crate) connection: ConnectionKey,
    pub(crate) asked: Option<Rc<Asked>>,
}

/// A timer of `every`.
pub(crate) struct Timer {
    pub(crate) robot: RobotKey,
    pub(crate) module: usize,
    pub(crate) operation: OperationKey,
    pub(crate) busy: bool,
}

/// A spawned function that has not ended.
pub(crate) struct Spawned {
    pub(crate) fiber: FiberKey,
    /// The fiber that waits for it and its siblings in `all`: it hears of errors, and takes it with it when it ends.
    pub(crate) group: Option<FiberKey>,
    /// Operations to wake when it ends.
    pub(crate) joins: Vec<OperationKey>,
}

impl Shared {
    pub(crate) fn new(project: Arc<LuaProject>, desk: Option<Desk>) -> Rc<Shared> {
        Rc::new(Shared {
            project,
            files: Files::default(),
            desk,
            current: Cell::new(Current::nothing()),
            blocked: Cell::new(false),
            grouping: Cell::new(false),
            operations: RefCell::default(),
            activities: RefCell::default(),
            fibers: RefCell::default(),
            crowds: RefCell::default(),
            robots: RefCell::default(),
            timers: RefCell::default(),
            spawned: RefCell::default(),
            next_id: Cell::new(0),
            idle: Cell::new(Duration::ZERO),
            streams: RefCell::default(),
            refused: RefCell::default(),
            body: RefCell::default(),
        })
    }

    /// Makes the running fiber wait for `operation`.
    pub(crate) fn wait(&self, fiber: FiberKey, operation: OperationKey, what: What) {
        self.operations.borrow_mut().insert(operation, Waiter::Fiber(fiber));
        if let Some(fiber) = self.fibers.borrow_mut().get_mut(fiber) {
            fiber.waiting = Some(Waiting { operation, what });
        }
        self.blocked.set(true);
    }

    /// Has scripts run for `current`, who draw from its robot's random stream then; gives what ran so far.
    pub(crate) fn enter(&self, current: Current) -> Current {
        let outer = self.current.replace(current);
        self.swap_streams(outer.robot, current.robot);
        outer
    }

    /// Has scripts run for `outer` again.
    pub(crate) fn leave(&self, outer: Current) {
        let current = self.current.replace(outer);
        self.swap_streams(outer.robot, current.robot);
    }

    /// Exchanges the stream that scripts draw from for the one kept with the robot that comes or goes; a robot that is in its
    /// own turn has it already.
    fn swap_streams(&self, outer: RobotKey, robot: RobotKey) {
        if outer != robot
            && let Some(stream) = self.streams.borrow_mut().get_mut(robot)
        {
            random::swap(stream);
        }
    }

    /// A number that nothing else has: of a watch, of a queued message.
    pub(crate) fn new_id(&self) -> i64 {
        self.next_id.set(self.next_id.get() + 1);
        self.next_id.get()
    }

    /// Whether a robot's Lua state runs as many functions as it may.
    pub(crate) fn is_crowded(&self, robot: RobotKey) -> bool {
        let vm = self.robots.borrow().get(robot).map(|robot| robot.vm);
        let functions = vm.and_then(|vm| self.crowds.borrow().get(vm).copied()).unwrap_or(0);
        functions >= self.project.limits.functions_per_vm
    }

    /// Registers a fiber that has not begun to run.
    pub(crate) fn add_fiber(&self, robot: RobotKey, module: usize, origin: Origin) -> FiberKey {
        let vm = self.robots.borrow().get(robot).map_or(0, |robot| robot.vm);
        // What is spawned in a group is of the group.
        let group = match origin {
            Origin::Spawned(_) => self.group_of(self.current.get().fiber),
            _ => None,
        };
        let fiber = Fiber { robot, vm, module, origin, thread: None, waiting: None, asked: None, group };
        let key = self.fibers.borrow_mut().insert(fiber);
        let mut crowds = self.crowds.borrow_mut();
        if crowds.len() <= vm {
            crowds.resize(vm + 1, 0);
        }
        crowds[vm] += 1;
        if let Some(robot) = self.robots.borrow_mut().get_mut(robot) {
            robot.fibers.push(key);
        }
        key
    }

    /// The group that a fiber is in.
    #[inline]
    pub(crate) fn group_of(&self, fiber: FiberKey) -> Option<Group> {
        if !self.grouping.get() {
            return None;
        }
        self.fibers.borrow().get(fiber)?.group
    }

    /// Moves a fiber into a group, or out of it; gives the one it was in.
    pub(crate) fn move_to_group(&self, fiber: FiberKey, group: Option<Group>) -> Option<Group> {
        self.grouping.set(true);
        let mut fibers = self.fibers.borrow_mut();
        std::mem::replace(&mut fibers.get_mut(fiber)?.group, group)
    }

    /// Notes what a fiber that has not begun waits for, so that it can be cancelled.
    pub(crate) fn expect_launch(&self, fiber: FiberKey, operation: OperationKey) {
        if let Some(fiber) = self.fibers.borrow_mut().get_mut(fiber) {
            fiber.waiting = Some(Waiting { operation, what: What::Launch });
        }
    }

    /// Forgets a fiber, whatever became of it.
    pub(crate) fn remove_fiber(&self, key: FiberKey) -> Option<Fiber> {
        let fiber = self.fibers.borrow_mut().remove(key)?;
        self.crowds.borrow_mut()[fiber.vm] -= 1;
        if let Some(robot) = self.robots.borrow_mut().get_mut(fiber.robot) {
            robot.fibers.retain(|other| *other != key);
        }
        Some(fiber)
    }

    /// Takes a watch away; whether it was there.
    pub(crate) fn disarm(&self, robot: RobotKey, id: i64) -> bool {
        let mut robots = self.robots.borrow_mut();
        let Some(robot) = robots.get_mut(robot) else { return false };
        let before = robot.watches.len();
        robot.watches.retain(|watch| watch.id != id);
        robot.watches.len() < before
    }
}

/// The number of a key, as Lua keeps it.
pub(crate) fn number_of(key: impl Key) -> i64 {
    key.data().as_ffi() as i64
}

/// The key behind a number that Lua kept.
pub(crate) fn key_of<K: Key>(number: i64) -> K {
    KeyData::from_ffi(number as u64).into()
}

/// The place of a robot in a state's table of robots: small numbers, used again.
pub(crate) fn slot_of(robot: RobotKey) -> i64 {
    (robot.data().as_ffi() & 0xffff_ffff) as i64
}
