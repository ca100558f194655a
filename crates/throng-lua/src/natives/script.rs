//! What the prelude asks about scripts: where they are, what a value is, which chunk a name stands for.

use super::{Context, Natives, Text};
use crate::bodies;
use crate::load;
use crate::program;
use crate::project::StrayFields;
use crate::raw;
use crate::state::key_of;
use crate::suggest;
use crate::values::{Shown, kind_of};
use crate::vm::HOST_CHUNKS;
use mlua::{Function, Lua, MultiValue, Table, Value};

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    let project = natives.context.shared.project.clone();
    natives.table.raw_set("version", env!("CARGO_PKG_VERSION"))?;
    natives.table.raw_set("host", project.host.as_str())?;
    natives.table.raw_set("options", load::options_table(natives.lua, &project)?)?;
    add_strictness(natives, project.stray_fields)?;
    natives.plain("trace", |context, lua, value: Value| {
        let message = message_of(context, &value);
        Ok((in_user_s_code(lua, message), traceback(lua)))
    })?;
    natives.plain("blame", |context, lua, (value, error, assert): (Value, Function, Function)| {
        let deliberate = raised_by(lua, &[error, assert]);
        let message = message_of(context, &value);
        Ok((in_user_s_code(lua, message), traceback(lua), deliberate))
    })?;
    natives.plain("place", |_, lua, ()| Ok(place(lua).map(|(file, line)| format!("{file}:{line}"))))?;
    natives.plain("where", |_, lua, ()| Ok(place(lua).unzip()))?;
    natives.plain("defined", |_, _, function: Function| {
        let info = function.info();
        Ok((info.source.as_deref().and_then(of_user).map(str::to_owned), info.line_defined))
    })?;
    natives
        .plain("first_parameter", |_, lua, function: Function| Ok(raw::first_parameter(lua, &function)))?;
    natives.plain("kind_of", |_, _, value: Value| Ok(kind_of(&value)))?;
    natives.plain("unknown", unknown)?;
    natives.plain("check_task_options", |_, _, options: Table| Ok(program::check_options(&options).err()))?;
    natives.plain("chunk", |context, lua, Text(name): Text| load::chunk(context, lua, &name))?;
    natives
        .plain("protocol_chunk", |context, lua, index: usize| load::protocol_chunk(context, lua, index))?;
    natives.plain("shape_chunk", |context, lua, ()| load::shape_chunk(context, lua))
}

/// What the prelude looks for in bodies before it sends them; nothing at all in a run.
fn add_strictness(natives: &Natives<'_>, stray_fields: StrayFields) -> mlua::Result<()> {
    let word = match stray_fields {
        StrayFields::Drop => return Ok(()),
        StrayFields::Warn => "warn",
        StrayFields::Refuse => "refuse",
    };
    natives.table.raw_set("stray_fields", word)?;
    natives.plain("stray_field", |context, _, (connection, Text(name), body): (i64, Text, Value)| {
        let facts = context.shared.desk.as_ref().and_then(|desk| desk.facts(key_of(connection)));
        let protocol = facts.and_then(|facts| facts.protocol);
        Ok(protocol.and_then(|protocol| bodies::stray_in_message(&protocol, &name, &body)))
    })
}

/// The file of a chunk of the user's, from Lua's name for the source; none for the prelude and for C functions.
pub(crate) fn of_user(source: &str) -> Option<&str> {
    source.strip_prefix('@')
}

/// Where the user's code is that called, as file and line.
fn place(lua: &Lua) -> Option<(String, usize)> {
    for level in 0.. {
        let found = lua.inspect_stack(level, |frame| {
            let line = frame.current_line()?;
            let source = frame.source().source?;
            Some((of_user(&source)?.to_owned(), line))
        })?;
        if found.is_some() {
            return found;
        }
    }
    None
}

/// `mods/role.lua:12` for a place in a suspended coroutine.
pub(crate) fn source_place(thread: &mlua::Thread) -> Option<String> {
    raw::suspended_at(thread, |source| of_user(source).is_some())
        .map(|(source, line)| format!("{}:{line}", source.trim_start_matches('@')))
}

/// Whether a script raised the error that a message handler asks about by calling one of these functions: the first frame
/// of the user's is its caller's.
fn raised_by(lua: &Lua, functions: &[Function]) -> bool {
    let mut raiser = false;
    for level in 1.. {
        let frame = lua.inspect_stack(level, |frame| {
            let is_user_s = frame.source().source.is_some_and(|source| of_user(&source).is_some());
            (is_user_s, functions.contains(&frame.function()))
        });
        match frame {
            None => return false,
            Some((true, _)) => return raiser,
            Some((false, raises)) => raiser = raises,
        }
    }
    false
}

/// The text of an error value that is no failure.
fn message_of(context: &Context, value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string_lossy(),
        Value::Error(error) => error.to_string(),
        Value::Table(table) => match table.raw_get::<Value>("message") {
            Ok(Value::String(text)) => text.to_string_lossy(),
            _ => format!(
                "error with a table: {}",
                Shown { redaction: &context.shared.project.redaction }.text(value)
            ),
        },
        other => format!("error with {}", Shown { redaction: &context.shared.project.redaction }.text(other)),
    }
}

/// A mistake that Lua noticed in the prelude, such as an index of nil, is its caller's: the text names their line.
fn in_user_s_code(lua: &Lua, message: String) -> String {
    let of_prelude =
        message.strip_prefix(HOST_CHUNKS.trim_start_matches('=')).map(|rest| rest.splitn(3, ':').nth(2));
    match (of_prelude, place(lua)) {
        (Some(Some(text)), Some((file, line))) => format!("{file}:{line}:{text}"),
        _ => message,
    }
}

/// The calls that led to an error, in the user's files.
fn traceback(lua: &Lua) -> String {
    let Ok(text) = lua.traceback(None, 0) else { return String::new() };
    let text = text.to_string_lossy();
    let lines = text.lines().skip(1).map(str::trim).filter(|line| is_of_user(line));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_of_user(line: &str) -> bool {
    !line.is_empty()
        && !line.starts_with("throng/")
        && !line.starts_with("[C]")
        && !line.starts_with("(...tail")
}

type Unknown = (Text, Text, Table, Option<bool>);

/// The text for a name that is not among `known`: a list, or with `keys` the keys of a table.
fn unknown(_: &Context, _: &Lua, (Text(what), Text(name), known, keys): Unknown) -> mlua::Result<String> {
    let names: Vec<String> = if keys == Some(true) {
        known.pairs::<String, Value>().filter_map(|pair| pair.ok().map(|(key, _)| key)).collect()
    } else {
        known.sequence_values::<String>().filter_map(Result::ok).collect()
    };
    Ok(suggest::unknown(&what, &name, names.iter().map(String::as_str)))
}

/// The results of a native that found nothing: nil and why.
pub(crate) fn nothing(lua: &Lua, message: String, place: Option<(String, u32)>) -> mlua::Result<MultiValue> {
    use mlua::IntoLuaMulti;
    let (file, line) = place.unzip();
    (Value::Nil, message, file, line).into_lua_multi(lua)
}
