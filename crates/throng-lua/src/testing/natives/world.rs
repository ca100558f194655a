//! The world: time, options, and what was counted.

use super::{Context, Natives};
use crate::duration;
use crate::raw;
use crate::testing::chunks;
use crate::testing::options;
use crate::testing::stand::Wish;
use mlua::{Lua, Table, Value};

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.may_refuse("advance", |context, lua, time: Value| {
        may_wait(context, lua, "world:advance")?;
        context.wait(Wish::Advance(duration::from_lua(&time)?));
        Ok(())
    })?;
    natives.may_refuse("options", ask_for_options)?;
    natives.plain("now", |context, _, ()| {
        Ok(context.shared.desk.as_ref().map_or(0.0, |desk| desk.now() as f64 / 1e9))
    })?;
    natives.plain("errors", errors)?;
    natives.plain("failures", failures)?;
    natives.plain("checks", checks)?;
    natives.plain("log", |context, lua, ()| {
        lua.create_sequence_from(
            context.stand.log.borrow().iter().map(|line| line.text.clone()).collect::<Vec<_>>(),
        )
    })?;
    natives.may_refuse("chunk", |context, lua, (name, environment): (String, Table)| {
        let Some(file) = chunks::required(&context.shared.project, &context.plan.folder, &name) else {
            return Err(format!(
                "unknown module '{name}' (looked for it beside the tests, in lib and among the mods)"
            ));
        };
        chunks::load(lua, &file, &environment).map_err(|error| error.to_string())
    })
}

impl Context {
    /// The test's function waits; the caller yields at once.
    fn wait(&self, wish: Wish) {
        self.stand.wish.replace(Some(wish));
        self.shared.blocked.set(true);
    }
}

/// Refuses to wait anywhere but in the test's own function.
fn may_wait(context: &Context, lua: &Lua, what: &str) -> Result<(), String> {
    if !context.stand.in_test.get() {
        return Err(format!(
            "{what} belongs in the test's own function, not in a handler or in a robot's code"
        ));
    }
    let current = context.shared.current.get().coroutine;
    match raw::yieldable_coroutine(lua) {
        Some(state) if std::ptr::eq(state.cast_const().cast(), current) => Ok(()),
        _ => Err(format!(
            "{what} cannot be called here: in a comparator, a gsub, or a coroutine of the test's own"
        )),
    }
}

/// Whether the world has these options already; otherwise the test waits, and its world is made anew with them.
fn ask_for_options(context: &Context, lua: &Lua, table: Table) -> Result<bool, String> {
    may_wait(context, lua, "world:options")?;
    let stand = &context.stand;
    if stand.begun.get() || stand.robots.borrow().planned > 0 {
        return Err("world:options comes first, before world:robot and world:advance".to_owned());
    }
    let mut asked = options::read(&context.plan.project, &table)?;
    // Tables have no order of their own, and the same question must look the same each time.
    asked.sort_by(|one, other| one.0.cmp(&other.0));
    let mut granted = stand.options.borrow_mut();
    if granted.is_empty() {
        drop(granted);
        context.wait(Wish::Options(asked));
        return Ok(false);
    }
    if granted.remove(0) != asked {
        return Err("world:options gives other values each time the test runs".to_owned());
    }
    Ok(true)
}

/// `{ { message, traceback, count }, ... }`; what the test has seen does not fail it.
fn errors(context: &Context, lua: &Lua, _: ()) -> mlua::Result<Table> {
    let list = lua.create_table()?;
    for error in context.stand.take_errors() {
        let row = lua.create_table()?;
        row.raw_set("message", error.message)?;
        row.raw_set("traceback", error.traceback)?;
        row.raw_set("count", error.count)?;
        list.raw_push(row)?;
    }
    Ok(list)
}

/// `{ { kind, name, message, count }, ... }`, script errors among them.
fn failures(context: &Context, lua: &Lua, _: ()) -> mlua::Result<Table> {
    let list = lua.create_table()?;
    let row = |kind: &str, name: &str, message: &str, count: u64| {
        let row = lua.create_table()?;
        row.raw_set("kind", kind)?;
        row.raw_set("name", name)?;
        row.raw_set("message", message)?;
        row.raw_set("count", count)?;
        list.raw_push(row)
    };
    for failure in context.stand.failures() {
        row(&failure.kind.to_string(), &failure.name, &failure.message, failure.count)?;
    }
    for error in context.stand.errors() {
        row("script", "script", &error.message, error.count)?;
    }
    Ok(list)
}

/// `{ [name] = { passed, failed } }`.
fn checks(context: &Context, lua: &Lua, _: ()) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let totals = context.stand.totals.borrow();
    for (key, row) in totals.checks().iter() {
        let counts = lua.create_table()?;
        counts.raw_set("passed", row.counts.passed)?;
        counts.raw_set("failed", row.counts.failed)?;
        table.raw_set(&*key.name, counts)?;
    }
    Ok(table)
}
