//! Lua values for people: what kind one is, and what is in it.

use crate::sandbox::freeze::contents;
use mlua::{Table, Value};
use throng_engine::redact::{REDACTED, Redaction};

/// How many fields of a table are shown.
const FIELDS: usize = 12;
/// How much of a text is shown, in bytes.
const TEXT: usize = 120;
/// How deep tables are shown.
const DEPTH: usize = 3;

/// What kind of value this is, with its article.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Boolean(_) => "a boolean",
        Value::Integer(_) | Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Table(_) => "a table",
        Value::Function(_) => "a function",
        Value::Thread(_) => "a coroutine",
        _ => "a userdata",
    }
}

/// Shows values with the fields redacted whose names tell of secrets.
pub(crate) struct Shown<'a> {
    /// Which fields' values are not shown.
    pub redaction: &'a Redaction,
}

impl Shown<'_> {
    /// `{ name = "x", list = { 1, 2 } }`, shortened.
    pub(crate) fn text(&self, value: &Value) -> String {
        let mut out = String::new();
        self.write(value, DEPTH, &mut out);
        out
    }

    fn write(&self, value: &Value, depth: usize, out: &mut String) {
        match value {
            Value::Table(table) if class_of(table).as_deref() == Some("connection") => {
                out.push_str(
                    &table
                        .raw_get("name")
                        .map_or_else(|_| String::new(), |name: String| format!("connection {name}")),
                );
            }
            Value::Table(table) if depth > 0 => self.write_table(table, depth, out),
            Value::Table(_) => out.push_str("{ ... }"),
            Value::String(text) => write_quoted(&text.as_bytes(), out),
            Value::Nil => out.push_str("nil"),
            Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Integer(value) => out.push_str(&value.to_string()),
            Value::Number(value) => out.push_str(&value.to_string()),
            other => out.push_str(kind_of(other)),
        }
    }

    fn write_table(&self, table: &Table, depth: usize, out: &mut String) {
        out.push('{');
        let from_http = class_of(table).as_deref() == Some("response");
        let table = contents(table);
        let pairs = table.pairs::<Value, Value>().filter_map(Result::ok);
        for (index, (key, value)) in pairs.filter(|(_, value)| !is_robot(value)).enumerate() {
            out.push_str(if index == 0 { " " } else { ", " });
            if index == FIELDS {
                out.push_str("...");
                break;
            }
            match &key {
                Value::String(name) => {
                    let name = name.to_string_lossy();
                    out.push_str(&name);
                    out.push_str(" = ");
                    if self.redaction.is_secret(&name) || from_http && self.is_secret_text(&value) {
                        out.push_str(REDACTED);
                        continue;
                    }
                }
                Value::Integer(_) => {}
                other => {
                    out.push('[');
                    self.write(other, 0, out);
                    out.push_str("] = ");
                }
            }
            self.write(&value, depth - 1, out);
        }
        out.push_str(" }");
    }

    /// Whether the beginning of a text, as far as it could be shown, names something secret: what a server sent has no fields
    /// yet.
    fn is_secret_text(&self, value: &Value) -> bool {
        let Value::String(text) = value else { return false };
        let text = text.as_bytes();
        self.redaction.is_named_in(&String::from_utf8_lossy(&text[..text.len().min(2 * TEXT)]))
    }
}

/// A mod's object refers to its robot, which is not part of what it holds.
fn is_robot(value: &Value) -> bool {
    matches!(value, Value::Table(table) if class_of(table).as_deref() == Some("robot"))
}

/// What the prelude's objects call themselves.
fn class_of(table: &Table) -> Option<String> {
    table.metatable()?.raw_get::<String>("__name").ok()
}

fn write_quoted(bytes: &[u8], out: &mut String) {
    let shown = &bytes[..bytes.len().min(TEXT)];
    match std::str::from_utf8(shown) {
        Ok(text) => out.push_str(&format!("{text:?}")),
        Err(_) => out.push_str(&format!("\"{}\"", shown.escape_ascii())),
    }
    if shown.len() < bytes.len() {
        out.push_str(&format!(" ... ({} bytes)", bytes.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlua::Lua;

    #[track_caller]
    fn check(source: &str, shown: &str) {
        let lua = Lua::new();
        let value: Value = lua.load(source).eval().expect("valid Lua");
        assert_eq!(Shown { redaction: &Redaction::default() }.text(&value), shown);
    }

    #[test]
    fn tables_are_shown_and_secrets_are_not() {
        check("{ 1, 'a\\n', { true } }", r#"{ 1, "a\n", { true } }"#);
        check("{ MyPassword = 'x', { monkey = 1 } }", "{ { monkey = 1 }, MyPassword = *** }");
        check("{{{{ 1 }}}}", "{ { { { ... } } } }");
    }

    #[test]
    fn what_a_web_server_sent_is_shown_unless_it_names_a_secret() {
        let response =
            |body: &str| format!("return setmetatable({{ body = '{body}' }}, {{ __name = 'response' }})");
        check(&response("no such player"), "{ body = \"no such player\" }");
        check(&response("{\"access_token\":7}"), "{ body = *** }");
        check("{ headers = { ['set-cookie'] = { 'a=1' } } }", "{ headers = { set-cookie = *** } }");
    }

    #[test]
    fn long_texts_are_shortened() {
        check("('a'):rep(200)", &format!("\"{}\" ... (200 bytes)", "a".repeat(120)));
    }
}
