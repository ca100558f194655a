//! The functions that `testing.lua` calls. One that can refuse returns what refused it first, nil when nothing did.

mod client;
mod http;
mod robot;
mod server;
mod world;

pub(super) use http::question_value;

use super::TestPlan;
use super::dialect::Dialect;
use super::stand::Stand;
use crate::duration;
use crate::fields;
use crate::natives::{Refused, option, options_of};
use crate::state::Shared;
use crate::vm::VmState;
use mlua::{FromLuaMulti, IntoLuaMulti, Lua, Table, Value};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_wire::GivenField;

/// What a native works on.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) stand: Rc<Stand>,
    pub(super) shared: Rc<Shared>,
    pub(super) vm: Rc<VmState>,
    pub(super) plan: Arc<TestPlan>,
    pub(super) dialects: Dialects,
}

/// The dialects of the project's protocols, in their order.
pub(super) type Dialects = Rc<[Rc<Dialect>]>;

/// The table of natives of a world.
pub(super) fn table(lua: &Lua, context: Context) -> mlua::Result<Table> {
    let natives = Natives { lua, context, table: lua.create_table()? };
    world::add(&natives)?;
    server::add(&natives)?;
    client::add(&natives)?;
    robot::add(&natives)?;
    http::add(&natives)?;
    Ok(natives.table)
}

/// The table of natives while it is filled.
struct Natives<'a> {
    lua: &'a Lua,
    context: Context,
    table: Table,
}

impl Natives<'_> {
    /// A function whose results are its own.
    fn plain<A, R, F>(&self, name: &str, function: F) -> mlua::Result<()>
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&Context, &Lua, A) -> mlua::Result<R> + 'static,
    {
        let context = self.context.clone();
        self.table.raw_set(name, self.lua.create_function(move |lua, args| function(&context, lua, args))?)
    }

    /// A function that may refuse, with a text.
    fn may_refuse<A, R, F>(&self, name: &str, function: F) -> mlua::Result<()>
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&Context, &Lua, A) -> Result<R, String> + 'static,
    {
        self.plain(name, move |context, lua, args: A| match function(context, lua, args) {
            Ok(result) => {
                let mut values = result.into_lua_multi(lua)?;
                values.push_front(Value::Nil);
                Ok(values)
            }
            Err(refused) => refused.into_lua_multi(lua),
        })
    }
}

/// How a message is sent: `"500ms"`, or `{ delay = "500ms", header = { code = 3 } }`.
struct How {
    delay: Option<Duration>,
    header: Option<Table>,
}

impl How {
    fn of(value: &Value) -> Result<How, String> {
        let Value::Table(_) = value else { return Ok(How { delay: delay_of(value)?, header: None }) };
        let options = options_of(value, "a message of a server", &["delay", "header"]);
        let options = options.map_err(refused_text)?;
        let header = option::<Table>(&options, "header", "a table of fields and their values");
        let delay: Option<Value> = option(&options, "delay", "a time").map_err(refused_text)?;
        Ok(How { delay: delay_of(&delay.unwrap_or(Value::Nil))?, header: header.map_err(refused_text)? })
    }

    /// The values for the fields around a message in a dialect.
    fn given(&self, dialect: &Dialect) -> Result<Vec<GivenField>, String> {
        match &self.header {
            Some(header) => fields::given(&dialect.mirror, header),
            None => Ok(Vec::new()),
        }
    }
}

fn refused_text(refused: Refused) -> String {
    match refused {
        Refused::Mistake(text) => text,
        Refused::Failure(failure) => failure.text.to_string(),
    }
}

/// The delay of a reply.
fn delay_of(value: &Value) -> Result<Option<Duration>, String> {
    duration::optional(value).map_err(|error| format!("a reply's delay: {error}"))
}
