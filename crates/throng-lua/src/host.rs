//! [`LuaHost`]: the engine's border on one side, Lua states on the other.

use crate::error::LoadError;
use crate::load;
use crate::natives::source_place;
use crate::program::Loaded;
use crate::project::LuaProject;
use crate::push::Listeners;
use crate::run::{Entry, lua_index, no_arguments};
use crate::state::{FiberKey, Fiber, Origin, Robot, Shared, What, slot_of};
use crate::vm::Vm;
use mlua::{IntoLua, Lua, Value};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use throng_engine::{
    ActivityKey, CloseReason, ConnectionKey, Desk, Host, Incoming, Memory, OperationKey, Outcome, Program, RobotId,
    RobotKey, Routine, ScriptError, Uncaught,
};
use throng_metrics::FailureKind;

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
        Ok(LuaHost { shared, desk, loaded, listeners: Listeners::default(), vms: vec![vm], robots: vec![0], collectors })
    }

    /// Loads the project and runs nothing.
    ///
    /// # Errors
    /// The first mistake in the project.
    pub fn check(project: Arc<LuaProject>) -> Result<Program, LoadError> {
        let shared = Shared::new(project, None);
        Ok(load::vm(&shared)?.loaded().program.clone())
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
            Routine::Step { task, step } => {
                (self.loaded.program.tasks[task].module, Entry::Step, (lua_index(task), lua_index(step), nil()))
            }
            Routine::Closed { module, connection, why } => {
                let key = Value::Integer(crate::state::number_of(connection));
                let why = reason_value(&self.vms[vm].lua, why).unwrap_or(Value::Nil);
                (module, Entry::Closed, (lua_index(module), key, why))
            }
        }
    }

    fn describe(&self, fiber: &Fiber) -> Option<String> {
        let waiting = fiber.waiting.as_ref()?;
        let what = match &waiting.what {
            What::Sleep(time) => format!("sleep {time:?}"),
            What::Connect(name) => format!("connect {name}"),
            What::Request(connection, message) => match self.desk.facts(*connection).and_then(|facts| facts.protocol) {
                Some(protocol) => format!("request {}", protocol.message_name(*message)),
                None => "request".to_owned(),
            },
            What::Read(connection) => match self.desk.facts(*connection) {
                Some(facts) => format!("read from {}", facts.name),
                None => "read".to_owned(),
            },
            What::Message { names, connection, .. } => format!("wait for {names} on {connection}"),
            What::Join => "wait for a spawned function".to_owned(),
            What::Gather => "wait for all functions".to_owned(),
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
            halted: false,
        };
        self.shared.robots.borrow_mut().insert(robot, place);
        let prelude = self.vms[vm].prelude();
        prelude.born.call::<()>((slot, id.0)).map_err(|error| script_error(error.to_string()))?;
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
                place.halted = false;
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

    fn push(&mut self, robot: RobotKey, connection: ConnectionKey, message: Incoming<'_>) -> bool {
        self.deliver(robot, connection, &message)
    }

    fn abandon(&mut self, activity: ActivityKey) {
        let fiber = self.shared.activities.borrow().get(activity).copied();
        if let Some(fiber) = fiber {
            self.kill_fiber(fiber);
        }
    }

    fn forget(&mut self, robot: RobotKey) {
        let fibers: Vec<FiberKey> = match self.shared.robots.borrow_mut().get_mut(robot) {
            Some(place) => {
                place.halted = true;
                place.fibers.clone()
            }
            None => return,
        };
        for fiber in fibers {
            self.kill_fiber(fiber);
        }
        self.forget_rest(robot);
    }

    fn whereabouts(&self, activity: ActivityKey) -> Option<String> {
        let fiber = self.shared.activities.borrow().get(activity).copied()?;
        self.describe(self.shared.fibers.borrow().get(fiber)?)
    }

    fn housekeeping(&mut self, idle: Duration) -> Duration {
        let begin = Instant::now();
        for (vm, collector) in self.vms.iter().zip(&mut self.collectors) {
            if begin.elapsed() < idle {
                collector.use_idle_time(vm);
            }
        }
        begin.elapsed()
    }

    fn memory(&self) -> Memory {
        Memory {
            used: self.vms.iter().map(|vm| vm.lua.used_memory()).sum(),
            limit: self.shared.project.limits.memory * self.vms.len(),
        }
    }
}

impl LuaHost {
    /// Everything of a robot's but its fibers.
    fn forget_rest(&mut self, robot: RobotKey) {
        let Some(place) = self.shared.robots.borrow_mut().remove(robot) else { return };
        self.robots[place.vm] -= 1;
        let prelude = self.vms[place.vm].prelude();
        for watch in &place.watches {
            let _ = prelude.watches.raw_set(watch.id, Value::Nil);
        }
        let timers: Vec<_> = {
            let timers = self.shared.timers.borrow();
            timers.iter().filter(|(_, timer)| timer.robot == robot).map(|(key, _)| key).collect()
        };
        for timer in timers {
            crate::run::cancel_timer(&self.shared, timer);
            let _ = prelude.timers.raw_set(crate::state::number_of(timer), Value::Nil);
        }
        let forgotten = prelude.forget.call::<()>(place.slot);
        debug_assert!(forgotten.is_ok(), "forgetting runs only the prelude's code");
    }
}

/// When a Lua state's collector is to be helped along.
pub(crate) struct Collector {
    after_last: usize,
}

impl Collector {
    fn new(vm: &Vm) -> Collector {
        Collector { after_last: vm.lua.used_memory() }
    }

    /// Collects young objects before the collector would by itself, in the middle of a turn.
    fn use_idle_time(&mut self, vm: &Vm) {
        let used = vm.lua.used_memory();
        if used < self.after_last + self.after_last / 10 {
            return;
        }
        if vm.lua.gc_step().is_ok() {
            self.after_last = vm.lua.used_memory();
        }
    }
}

/// A connection's end as scripts see it: `{ kind, text, code, name }`.
fn reason_value(lua: &Lua, why: &CloseReason) -> mlua::Result<Value> {
    let table = lua.create_table_with_capacity(0, 4)?;
    table.raw_set("kind", why.cause.to_string())?;
    table.raw_set("name", &*why.connection)?;
    table.raw_set("text", &*why.text)?;
    table.raw_set("code", why.code)?;
    table.into_lua(lua)
}

fn script_error(message: String) -> ScriptError {
    ScriptError { kind: FailureKind::Script, message, traceback: String::new() }
}
