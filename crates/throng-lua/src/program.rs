//! What the mods of a state declared, turned into the engine's program.

use crate::duration;
use crate::error::LoadError;
use crate::natives::ANY;
use crate::project::LuaProject;
use crate::scenario::{self, Declared};
use crate::suggest;
use mlua::{Table, Value};
use std::collections::HashMap;
use std::sync::Arc;
use throng_engine::{Late, MOST_RATE, ModSpec, Program, TaskSpec, Wait};
use throng_wire::{Direction, Protocol};

/// What loading found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loaded {
    pub(crate) program: Program,
    pub(crate) handlers: Vec<Handler>,
    /// Handlers by message, in the order of their mods; `*` is all messages.
    pub(crate) by_message: HashMap<Box<str>, Vec<usize>>,
    /// Some mod has an `init`.
    pub(crate) init: bool,
    pub(crate) run_functions: Vec<RunFunction>,
}

/// A function of the run, as a file registered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFunction {
    /// When it is called.
    pub event: RunEvent,
    /// The mod or library file that registered it, by the name it is required by.
    pub module: Box<str>,
    /// Where: the file, relative to the project, and the line.
    pub place: (Box<str>, u32),
}

/// When a function of the run is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEvent {
    /// Before the first robot.
    Start,
    /// After the last one.
    Stop,
}

impl RunEvent {
    /// What registers such a function: `throng.run.on_start`.
    pub fn name(self) -> &'static str {
        match self {
            RunEvent::Start => "throng.run.on_start",
            RunEvent::Stop => "throng.run.on_stop",
        }
    }
}

/// A handler of pushes, as a mod declared it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handler {
    /// The mod, by index.
    pub module: usize,
    /// The message's name; `*` is every message.
    pub message: Box<str>,
    /// Only from the connection of this name.
    pub connection: Option<Box<str>>,
    /// One message at a time.
    pub queue: bool,
    /// It asks for the fields of headers and trailers.
    pub header: bool,
}

/// What a project declares.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// Its mods and tasks.
    pub program: Program,
    /// Its handlers, in the order in which they hear.
    pub handlers: Vec<Handler>,
    /// Its functions of the run, in load order.
    pub run_functions: Vec<RunFunction>,
}

/// Reads what the prelude gathered while the files ran.
pub(crate) fn read(prelude: &Table, project: &LuaProject) -> Result<Loaded, LoadError> {
    let broken = |error: mlua::Error| LoadError::new("mods", None, error.to_string());
    let mut loaded = Loaded::default();
    for spec in rows(prelude, "mods").map_err(broken)? {
        let (module, manual_ready, init) = read_mod(&spec).map_err(broken)?;
        loaded.program.manual_ready |= manual_ready;
        loaded.init |= init;
        loaded.program.mods.push(module);
    }
    check_needs(&loaded.program.mods)?;
    let mut declared = Vec::new();
    for spec in rows(prelude, "tasks").map_err(broken)? {
        let (task, as_declared) = read_task(&spec, project).map_err(broken)?;
        loaded.program.tasks.push(task);
        declared.push(as_declared);
    }
    check_tags(project, &declared)?;
    override_tasks(&mut loaded.program.tasks, project)?;
    scenario::add(&mut loaded.program, &declared, project)?;
    for (index, spec) in rows(prelude, "handlers").map_err(broken)?.iter().enumerate() {
        let handler = read_handler(spec).map_err(broken)?;
        check_message(&handler, spec, &project.protocols)?;
        loaded.by_message.entry(handler.message.clone()).or_default().push(index);
        loaded.handlers.push(handler);
    }
    for spec in rows(prelude, "run_functions").map_err(broken)? {
        loaded.run_functions.push(read_run_function(&spec).map_err(broken)?);
    }
    Ok(loaded)
}

fn rows(prelude: &Table, name: &str) -> mlua::Result<Vec<Table>> {
    prelude.raw_get::<Table>(name)?.sequence_values().collect()
}

fn read_mod(spec: &Table) -> mlua::Result<(ModSpec, bool, bool)> {
    let methods: Table = spec.raw_get("methods")?;
    let options: Table = spec.raw_get("options")?;
    let has = |name: &str| methods.contains_key(name);
    let needs: Table = spec.raw_get("needs")?;
    let needs = needs.sequence_values::<usize>();
    let module = ModSpec {
        name: spec.raw_get::<String>("name")?.into(),
        needs: needs.map(|need| need.map(|index| index - 1)).collect::<mlua::Result<_>>()?,
        start: has("start")?,
        stop: has("stop")?,
        closed: has("closed")?,
    };
    Ok((module, options.raw_get::<Option<bool>>("manual_ready")?.unwrap_or(false), has("init")?))
}

/// Refuses mods that wait for each other's starts.
fn check_needs(mods: &[ModSpec]) -> Result<(), LoadError> {
    let mut done = vec![false; mods.len()];
    loop {
        let next =
            (0..mods.len()).find(|index| !done[*index] && mods[*index].needs.iter().all(|need| done[*need]));
        match next {
            Some(index) => done[index] = true,
            None => break,
        }
    }
    let circle: Vec<&str> =
        mods.iter().zip(&done).filter(|(_, done)| !**done).map(|(spec, _)| &*spec.name).collect();
    if circle.is_empty() {
        return Ok(());
    }
    let message = format!("these mods need each other in a circle: {}", circle.join(", "));
    Err(LoadError::new(circle[0], None, message))
}

/// Reads a task, as it is played and as it was declared.
fn read_task(spec: &Table, project: &LuaProject) -> mlua::Result<(TaskSpec, Declared)> {
    let text = |error: String| mlua::Error::runtime(error);
    let tags = tags_of(&spec.raw_get("tags")?).map_err(text)?;
    let weight = spec.raw_get::<Option<f64>>("weight")?.unwrap_or(1.0);
    let steps = spec.raw_get::<Option<Vec<String>>>("steps")?.unwrap_or_default();
    let task = TaskSpec {
        module: spec.raw_get::<usize>("module")? - 1,
        name: spec.raw_get::<String>("name")?.into(),
        weight: if project.tags.admits(&tags) { weight } else { 0.0 },
        rate: spec.raw_get::<Option<f64>>("rate")?,
        conditional: spec.contains_key("when")?,
        timeout: duration::optional(&spec.raw_get("timeout")?).map_err(text)?,
        wait: wait_of(&spec.raw_get("wait")?).map_err(text)?,
        steps: steps.into_iter().map(String::into_boxed_str).collect(),
    };
    Ok((task, Declared { tags, weight }))
}

/// Refuses a tag that is to pick tasks and that none has: nothing would be played.
fn check_tags(project: &LuaProject, declared: &[Declared]) -> Result<(), LoadError> {
    let known: Vec<&String> = declared.iter().flat_map(|task| &task.tags).collect();
    let Some(stray) = project.tags.include.iter().find(|tag| !known.contains(tag)) else { return Ok(()) };
    let unknown = suggest::unknown("tag", stray, known.iter().map(|tag| tag.as_str()));
    Err(LoadError::new("robot.tags", None, format!("{unknown} (no task has it)")))
}

fn override_tasks(tasks: &mut [TaskSpec], project: &LuaProject) -> Result<(), LoadError> {
    for over in &project.tasks {
        match tasks.iter_mut().find(|task| *task.name == *over.task) {
            Some(task) => {
                task.weight = over.weight.unwrap_or(task.weight);
                task.rate = over.rate.or(task.rate);
            }
            None => {
                let known = tasks.iter().map(|task| &*task.name);
                let message = suggest::unknown("task", &over.task, known);
                return Err(LoadError::new("throng.toml", over.line, message));
            }
        }
    }
    Ok(())
}

fn read_handler(spec: &Table) -> mlua::Result<Handler> {
    Ok(Handler {
        module: spec.raw_get::<usize>("module")? - 1,
        message: spec.raw_get::<String>("name")?.into(),
        connection: spec.raw_get::<Option<String>>("connection")?.map(String::into_boxed_str),
        queue: spec.raw_get("queue")?,
        header: spec.raw_get("header")?,
    })
}

fn read_run_function(spec: &Table) -> mlua::Result<RunFunction> {
    let event = match spec.raw_get::<String>("event")?.as_str() {
        "on_start" => RunEvent::Start,
        _ => RunEvent::Stop,
    };
    let place = (spec.raw_get::<String>("file")?.into(), spec.raw_get("line")?);
    Ok(RunFunction { event, module: spec.raw_get::<String>("module")?.into(), place })
}

/// Refuses a handler of a message that no protocol can bring. A protocol without a schema can bring any.
fn check_message(handler: &Handler, spec: &Table, protocols: &[Arc<Protocol>]) -> Result<(), LoadError> {
    let names_any = |protocol: &Arc<Protocol>| protocol.codec.knows_any_name();
    if &*handler.message == ANY || protocols.is_empty() || protocols.iter().any(names_any) {
        return Ok(());
    }
    let brought = |protocol: &Arc<Protocol>| {
        let came = |id| protocol.codec.goes(id, Direction::Received);
        let names = protocol.messages().filter(|(id, _)| came(*id)).map(|(_, name)| name.to_owned());
        names.collect::<Vec<String>>()
    };
    let known: Vec<String> = protocols.iter().flat_map(brought).collect();
    if known.iter().any(|name| **name == *handler.message) {
        return Ok(());
    }
    let message = suggest::unknown("message", &handler.message, known.iter().map(String::as_str));
    let file: String = spec.raw_get("file").unwrap_or_else(|_| "mods".to_owned());
    Err(LoadError::new(file, spec.raw_get("line").ok(), format!("{message} (no protocol brings it)")))
}

/// Checks what a task, sequence or mod says beside its functions.
pub(crate) fn check_options(options: &Table) -> Result<(), String> {
    let field = |name: &str| options.raw_get::<Value>(name).map_err(|error| error.to_string());
    match field("weight")? {
        Value::Nil => {}
        Value::Integer(weight) if weight >= 0 => {}
        Value::Number(weight) if weight >= 0.0 && weight.is_finite() => {}
        _ => return Err("'weight' is a number, 0 or more".to_owned()),
    }
    match field("rate")? {
        Value::Nil => {}
        Value::Integer(rate) if rate > 0 && rate as f64 <= MOST_RATE => {}
        Value::Number(rate) if rate > 0.0 && rate <= MOST_RATE => {}
        _ => return Err(format!("'rate' is a number of tasks a second, above 0 and at most {MOST_RATE}")),
    }
    duration::optional(&field("timeout")?).map_err(|error| format!("'timeout': {error}"))?;
    wait_of(&field("wait")?)?;
    tags_of(&field("tags")?)?;
    Ok(())
}

fn tags_of(value: &Value) -> Result<Vec<String>, String> {
    let wanted = || "'tags' is a list of names".to_owned();
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::String(tag) => Ok(vec![tag.to_string_lossy()]),
        Value::Table(tags) => {
            tags.sequence_values::<String>().collect::<mlua::Result<_>>().map_err(|_| wanted())
        }
        _ => Err(wanted()),
    }
}

const WAITS: &str = "'wait' is a time, or one of { constant = t }, { between = { t, t } }, { exponential = mean }, \
                     { pacing = t }, { throughput = per_second }; the last two also with late = 'catch_up' or 'skip'";

/// The wait that a task's options name.
pub(crate) fn wait_of(value: &Value) -> Result<Option<Wait>, String> {
    let table = match value {
        Value::Nil => return Ok(None),
        Value::Table(table) => table,
        time => {
            return duration::from_lua(time)
                .map(|time| Some(Wait::Constant(time)))
                .map_err(|_| WAITS.to_owned());
        }
    };
    let (kinds, others): (Vec<_>, Vec<_>) = table
        .pairs::<String, Value>()
        .collect::<mlua::Result<Vec<_>>>()
        .map_err(|_| WAITS.to_owned())?
        .into_iter()
        .partition(|(key, _)| key != "late");
    let [(kind, value)] = &kinds[..] else { return Err(WAITS.to_owned()) };
    if !others.is_empty() && !matches!(kind.as_str(), "pacing" | "throughput") {
        return Err("'late' is for a wait with 'pacing' or 'throughput'".to_owned());
    }
    let late = others.first().map_or(Ok(Late::default()), |(_, value)| late(value))?;
    let time = || duration::from_lua(value).map_err(|error| format!("'wait': {error}"));
    let wait = match kind.as_str() {
        "constant" => Wait::Constant(time()?),
        "exponential" => Wait::Exponential(time()?),
        "pacing" => Wait::Pacing(time()?, late),
        "between" => between(value)?,
        "throughput" => match value {
            Value::Integer(rate) if *rate > 0 => Wait::Throughput(*rate as f64, late),
            Value::Number(rate) if *rate > 0.0 && rate.is_finite() => Wait::Throughput(*rate, late),
            _ => return Err("'throughput' is a number of tasks a second, above 0".to_owned()),
        },
        _ => return Err(WAITS.to_owned()),
    };
    Ok(Some(wait))
}

fn late(value: &Value) -> Result<Late, String> {
    match value.as_string().map(|text| text.to_string_lossy()).as_deref() {
        Some("catch_up") => Ok(Late::CatchUp),
        Some("skip") => Ok(Late::Skip),
        _ => Err("'late' is 'catch_up' or 'skip'".to_owned()),
    }
}

fn between(value: &Value) -> Result<Wait, String> {
    let bounds = match value {
        Value::Table(bounds) => [bounds.raw_get::<Value>(1), bounds.raw_get::<Value>(2)],
        _ => return Err("'between' is a list of two times".to_owned()),
    };
    let [low, high] =
        bounds.map(|bound| bound.map_err(|error| error.to_string()).and_then(|v| duration::from_lua(&v)));
    let (low, high) = (low?, high?);
    if low > high {
        return Err("the first time of 'between' is the shorter one".to_owned());
    }
    Ok(Wait::Between(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlua::Lua;
    use std::time::Duration;

    fn wait(source: &str) -> Result<Option<Wait>, String> {
        wait_of(&Lua::new().load(source).eval::<Value>().expect("valid Lua"))
    }

    #[test]
    fn waits_are_times_or_tables_of_one_kind() {
        let seconds = Duration::from_secs;
        assert_eq!(wait("2"), Ok(Some(Wait::Constant(seconds(2)))));
        assert_eq!(wait("{ between = { 1, '5s' } }"), Ok(Some(Wait::Between(seconds(1), seconds(5)))));
        assert_eq!(wait("{ throughput = 0.5 }"), Ok(Some(Wait::Throughput(0.5, Late::CatchUp))));
        let skipping = wait("{ pacing = 2, late = 'skip' }");
        assert_eq!(skipping, Ok(Some(Wait::Pacing(seconds(2), Late::Skip))));
        assert_eq!(wait("nil"), Ok(None));
    }

    #[test]
    fn waits_that_say_nothing_sensible_are_refused() {
        for source in [
            "true",
            "{}",
            "{ betwen = { 1, 2 } }",
            "{ between = { 2, 1 } }",
            "{ throughput = 0 }",
            "{ pacing = -1 }",
            "{ pacing = 1, late = 'never' }",
            "{ constant = 1, late = 'skip' }",
            "{ late = 'skip' }",
        ] {
            assert!(wait(source).is_err(), "{source}");
        }
    }
}
