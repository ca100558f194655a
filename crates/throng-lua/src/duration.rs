//! Times as scripts write them: seconds as a number, or text, as in a project's settings.

use mlua::Value;
use std::time::Duration;
use throng_engine::units::{self, DURATION_FORMS, UnitError};

/// The time a Lua value says.
///
/// # Errors
/// What is wrong with it, for the script's author.
pub(crate) fn from_lua(value: &Value) -> Result<Duration, String> {
    match value {
        Value::Integer(seconds) => from_seconds(*seconds as f64),
        Value::Number(seconds) => from_seconds(*seconds),
        Value::String(text) => match text.to_str() {
            Ok(text) => units::duration(&text).map_err(|error| refused(&format!("'{text}'"), &error)),
            Err(_) => Err(wanted("that text")),
        },
        other => Err(wanted(crate::values::kind_of(other))),
    }
}

/// The same, where nothing at all is allowed too.
pub(crate) fn optional(value: &Value) -> Result<Option<Duration>, String> {
    if value.is_nil() { Ok(None) } else { from_lua(value).map(Some) }
}

fn from_seconds(seconds: f64) -> Result<Duration, String> {
    units::seconds(seconds).map_err(|error| refused(&seconds.to_string(), &error))
}

fn refused(found: &str, error: &UnitError) -> String {
    format!("{}: {error}", wanted(found))
}

fn wanted(found: &str) -> String {
    format!("a time is {DURATION_FORMS}, not {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    use mlua::Lua;

    #[track_caller]
    fn check(source: &str, wanted: Result<u64, &str>) {
        let lua = Lua::new();
        let value: Value = lua.load(source).eval().expect("valid Lua");
        match (from_lua(&value), wanted) {
            (Ok(found), Ok(millis)) => assert_eq!(found, Duration::from_millis(millis), "{source}"),
            (Err(found), Err(part)) => assert!(found.contains(part), "{source}: {found}"),
            (found, _) => panic!("{source}: {found:?}"),
        }
    }

    #[test]
    fn numbers_are_seconds_and_texts_have_units() {
        check("0.25", Ok(250));
        check("3", Ok(3_000));
        check("'500ms'", Ok(500));
        check("'1m30s'", Ok(90_000));
        check("'1.5'", Ok(1_500));
        check("'10m'", Ok(600_000));
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_reason() {
        check("''", Err("not '': there is no number in it"));
        check("'5 parsecs'", Err("\" parsecs\" is not a unit"));
        check("'-1s'", Err("it is negative"));
        check("-1", Err("not -1: it is negative"));
        check("0/0", Err("it is too large"));
        check("'\\xff'", Err("not that text"));
        check("nil", Err("not nil"));
        check("true", Err("a time is seconds as a number, or a text such as"));
    }
}
