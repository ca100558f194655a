//! Loading a project into a Lua state: its mods in order, what they require, and the mistakes in them.

mod files;

use crate::error::LoadError;
use crate::program;
use crate::project::{LuaProject, OptionValue};
use crate::run::Entry;
use crate::sandbox::freeze::{self, Frozen, Root, SharedCoroutine};
use crate::state::{Current, Shared};
use crate::vm::{HOST_CHUNKS, Vm};
use mlua::state::{GcGenParams, GcMode};
use mlua::{Function, Lua, LuaString, Table, Value};
use std::ffi::c_int;
use std::rc::Rc;
use throng_engine::{Program, Uncaught};

pub(crate) use files::{Files, chunk, protocol_chunk, shape_chunk};

/// By how many percent memory may grow until Lua collects what is young by itself. Each time it looks at every coroutine
/// that waits, however little there is to collect.
const GROWTH: c_int = 60;

/// A Lua state with the whole project in it.
///
/// # Errors
/// The first mistake in the project.
pub(crate) fn vm(shared: &Rc<Shared>) -> Result<Vm, LoadError> {
    whole(shared, false)
}

/// The same for the control state, which has the shape of the load too, if there is one.
///
/// # Errors
/// The first mistake in the project.
pub(crate) fn control_vm(shared: &Rc<Shared>) -> Result<Vm, LoadError> {
    whole(shared, shared.project.shape.is_some())
}

fn whole(shared: &Rc<Shared>, shape: bool) -> Result<Vm, LoadError> {
    let project = &*shared.project;
    let vm = bare(shared)?;
    for module in shared.files.mods(project)? {
        run(&vm, shared, "load_mod", Value::String(text(&vm, &module.name)?), &module.shown)?;
    }
    load_protocols(&vm, shared)?;
    if shape {
        run(&vm, shared, "load_shape", Value::Nil, "load.shape")?;
    }
    run(&vm, shared, "finish_loading", Value::Nil, "mods")?;
    let loaded = program::read(&vm.prelude().table, project)?;
    leave_out(&vm, &loaded.program).map_err(|error| LoadError::new("mods", None, error.to_string()))?;
    vm.set_loaded(loaded);
    let frozen = freeze_all(&vm).map_err(|error| LoadError::new("mods", None, error.to_string()))?;
    if let Some(SharedCoroutine { name, source }) = frozen.coroutine() {
        let text = format!(
            "'{name}' holds a coroutine, which all robots would share: make it in init and put it in self"
        );
        return Err(LoadError::new(source.as_deref().unwrap_or("mods"), None, text));
    }
    vm.set_frozen(frozen);
    collect_young(&vm.lua);
    Ok(vm)
}

/// Tells the state which mods the robots of each scenario do not have.
fn leave_out(vm: &Vm, program: &Program) -> mlua::Result<()> {
    let all: Table = vm.prelude().table.raw_get("left_out")?;
    for scenario in &program.scenarios {
        let left_out = vm.lua.create_table()?;
        for (index, _) in scenario.mods.iter().enumerate().filter(|(_, has)| !**has) {
            left_out.raw_set(index + 1, true)?;
        }
        all.raw_set(&*scenario.name, left_out)?;
    }
    Ok(())
}

/// A Lua state with nothing of the project in it.
pub(crate) fn bare(shared: &Rc<Shared>) -> Result<Vm, LoadError> {
    Vm::new(shared).map_err(|error| LoadError::new("throng", None, error.to_string()))
}

/// Has a state's collector look at what is young more often than at the rest, which is how robots leave garbage.
pub(crate) fn collect_young(lua: &Lua) {
    lua.gc_set_mode(GcMode::Generational(GcGenParams::default().minor_multiplier(GROWTH)));
}

/// A Lua state with nothing but the protocols' functions.
///
/// # Errors
/// The first mistake in them.
pub(crate) fn protocols(shared: &Rc<Shared>) -> Result<Vm, LoadError> {
    let vm = bare(shared)?;
    load_protocols(&vm, shared)?;
    Ok(vm)
}

fn load_protocols(vm: &Vm, shared: &Rc<Shared>) -> Result<(), LoadError> {
    for (index, source) in shared.project.own.iter().enumerate() {
        let file = source.path.display().to_string();
        run(vm, shared, "load_protocol", Value::Integer(index as i64 + 1), &file)?;
    }
    Ok(())
}

/// Freezes what the robots of the state share: globals, mods, libraries, and what their functions captured.
fn freeze_all(vm: &Vm) -> mlua::Result<Frozen> {
    let prelude = &vm.prelude().table;
    let named: Table = prelude.raw_get::<Function>("roots")?.call(())?;
    let mut roots = Vec::new();
    for root in named.sequence_values::<Table>() {
        let root = root?;
        roots.push(Root { name: root.raw_get("name")?, value: root.raw_get("value")? });
    }
    let frozen = freeze::freeze(&vm.lua, &roots, HOST_CHUNKS)?;
    // Robots' objects look straight into what their frozen class stands for.
    for spec in prelude.raw_get::<Table>("mods")?.sequence_values::<Table>() {
        let spec = spec?;
        let methods = freeze::contents(&spec.raw_get("methods")?);
        spec.raw_get::<Table>("meta")?.raw_set("__index", &methods)?;
        spec.raw_set("methods", methods)?;
    }
    Ok(frozen)
}

fn text(vm: &Vm, text: &str) -> Result<LuaString, LoadError> {
    vm.lua.create_string(text).map_err(|error| LoadError::new("mods", None, error.to_string()))
}

/// Runs a step of loading, in a coroutine and under the guard like all that runs users' code.
fn run(vm: &Vm, shared: &Shared, step: &str, argument: Value, file: &str) -> Result<(), LoadError> {
    let arguments = (Entry::Load as i64, 0, step, argument, Value::Nil);
    match vm.call(shared, Current::nothing(), arguments) {
        Ok(_) => Ok(()),
        Err(Uncaught::Script(error)) => {
            Err(refusal(vm).unwrap_or_else(|| LoadError::from_lua(file, &error.message)))
        }
        Err(Uncaught::Counted(text)) => Err(LoadError::from_lua(file, &text)),
    }
}

/// The refusal that ended loading, as the prelude left it.
fn refusal(vm: &Vm) -> Option<LoadError> {
    let refusal: Table = vm.prelude().table.raw_get("refusal").ok()?;
    Some(LoadError {
        file: refusal.raw_get::<Option<String>>("file").ok()?.unwrap_or_else(|| "mods".to_owned()),
        line: refusal.raw_get("line").ok()?,
        message: refusal.raw_get("message").ok()?,
    })
}

/// `throng.options`.
pub(crate) fn options_table(lua: &Lua, project: &LuaProject) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (name, value) in &project.options {
        match value {
            OptionValue::Integer(value) => table.raw_set(name.as_str(), *value)?,
            OptionValue::Number(value) => table.raw_set(name.as_str(), *value)?,
            OptionValue::Boolean(value) => table.raw_set(name.as_str(), *value)?,
            OptionValue::Text(value) => table.raw_set(name.as_str(), value.as_str())?,
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests;
