//! [`LuaHost`]: the engine's border on one side, Lua states on the other.

use crate::error::LoadError;
use crate::load;
use crate::natives::source_place;
use crate::program::{Inventory, Loaded};
use crate::project::LuaProject;
use crate::push::Listeners;
use crate::run::{Entry, cancel_timer, lua_index, no_arguments};
use crate::sandbox::random::Stream;
use crate::state::{Course, Fiber, Origin, Robot, Shared, Waiter, What, number_of, slot_of};
use crate::values::Shown;
use crate::vm::{Vm, broken_error};
use mlua::{IntoLua, Lua, Table, Value};
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use throng_engine::{
    ActivityKey, CloseReason, ConnectionKey, Desk, Host, Incoming, Memory, OperationKey, Outcome, OwnCut,
    OwnError, OwnHead, Program, RobotId, RobotKey, Routine, ScriptError, Speaker, Uncaught, units,
};
use throng_metrics::{EndCause, FailureKind};

/// Runs the robots of one shard in Lua.
pub struct LuaHost {
    pub(crate) shared: Rc<Shared>,
    pub(crate) desk: Desk,
    pub(crate) loaded: Rc<Loaded>,
    pub(crate) listeners: Listeners,
    pub(crate) vms: Vec<Vm>,
    /// Robots by Lua state.
    robots: Vec<usize>,
    /// Where the collector of each state stands.
    collectors: Vec<Collector>,
    /// The state whose collector was asked last.
    collected: usize,
}

impl LuaHost {
    /// Loads the project for a shard.
    ///
    /// # Errors
    /// The first mistake in the project.
    pub fn new(project: Arc<LuaProject>, desk: Desk) -> Result<LuaHost, LoadError> {
        let shared = Shared::new(project, Some(desk.clone()));
        let vm = load::vm(&shared)?;
        let loaded = vm.loaded().clone();
        let collectors = vec![Collector::new(&vm)];
        Ok(LuaHost {
            shared,
            desk,
            loaded,
            listeners: Listeners::default(),
            vms: vec![vm],
            robots: vec![0],
            collectors,
            collected: 0,
        })
    }

    /// Loads the project and runs nothing.
    ///
    /// # Errors
    /// The first mistake in the project.
    pub fn check(project: Arc<LuaProject>) -> Result<Inventory, LoadError> {
        let shared = Shared::new(project, None);
        let vm = load::vm(&shared)?;
        let Loaded { program, handlers, run_functions, .. } = (**vm.loaded()).clone();
        Ok(Inventory { program, handlers, run_functions })
    }

    /// What a robot's objects hold, by mod, for people.
    pub fn inspect(&self, robot: RobotKey) -> Vec<(String, String)> {
        let place = self.shared.robots.borrow().get(robot).map(|place| (place.slot, place.vm));
        let Some((slot, vm)) = place else { return Vec::new() };
        let shown = Shown { redaction: &self.shared.project.redaction };
        let object: mlua::Result<Table> =
            self.vms[vm].prelude().table.raw_get::<Table>("robots").and_then(|robots| robots.raw_get(slot));
        let Ok(object) = object else { return Vec::new() };
        let mods = self.loaded.program.mods.iter().enumerate();
        let fields = mods.map(|(index, spec)| {
            let fields = object.raw_get::<Value>(index + 1).unwrap_or(Value::Nil);
            (spec.name.to_string(), shown.text(&fields))
        });
        fields.collect()
    }

    /// How many Lua states there are.
    pub fn states(&self) -> usize {
        self.vms.len()
    }

    /// How many robots live.
    pub fn live_robots(&self) -> usize {
        self.robots.iter().sum()
    }

    /// A Lua state with room for one more robot.
    fn roomy_vm(&mut self) -> Result<usize, LoadError> {
        let most = self.shared.project.limits.robots_per_vm.max(1);
        if let Some(index) = self.robots.iter().position(|count| *count < most) {
            return Ok(index);
        }
        let vm = load::vm(&self.shared)?;
        self.collectors.push(Collector::new(&vm));
        self.vms.push(vm);
        self.robots.push(0);
        Ok(self.vms.len() - 1)
    }

    fn arguments_of(&self, vm: usize, routine: &Routine<'_>) -> (usize, Entry, (Value, Value, Value)) {
        let nil = || Value::Nil;
        match *routine {
            Routine::Start { module } => (module, Entry::Start, (lua_index(module), nil(), nil())),
            Routine::Stop { module } => (module, Entry::Stop, (lua_index(module), nil(), nil())),
            Routine::Task { task } => {
                (self.loaded.program.tasks[task].module, Entry::Task, (lua_index(task), nil(), nil()))
            }
            Routine::Step { task, step } => (
                self.loaded.program.tasks[task].module,
                Entry::Step,
                (lua_index(task), lua_index(step), nil()),
            ),
            Routine::Closed { module, connection, why } => {
                let key = Value::Integer(number_of(connection));
                let why = reason_value(&self.vms[vm].lua, why).unwrap_or(Value::Nil);
                (module, Entry::Closed, (lua_index(module), key, why))
            }
        }
    }

    fn describe(&self, fiber: &Fiber) -> Option<String> {
        let waiting = fiber.waiting.as_ref()?;
        let what = match &waiting.what {
            What::Sleep(time) => format!("sleep {}", units::display(*time)),
            What::Connect(name) => format!("connect {name}"),
            What::Request(connection, message) => {
                match self.desk.facts(*connection).and_then(|facts| facts.protocol) {
                    Some(protocol) => format!("request {}", protocol.message_name(*message)),
                    None => "request".to_owned(),
                }
            }
            What::Read(connection) => match self.desk.facts(*connection) {
                Some(facts) => format!("read from {}", facts.name),
                None => "read".to_owned(),
            },
            What::Http(name) => format!("http {name}"),
            What::Message { names, connection, .. } => format!("wait for {names} on {connection}"),
            What::Join => "wait for a spawned function".to_owned(),
            What::Gather { .. } => "wait for all functions".to_owned(),
            What::Launch => "begin".to_owned(),
            What::End => "the robot's end".to_owned(),
        };
        match fiber.thread.as_ref().and_then(source_place) {
            Some(place) => Some(format!("{place}: {what}")),
            None => Some(what),
        }
    }
}

impl Host for LuaHost {
    fn program(&self) -> &Program {
        &self.loaded.program
    }

    fn born(&mut self, robot: RobotKey, id: RobotId) -> Result<(), ScriptError> {
        let vm = self.roomy_vm().map_err(|error| script_error(error.to_string()))?;
        self.robots[vm] += 1;
        let slot = slot_of(robot);
        let place = Robot {
            vm,
            slot,
            fibers: Vec::new(),
            watches: Vec::new(),
            queues: Vec::new(),
            handlers: 0,
            timers: Vec::new(),
            course: Course::Alive,
        };
        self.shared.robots.borrow_mut().insert(robot, place);
        if !self.shared.streams.borrow().contains_key(robot) {
            self.shared.streams.borrow_mut().insert(robot, Stream::new(self.desk.seed(robot), id.0));
        }
        let prelude = self.vms[vm].prelude();
        match self.desk.scenario(robot) {
            None => prelude.born.call::<()>((slot, id.0)),
            Some(scenario) => prelude.born.call::<()>((slot, id.0, &*scenario)),
        }
        .map_err(|error| broken_error(&error))?;
        if !self.loaded.init {
            return Ok(());
        }
        match self.ask(robot, usize::MAX, Entry::Init, no_arguments()) {
            Ok(_) => Ok(()),
            Err(Uncaught::Script(error)) => Err(error),
            Err(Uncaught::Counted(text)) => Err(script_error(text)),
        }
    }

    fn begin(&mut self, robot: RobotKey, activity: ActivityKey, routine: Routine<'_>) {
        let vm = match self.shared.robots.borrow_mut().get_mut(robot) {
            Some(place) => {
                if matches!(routine, Routine::Stop { .. }) && place.course != Course::Condemned {
                    place.course = Course::Stopping;
                }
                if place.is_halted() {
                    return;
                }
                place.vm
            }
            None => return self.desk.finished(activity, Ok(())),
        };
        let (module, entry, arguments) = self.arguments_of(vm, &routine);
        let fiber = self.shared.add_fiber(robot, module, Origin::Activity(activity));
        self.shared.activities.borrow_mut().insert(activity, fiber);
        self.launch(fiber, entry, arguments);
    }

    fn allows(&mut self, robot: RobotKey, task: usize) -> bool {
        let module = self.loaded.program.tasks[task].module;
        match self.ask(robot, module, Entry::When, (lua_index(task), Value::Nil, Value::Nil)) {
            Ok(allowed) => allowed == Value::Boolean(true),
            Err(Uncaught::Script(error)) => {
                self.desk.script_error(robot, &error);
                false
            }
            Err(Uncaught::Counted(_)) => false,
        }
    }

    fn resume(&mut self, operation: OperationKey, outcome: Outcome<'_>) {
        self.outcome(operation, outcome);
    }

    fn warm(&self, operation: OperationKey) -> usize {
        let Some(Waiter::Fiber(key)) = self.shared.operations.borrow().get(operation).copied() else {
            return 0;
        };
        let fibers = self.shared.fibers.borrow();
        let Some(fiber) = fibers.get(key) else { return 0 };
        let robots = self.shared.robots.borrow();
        let read = fiber.waiting.is_some() as usize ^ robots.get(fiber.robot).map_or(0, |robot| robot.vm);
        read ^ fiber.thread.as_ref().map_or(0, crate::raw::warm)
    }

    fn push(&mut self, robot: RobotKey, connection: ConnectionKey, message: Incoming<'_>) -> bool {
        self.deliver(robot, connection, &message)
    }

    fn cut(
        &mut self,
        speaker: &Speaker<'_>,
        input: &[u8],
        cuts: &mut Vec<OwnCut>,
    ) -> Result<usize, OwnError> {
        self.own_cut(speaker, input, cuts)
    }

    fn head(&mut self, speaker: &Speaker<'_>, payload: &[u8]) -> Result<OwnHead, OwnError> {
        self.own_head(speaker, payload)
    }

    fn heartbeat(&mut self, speaker: &Speaker<'_>) -> Result<Vec<u8>, OwnError> {
        self.own_heartbeat(speaker)
    }

    fn ended(&mut self, connection: ConnectionKey) {
        self.forget_state(connection);
    }

    fn abandon(&mut self, activity: ActivityKey) {
        let fiber = self.shared.activities.borrow().get(activity).copied();
        if let Some(fiber) = fiber {
            self.kill_fiber(fiber);
        }
    }

    fn forget(&mut self, robot: RobotKey) {
        self.kill_all(robot, Course::Halted);
        self.forget_rest(robot);
    }

    fn whereabouts(&self, activity: ActivityKey) -> Option<String> {
        let fiber = self.shared.activities.borrow().get(activity).copied()?;
        self.describe(self.shared.fibers.borrow().get(fiber)?)
    }

    fn housekeeping(&mut self, idle: Duration) -> Duration {
        self.shared.idle.set(idle);
        // One state at a time: were all of them due at once, the shard would stand still for as many steps.
        for _ in 0..self.vms.len() {
            self.collected = (self.collected + 1) % self.vms.len();
            let took = self.collectors[self.collected].keep_up(&self.vms[self.collected].lua, idle);
            if !took.is_zero() {
                return took;
            }
        }
        Duration::ZERO
    }

    fn memory(&self) -> Memory {
        Memory {
            used: self.vms.iter().map(|vm| vm.lua.used_memory()).sum(),
            limit: self.shared.project.limits.memory.saturating_mul(self.vms.len()),
        }
    }
}

impl LuaHost {
    /// Everything of a robot's but its fibers.
    fn forget_rest(&mut self, robot: RobotKey) {
        self.drop_belongings(robot);
        let Some(place) = self.shared.robots.borrow_mut().remove(robot) else { return };
        self.robots[place.vm] -= 1;
        let forgotten = self.vms[place.vm].prelude().forget.call::<()>(place.slot);
        self.tolerate(robot, forgotten);
    }

    /// What a robot left with the prelude: queued messages, watches, timers.
    pub(crate) fn drop_belongings(&self, robot: RobotKey) {
        let (vm, queues, watches, timers) = match self.shared.robots.borrow_mut().get_mut(robot) {
            Some(place) => {
                let (queues, watches) = (mem::take(&mut place.queues), mem::take(&mut place.watches));
                (place.vm, queues, watches, mem::take(&mut place.timers))
            }
            None => return,
        };
        let prelude = self.vms[vm].prelude();
        // Nothing but memory is at stake when a table refuses.
        for queued in queues.iter().flat_map(|queue| &queue.messages) {
            let _ = prelude.queued.raw_set(queued.id, Value::Nil);
        }
        for watch in &watches {
            let _ = prelude.watches.raw_set(watch.id, Value::Nil);
        }
        for timer in timers {
            cancel_timer(&self.shared, timer);
            let _ = prelude.timers.raw_set(number_of(timer), Value::Nil);
        }
    }
}

/// Steps of a Lua state's collector between turns, where they are measured and harm least: Lua itself would make the same step
/// in the middle of a turn, when memory has grown a little more.
struct Collector {
    /// Bytes in use after the last step.
    kept: usize,
    /// How long the last step took.
    took: Duration,
}

impl Collector {
    fn new(vm: &Vm) -> Collector {
        Collector { kept: vm.lua.used_memory(), took: Duration::ZERO }
    }

    /// Makes a step if there is time for it and something to collect, or if it is due anyway; returns how long it took.
    fn keep_up(&mut self, lua: &Lua, idle: Duration) -> Duration {
        let grown = lua.used_memory().saturating_sub(self.kept);
        let worthwhile = grown > self.kept / 10 && idle > self.took;
        let due = grown > self.kept / 2;
        if !worthwhile && !due {
            return Duration::ZERO;
        }
        let begin = Instant::now();
        // Only a finaliser of the script's can fail here, and it has been cut off or reported by Lua.
        let _ = lua.gc_step();
        self.took = begin.elapsed();
        self.kept = lua.used_memory();
        self.took
    }
}

/// A connection's end as scripts see it: `{ kind, text, code, name }`.
fn reason_value(lua: &Lua, why: &CloseReason) -> mlua::Result<Value> {
    let table = lua.create_table_with_capacity(0, 4)?;
    // A storm of the load plan is to be met as what it plays.
    let cause = if why.cause == EndCause::Storm { EndCause::Reset } else { why.cause };
    table.raw_set("kind", cause.to_string())?;
    table.raw_set("name", &*why.connection)?;
    table.raw_set("text", &*why.text)?;
    table.raw_set("code", why.code)?;
    table.into_lua(lua)
}

fn script_error(message: String) -> ScriptError {
    ScriptError { kind: FailureKind::Script, message, traceback: String::new() }
}
