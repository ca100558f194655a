//! Fields of headers and trailers as scripts have them: tables of whole numbers by name.

use crate::sandbox::freeze::contents;
use crate::suggest;
use crate::values::kind_of;
use mlua::{Lua, Table, Value};
use throng_wire::{Direction, GivenError, GivenField, Protocol};

/// The values that a script gives to fields of a message that it sends.
///
/// # Errors
/// What is wrong with one of them.
pub(crate) fn given(protocol: &Protocol, table: &Table) -> Result<Vec<GivenField>, String> {
    contents(table)
        .pairs::<Value, Value>()
        .filter_map(Result::ok)
        .map(|entry| field(protocol, entry))
        .collect()
}

fn field(protocol: &Protocol, (name, value): (Value, Value)) -> Result<GivenField, String> {
    let Value::String(name) = &name else {
        return Err(format!("'header' has its fields by name, not by {}", kind_of(&name)));
    };
    let name = name.to_string_lossy();
    let value = match &value {
        Value::Integer(value) => *value,
        // Beyond these a float is no exact number.
        Value::Number(value) if value.fract() == 0.0 && value.abs() < 9e15 => *value as i64,
        other => return Err(format!("the field '{name}' is a whole number, not {}", kind_of(other))),
    };
    protocol.given(&name, value).map_err(|error| match &error {
        GivenError::NoField { candidates, .. } if candidates.is_empty() => {
            format!("messages of protocol '{}' have no fields around them to be given values", protocol.name)
        }
        GivenError::NoField { candidates, .. } => {
            let unknown = suggest::unknown("header field", &name, candidates.iter().map(String::as_str));
            format!("{unknown} (protocol {})", protocol.name)
        }
        _ => error.to_string(),
    })
}

/// The fields of a message on its way, by name.
pub(crate) fn table(
    lua: &Lua,
    protocol: &Protocol,
    payload: &[u8],
    direction: Direction,
) -> mlua::Result<Table> {
    let fields = lua.create_table()?;
    for (name, value) in protocol.fields(payload, direction) {
        fields.raw_set(name, value)?;
    }
    Ok(fields)
}
