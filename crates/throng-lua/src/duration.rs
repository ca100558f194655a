//! Times as scripts write them: seconds as a number, or text such as `"500ms"`, `"90s"`, `"10m"`, `"1h"`.

use mlua::Value;
use std::time::Duration;

/// The longest time that is taken for meant: a year.
const LONGEST: f64 = 365.0 * 86_400.0;

/// The time a Lua value says.
///
/// # Errors
/// What is wrong with it, for the script's author.
pub(crate) fn from_lua(value: &Value) -> Result<Duration, String> {
    match value {
        Value::Integer(seconds) => from_seconds(*seconds as f64),
        Value::Number(seconds) => from_seconds(*seconds),
        Value::String(text) => match text.to_str() {
            Ok(text) => parse(&text),
            Err(_) => Err(wanted("that text")),
        },
        other => Err(wanted(crate::values::kind_of(other))),
    }
}

/// The same, where nothing at all is allowed too.
pub(crate) fn optional(value: &Value) -> Result<Option<Duration>, String> {
    if value.is_nil() { Ok(None) } else { from_lua(value).map(Some) }
}

/// The time a text says.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wanted(&format!("'{text}'"))),
    };
    let number: f64 = number.parse().map_err(|_| wanted(&format!("'{text}'")))?;
    from_seconds(number * scale)
}

fn from_seconds(seconds: f64) -> Result<Duration, String> {
    if (0.0..=LONGEST).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(wanted(&seconds.to_string()))
    }
}

fn wanted(found: &str) -> String {
    format!("a time is seconds as a number, or text like \"500ms\", \"90s\", \"10m\", not {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seconds_and_texts_have_units() {
        for (text, wanted) in
            [("500ms", 500), ("90s", 90_000), ("1.5", 1500), ("10m", 600_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(wanted)), "{text}");
        }
        assert_eq!(from_lua(&Value::Number(0.25)), Ok(Duration::from_millis(250)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "ms", "5 parsecs", "-1s", "1e400"] {
            assert!(parse(text).is_err(), "{text}");
        }
        for value in [Value::Nil, Value::Number(-1.0), Value::Number(f64::NAN), Value::Boolean(true)] {
            assert!(from_lua(&value).is_err(), "{value:?}");
        }
    }
}
