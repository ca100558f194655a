//! Fake web servers: what robots ask them, and what a test's functions answer.

use super::{Context, Natives};
use crate::natives::entries_of;
use crate::state::{key_of, number_of};
use mlua::{Lua, LuaString, Table, Value};
use throng_engine::{HttpQuestion, HttpResponse};

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.may_refuse("http_respond", respond)?;
    natives.plain("http_refuse", |context, _, (id, text): (i64, String)| {
        context.stand.servers.borrow().net.refuse_http(key_of(id), &text);
        Ok(())
    })
}

fn respond(
    context: &Context,
    _: &Lua,
    (id, status, headers, body): (i64, u16, Option<Table>, LuaString),
) -> Result<(), String> {
    let headers = match headers {
        Some(headers) => entries_of("headers", &headers)?,
        None => Vec::new(),
    };
    let headers = headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    let response = HttpResponse { status, headers, body: body.as_bytes().to_vec() };
    context.stand.servers.borrow().net.respond(key_of(id), response);
    Ok(())
}

/// `{ id, method, url, headers, body }`.
pub(in crate::testing) fn question_value(lua: &Lua, question: &HttpQuestion) -> mlua::Result<Value> {
    let headers = lua.create_table()?;
    for (name, value) in &question.headers {
        headers.raw_set(name.as_str(), lua.create_string(value)?)?;
    }
    let table = lua.create_table()?;
    table.raw_set("id", number_of(question.key))?;
    table.raw_set("method", question.method.as_str())?;
    table.raw_set("url", question.url.as_str())?;
    table.raw_set("headers", headers)?;
    table.raw_set("body", lua.create_string(&question.body)?)?;
    Ok(Value::Table(table))
}
