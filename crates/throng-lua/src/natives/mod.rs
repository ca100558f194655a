//! The functions that the prelude calls: what Lua cannot do itself.
//!
//! One that can refuse returns what refused it first (nil when nothing did): a text for a mistake of the caller's, which the
//! prelude raises with the caller's line, or a failure, which has been counted. One that begins to wait returns nil, and the
//! prelude yields at once.

mod answer;
mod cipher;
mod connection;
mod crypto;
mod direct;
mod http;
mod json;
mod measure;
mod protobuf;
mod robot;
mod script;
mod sproto;
mod watch;

use crate::raw;
use crate::sandbox::freeze::contents;
use crate::state::{FiberKey, Robot, Shared};
use crate::vm::{VmState, done_token, wait_token};
use mlua::{FromLua, FromLuaMulti, IntoLua, IntoLuaMulti, Lua, LuaString, Table, Value};
use slotmap::Key;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::{ConnectionKey, Desk, Failure, RobotKey};
use throng_metrics::FailureKind;

pub(crate) use http::{entries_of, response_value};
pub(crate) use script::{nothing, source_place};
pub(crate) use watch::ANY;

/// What a native works on.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) shared: Rc<Shared>,
    pub(crate) vm: Rc<VmState>,
}

/// Why a native did not do it.
pub(crate) enum Refused {
    /// The caller's mistake.
    Mistake(String),
    /// A failure, counted already.
    Failure(Box<Failure>),
}

impl From<String> for Refused {
    fn from(text: String) -> Refused {
        Refused::Mistake(text)
    }
}

impl From<&str> for Refused {
    fn from(text: &str) -> Refused {
        Refused::Mistake(text.to_owned())
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Refused {
        Refused::Failure(Box::new(failure))
    }
}

/// Text from a script, in which bytes that are no text are replaced: names and messages are for people.
pub(crate) struct Text(String);

impl FromLua for Text {
    fn from_lua(value: Value, lua: &Lua) -> mlua::Result<Text> {
        LuaString::from_lua(value, lua).map(|text| Text(text.to_string_lossy()))
    }
}

/// The table of natives of a new state.
pub(crate) fn table(lua: &Lua, shared: &Rc<Shared>, vm: &Rc<VmState>) -> mlua::Result<Table> {
    let context = Context { shared: shared.clone(), vm: vm.clone() };
    let natives = Natives { lua, context, table: lua.create_table()? };
    natives.table.raw_set("done", Value::LightUserData(done_token()))?;
    natives.table.raw_set("wait", Value::LightUserData(wait_token()))?;
    robot::add(&natives)?;
    connection::add(&natives)?;
    answer::add(&natives)?;
    cipher::add(&natives)?;
    direct::add(&natives)?;
    watch::add(&natives)?;
    measure::add(&natives)?;
    script::add(&natives)?;
    http::add(&natives)?;
    crypto::add(&natives)?;
    sproto::add(&natives)?;
    protobuf::add(&natives)?;
    json::add(&natives)?;
    Ok(natives.table)
}

/// The table of natives while it is filled.
struct Natives<'a> {
    lua: &'a Lua,
    context: Context,
    table: Table,
}

impl Natives<'_> {
    /// A function whose result is its own.
    fn plain<A, R, F>(&self, name: &str, function: F) -> mlua::Result<()>
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&Context, &Lua, A) -> mlua::Result<R> + 'static,
    {
        let context = self.context.clone();
        self.table.raw_set(name, self.lua.create_function(move |lua, args| function(&context, lua, args))?)
    }

    /// A function that may refuse.
    fn may_refuse<A, R, F>(&self, name: &str, function: F) -> mlua::Result<()>
    where
        A: FromLuaMulti,
        R: IntoLuaMulti + Default,
        F: Fn(&Context, &Lua, A) -> Result<R, Refused> + 'static,
    {
        self.plain(name, move |context, lua, args: A| {
            let (refused, result) = match function(context, lua, args) {
                Ok(result) => (Value::Nil, result),
                Err(refused) => (context.refusal(lua, refused)?, R::default()),
            };
            let mut values = result.into_lua_multi(lua)?;
            values.push_front(refused);
            Ok(values)
        })
    }

    /// A function that begins to wait, or refuses; the path of every request, so that it makes no list of results.
    fn waits<A, F>(&self, name: &str, function: F) -> mlua::Result<()>
    where
        A: FromLuaMulti,
        F: Fn(&Context, &Lua, A) -> Result<(), Refused> + 'static,
    {
        self.plain(name, move |context, lua, args: A| match function(context, lua, args) {
            Ok(()) => Ok(Value::Nil),
            Err(refused) => context.refusal(lua, refused),
        })
    }
}

impl Context {
    fn desk(&self) -> Result<&Desk, Refused> {
        self.shared.desk.as_ref().ok_or_else(|| "this cannot be done while a project is only checked".into())
    }

    /// The engine, and the robot whose code runs.
    fn robot(&self) -> Result<(&Desk, RobotKey), Refused> {
        let robot = self.shared.current.get().robot;
        if robot.is_null() {
            return Err("this is for a robot's code; it cannot be done at file level".into());
        }
        Ok((self.desk()?, robot))
    }

    /// Whether the robot whose code runs is on its way out.
    fn is_halted(&self) -> bool {
        let robots = self.shared.robots.borrow();
        robots.get(self.shared.current.get().robot).is_none_or(Robot::is_halted)
    }

    /// The engine, the robot and the fiber that is to wait.
    fn fiber(&self, lua: &Lua) -> Result<(&Desk, RobotKey, FiberKey), Refused> {
        let current = self.shared.current.get();
        if current.fiber.is_null() {
            let place = if current.robot.is_null() {
                "at file level"
            } else {
                "in init, when, where, <close> or a function of a protocol"
            };
            return Err(format!(
                "may not block here, {place}: only starts, tasks, handlers and the like can wait"
            )
            .into());
        }
        match raw::yieldable_coroutine(lua) {
            Some(state) if std::ptr::eq(state.cast_const().cast(), current.coroutine) => {}
            Some(_) => {
                return Err("may not block here, in a coroutine of the script's own: use robot:spawn".into());
            }
            None => {
                return Err("may not block here, in a function that Lua's library called (a comparator, gsub, a metamethod)".into());
            }
        }
        Ok((self.desk()?, current.robot, current.fiber))
    }

    /// What refused a native, as a Lua value.
    fn refusal(&self, lua: &Lua, refused: Refused) -> mlua::Result<Value> {
        match refused {
            Refused::Mistake(text) => text.into_lua(lua),
            Refused::Failure(failure) => failure_value(lua, &self.vm, &failure),
        }
    }

    /// Counts a failure that the host or the script found.
    fn count(&self, kind: FailureKind, name: &str, connection: Option<Arc<str>>, text: String) -> Refused {
        if let Ok((desk, robot)) = self.robot() {
            desk.fail(robot, kind, name, &text, None);
        }
        found(kind, name, connection, text)
    }

    /// The same for something that went wrong on a connection, open or ended, which may be without measures.
    fn count_on(
        &self,
        kind: FailureKind,
        name: &str,
        key: ConnectionKey,
        connection: Option<Arc<str>>,
        text: String,
    ) -> Refused {
        if let Ok((desk, robot)) = self.robot() {
            desk.fail_on(key, robot, throng_metrics::Failure { kind, name, message: &text }, None);
        }
        found(kind, name, connection, text)
    }
}

/// A failure that the host or the script found.
fn found(kind: FailureKind, name: &str, connection: Option<Arc<str>>, text: String) -> Refused {
    let (elapsed, text) = (Duration::ZERO, text.into());
    Failure { kind, name: name.into(), connection, elapsed, text, code: None }.into()
}

/// A failure as scripts see it: `{ kind, name, connection, elapsed, code, message }` with a readable `tostring`.
pub(crate) fn failure_value(lua: &Lua, vm: &VmState, failure: &Failure) -> mlua::Result<Value> {
    let table = lua.create_table_with_capacity(0, 6 + usize::from(failure.code.is_some()))?;
    table.raw_set("kind", failure.kind.to_string())?;
    table.raw_set("name", &*failure.name)?;
    table.raw_set("elapsed", failure.elapsed.as_secs_f64())?;
    if let Some(connection) = &failure.connection {
        table.raw_set("connection", &**connection)?;
    }
    if let Some(code) = failure.code {
        table.raw_set("code", code)?;
    }
    table.raw_set("message", failure_text(failure))?;
    table.set_metatable(Some(vm.prelude().failure.clone()))?;
    Ok(Value::Table(table))
}

/// `EchoRequest on game: no reply in time`. Nothing that was measured is in it, so that failures of one kind have one text.
pub(crate) fn failure_text(failure: &Failure) -> String {
    let mut text = String::new();
    if failure.kind == FailureKind::Fail {
        return failure.text.to_string();
    }
    if !failure.name.is_empty() {
        text.push_str(&failure.name);
        if let Some(connection) = &failure.connection {
            text.push_str(" on ");
            text.push_str(connection);
        }
        text.push_str(": ");
    }
    text.push_str(failure.kind.phrase());
    if !failure.text.is_empty() && *failure.text != *failure.kind.phrase() {
        text.push_str(": ");
        text.push_str(&failure.text);
    }
    text
}

/// What a name in an option table is set to; refuses options that are no table.
pub(crate) fn options_of(value: &Value, what: &str, allowed: &[&str]) -> Result<Option<Table>, Refused> {
    let table = match value {
        Value::Nil => return Ok(None),
        Value::Table(table) => contents(table),
        other => {
            return Err(format!(
                "{what} wants its options as a table, not {}",
                crate::values::kind_of(other)
            )
            .into());
        }
    };
    for pair in table.pairs::<Value, Value>() {
        let (key, _) = pair.map_err(|error| error.to_string())?;
        let name = match &key {
            Value::String(name) => name.to_string_lossy(),
            other => crate::values::kind_of(other).to_owned(),
        };
        if !allowed.contains(&&*name) {
            let unknown = crate::suggest::unknown("option", &name, allowed.iter().copied());
            return Err(format!("{what}: {unknown}").into());
        }
    }
    Ok(Some(table))
}

/// A field of an option table.
pub(crate) fn option<T: mlua::FromLua>(
    options: &Option<Table>,
    name: &str,
    wanted: &str,
) -> Result<Option<T>, Refused> {
    let Some(options) = options else { return Ok(None) };
    options.raw_get(name).map_err(|_| format!("'{name}' is {wanted}").into())
}

/// A field of an option table that is a time.
pub(crate) fn time_option(options: &Option<Table>, name: &str) -> Result<Option<Duration>, Refused> {
    let value: Option<Value> = option(options, name, "a time")?;
    let Some(value) = value else { return Ok(None) };
    crate::duration::optional(&value).map_err(|error| format!("'{name}': {error}").into())
}
