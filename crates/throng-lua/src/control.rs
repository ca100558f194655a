//! The control state: a Lua state of the same project without robots, in which functions of `throng.run` are called, once a
//! run and not once a shard.

use crate::error::LoadError;
use crate::load;
use crate::program::{Loaded, RunEvent};
use crate::project::LuaProject;
use crate::run::Entry;
use crate::sandbox::random::{self, Stream};
use crate::state::{Current, Shared};
use crate::vm::Vm;
use mlua::{Lua, Table, Value};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::{Clock, Level, LogLine, ScriptError, Uncaught};
use throng_metrics::FailureKind;

/// Lines that are kept until somebody takes them; more are counted.
const LINES: usize = 1_000;

/// What the shape of a load says at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// How many robots there should be.
    pub robots: u64,
    /// How many of them may begin or end a second.
    pub spawn_rate: f64,
    /// The scenarios they play, where the shape says so.
    pub scenarios: Option<Vec<String>>,
}

/// The most robots a shape can ask for.
const MOST_ROBOTS: f64 = 1e8;

/// Calls the functions of a run.
pub struct Control {
    shared: Rc<Shared>,
    vm: Vm,
    board: Rc<Board>,
    stream: RefCell<Stream>,
}

/// What scripts of the control state reach in place of the engine.
pub(crate) struct Board {
    pub(crate) clock: Clock,
    /// The file whose function runs.
    module: RefCell<String>,
    lines: RefCell<Vec<LogLine>>,
    dropped: Cell<u64>,
}

impl Board {
    /// The board of a Lua state, if it is the control state and has been loaded.
    pub(crate) fn of(lua: &Lua) -> Option<Rc<Board>> {
        lua.app_data_ref::<Rc<Board>>().map(|board| Rc::clone(&board))
    }

    /// Keeps a line.
    pub(crate) fn log(&self, level: Level, text: String) {
        let mut lines = self.lines.borrow_mut();
        if lines.len() >= LINES {
            return self.dropped.set(self.dropped.get() + 1);
        }
        let at = Duration::from_nanos(self.clock.now());
        lines.push(LogLine { at, robot: None, level, module: self.module.borrow().clone(), text });
    }
}

impl Control {
    /// Loads the project once more; nothing if it has no functions of the run and no shape. `seed` is the run's.
    ///
    /// # Errors
    /// The first mistake in the project.
    pub fn load(project: Arc<LuaProject>, clock: Clock, seed: u64) -> Result<Option<Control>, LoadError> {
        let shared = Shared::new(project, None);
        let vm = load::control_vm(&shared)?;
        if vm.loaded().run_functions.is_empty() && shared.project.shape.is_none() {
            return Ok(None);
        }
        let board = Rc::new(Board {
            clock,
            module: RefCell::default(),
            lines: RefCell::default(),
            dropped: Cell::new(0),
        });
        // Only now: what files print while they load, the shards' states print.
        vm.lua.set_app_data(Rc::clone(&board));
        // No robot has this number.
        let stream = RefCell::new(Stream::new(seed, u64::MAX));
        Ok(Some(Control { shared, vm, board, stream }))
    }

    /// Calls the functions of `throng.run.on_start`, in load order, up to the first that fails.
    ///
    /// # Errors
    /// What failed.
    pub fn start(&self) -> Result<(), ScriptError> {
        self.functions(RunEvent::Start).try_for_each(|index| self.call(index))
    }

    /// Calls all functions of `throng.run.on_stop`, in load order; returns the errors of those that failed.
    pub fn stop(&self) -> Vec<ScriptError> {
        self.functions(RunEvent::Stop).filter_map(|index| self.call(index).err()).collect()
    }

    /// What was logged since the last time, and how many lines more.
    pub fn take_log(&self) -> (Vec<LogLine>, u64) {
        (self.board.lines.take(), self.board.dropped.take())
    }

    fn functions(&self, event: RunEvent) -> impl Iterator<Item = usize> {
        let loaded: &Loaded = self.vm.loaded();
        let all = loaded.run_functions.iter().enumerate();
        all.filter(move |(_, function)| function.event == event).map(|(index, _)| index)
    }

    fn call(&self, index: usize) -> Result<(), ScriptError> {
        let function = &self.vm.loaded().run_functions[index];
        let index = i64::try_from(index + 1).unwrap_or(i64::MAX);
        let called = self.enter(&function.module, "call_run_function", Value::Integer(index));
        called.map_err(|error| {
            let message = format!("{} ({})", error.message, function.event.name());
            ScriptError { message, ..error }
        })
    }

    /// Asks the shape how many robots there should be so long after the run's start; nothing ends the run.
    ///
    /// # Errors
    /// What failed in the script, or what is wrong with its answer; also where there is no shape.
    pub fn tick(&self, run_time: Duration) -> Result<Option<Tick>, ScriptError> {
        let module = self.shared.project.shape.as_deref().and_then(Path::file_stem);
        let module = module.map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        self.enter(&module, "call_tick", Value::Number(run_time.as_secs_f64()))?;
        self.said().map_err(|error| ScriptError {
            kind: FailureKind::Script,
            message: error.to_string(),
            traceback: String::new(),
        })
    }

    fn said(&self) -> mlua::Result<Option<Tick>> {
        let said: Table = self.vm.prelude().table.raw_get("shape_said")?;
        let Some(robots) = said.raw_get::<Option<f64>>("robots")? else { return Ok(None) };
        let scenarios: Option<Table> = said.raw_get("scenarios")?;
        let names =
            scenarios.map(|names| names.sequence_values().collect::<mlua::Result<_>>()).transpose()?;
        let robots = robots.round().min(MOST_ROBOTS) as u64;
        Ok(Some(Tick { robots, spawn_rate: said.raw_get("rate")?, scenarios: names }))
    }

    /// Runs an entry of the prelude for a file of the run.
    fn enter(&self, module: &str, entry: &str, argument: Value) -> Result<(), ScriptError> {
        self.board.module.replace(module.to_owned());
        let arguments = (Entry::Load as i64, 0, entry, argument, Value::Nil);
        let mut stream = self.stream.borrow_mut();
        random::swap(&mut stream);
        let called = self.vm.call(&self.shared, Current::nothing(), arguments);
        random::swap(&mut stream);
        called.map(drop).map_err(|uncaught| match uncaught {
            Uncaught::Script(error) => error,
            Uncaught::Counted(message) => {
                ScriptError { kind: FailureKind::Script, message, traceback: String::new() }
            }
        })
    }
}

#[cfg(test)]
mod tests;
