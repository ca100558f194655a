//! `throng.json` and `throng.msgpack`: documents made and read by scripts.

use super::{Natives, Refused};
use crate::codec::document;
use crate::sandbox;
use crate::values::kind_of;
use mlua::{Lua, LuaString, Table, Value};
use throng_wire::DocumentForm;

/// What a byte costs, in nanoseconds.
const BYTE: u64 = 10;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    document::register(natives.lua)?;
    for form in [DocumentForm::Json, DocumentForm::Msgpack] {
        let word = form.word();
        natives
            .may_refuse(&format!("{word}_encode"), move |_, lua, value: Value| encode(lua, form, &value))?;
        natives.may_refuse(&format!("{word}_decode"), move |_, lua, text: Value| decode(lua, form, &text))?;
    }
    natives.may_refuse("json_array", |_, lua, table: Value| array(lua, table))?;
    natives.table.raw_set("json_null", Value::NULL)
}

fn encode(lua: &Lua, form: DocumentForm, value: &Value) -> Result<Option<LuaString>, Refused> {
    let mut out = Vec::new();
    document::encode(lua, form, value, &mut out)?;
    sandbox::work(lua, out.len() as u64 * BYTE);
    Ok(Some(lua.create_string(out).map_err(|error| error.to_string())?))
}

fn decode(lua: &Lua, form: DocumentForm, text: &Value) -> Result<Value, Refused> {
    let Value::String(text) = text else {
        return Err(format!("decode wants a string of bytes, not {}", kind_of(text)).into());
    };
    let bytes = text.as_bytes();
    sandbox::work(lua, bytes.len() as u64 * BYTE);
    if bytes.is_empty() {
        return Err(format!("an empty string is no {}", form.word()).into());
    }
    document::decode(lua, form, &bytes).map_err(|error| format!("no {}: {error}", form.word()).into())
}

/// Marks a table, or a new one, as a list.
fn array(lua: &Lua, table: Value) -> Result<Value, Refused> {
    let table: Table = match table {
        Value::Table(table) => table,
        Value::Nil => lua.create_table().map_err(|error| error.to_string())?,
        other => return Err(format!("array wants a table, not {}", kind_of(&other)).into()),
    };
    match document::mark_list(lua, &table) {
        Ok(true) => Ok(Value::Table(table)),
        Ok(false) => Err("the table has a metatable of its own, or is frozen".into()),
        Err(error) => Err(error.to_string().into()),
    }
}
