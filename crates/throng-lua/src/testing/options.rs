//! `world:options{...}`: values of the project's options for one world.

use crate::project::{LuaProject, OptionValue};
use crate::suggest;
use crate::values::kind_of;
use mlua::{Table, Value};

/// The values a test gives, checked against the options that the project declares.
pub(super) fn read(project: &LuaProject, table: &Table) -> Result<Vec<(String, OptionValue)>, String> {
    let mut values = Vec::new();
    for pair in table.pairs::<Value, Value>() {
        let (name, value) = pair.map_err(|error| error.to_string())?;
        let Value::String(name) = name else {
            return Err("options are given by name: { my_level = 3 }".to_owned());
        };
        let name = name.to_string_lossy();
        let Some((_, default)) = project.options.iter().find(|(known, _)| *known == name) else {
            return Err(suggest::unknown(
                "option",
                &name,
                project.options.iter().map(|(known, _)| known.as_str()),
            ));
        };
        values.push((name.clone(), read_value(&name, default, &value)?));
    }
    Ok(values)
}

fn read_value(name: &str, default: &OptionValue, value: &Value) -> Result<OptionValue, String> {
    let wanted = match (default, value) {
        (OptionValue::Integer(_), Value::Integer(value)) => return Ok(OptionValue::Integer(*value)),
        (OptionValue::Number(_), Value::Integer(value)) => return Ok(OptionValue::Number(*value as f64)),
        (OptionValue::Number(_), Value::Number(value)) => return Ok(OptionValue::Number(*value)),
        (OptionValue::Boolean(_), Value::Boolean(value)) => return Ok(OptionValue::Boolean(*value)),
        (OptionValue::Text(_), Value::String(value)) => {
            return Ok(OptionValue::Text(value.to_string_lossy()));
        }
        (OptionValue::Integer(_), _) => "a whole number",
        (OptionValue::Number(_), _) => "a number",
        (OptionValue::Boolean(_), _) => "true or false",
        (OptionValue::Text(_), _) => "a text",
    };
    Err(format!("option '{name}' is {wanted}, not {}", kind_of(value)))
}

/// The project with other values.
pub(super) fn applied(project: &LuaProject, asked: &[Vec<(String, OptionValue)>]) -> LuaProject {
    let mut project = project.clone();
    for (name, value) in asked.iter().flatten() {
        if let Some((_, old)) = project.options.iter_mut().find(|(known, _)| known == name) {
            *old = value.clone();
        }
    }
    project
}
