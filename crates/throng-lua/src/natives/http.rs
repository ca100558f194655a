//! HTTP requests: what a script asks becomes a request of the engine's, and its response a table.

use super::{Context, Natives, Refused, Text, option, options_of, time_option};
use crate::sandbox::freeze::contents;
use crate::state::What;
use crate::values::kind_of;
use mlua::{Lua, Table, Value};
use throng_engine::{Group, HttpRequest, HttpResponse, Unasked, form_encoded};
use throng_metrics::FailureKind;

/// The name under which requests are booked.
const HTTP: &str = "http";
/// Redirects that are followed where the script does not say.
const REDIRECTS: u32 = 5;

const OPTIONS: [&str; 12] = [
    "headers",
    "query",
    "body",
    "json",
    "form",
    "timeout",
    "name",
    "redirects",
    "quiet",
    "cookies",
    "expect",
    "group",
];

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.waits("http", ask)?;
    natives.plain("http_undecodable", |context, lua, (Text(name), Text(text)): (Text, Text)| {
        let refused = context.count(FailureKind::Decode, &name, Some(HTTP.into()), text);
        context.refusal(lua, refused)
    })
}

/// Method, address, and options; the body is what the prelude made of them, with its type.
type Asking = (Value, Value, Value, Value, Value);

fn ask(
    context: &Context,
    lua: &Lua,
    (method, url, body, content_type, options): Asking,
) -> Result<(), Refused> {
    let (desk, robot, fiber) = context.fiber(lua)?;
    let group_of = |name: Option<String>| match name {
        Some(name) => Some(desk.group(&name)),
        None => context.shared.group_of(fiber),
    };
    let request = request_of((&method, &url), (&body, &content_type), &options, group_of)?;
    let name = request.measured_as().into();
    match desk.http(robot, &request) {
        Ok(operation) => {
            context.shared.wait(fiber, operation, What::Http(name));
            Ok(())
        }
        Err(Unasked::Mistake(mistake)) => Err(mistake.to_string().into()),
        Err(Unasked::Failed(failure)) => Err(failure.into()),
    }
}

fn request_of(
    (method, url): (&Value, &Value),
    (body, content_type): (&Value, &Value),
    options: &Value,
    group_of: impl FnOnce(Option<String>) -> Option<Group>,
) -> Result<HttpRequest, Refused> {
    let Value::String(method) = method else {
        return Err(format!("an HTTP method is a word such as \"GET\", not {}", kind_of(method)).into());
    };
    let Value::String(url) = url else {
        let found = kind_of(url);
        return Err(format!("wanted an address such as \"http://host/path\", not {found}").into());
    };
    let options = options_of(options, "throng.http", &OPTIONS)?;
    let mut headers = headers_of(option(&options, "headers", "a table of names and values")?)?;
    let mut body = match body {
        Value::Nil => Vec::new(),
        Value::String(bytes) => bytes.as_bytes().to_vec(),
        other => return Err(format!("a body is a string of bytes or a table, not {}", kind_of(other)).into()),
    };
    let form: Option<Table> = option(&options, "form", "a table of names and values")?;
    let mut kind = match content_type {
        Value::String(kind) => Some(kind.to_string_lossy()),
        _ => None,
    };
    if let Some(form) = form {
        let fields = pairs_of("form", &form)?;
        body = form_encoded(fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))).into_bytes();
        kind = Some("application/x-www-form-urlencoded".to_owned());
    }
    if let Some(kind) = kind
        && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        headers.push(("content-type".to_owned(), kind.into_bytes()));
    }
    let query: Option<Table> = option(&options, "query", "a table of names and values")?;
    let expect: Option<Table> = option(&options, "expect", "a list of statuses such as { 404 }")?;
    let name: Option<Text> = option(&options, "name", "what the request is measured as")?;
    Ok(HttpRequest {
        method: method.to_string_lossy().into(),
        url: url.to_string_lossy().into(),
        query: query.map_or(Ok(Vec::new()), |query| pairs_of("query", &query))?,
        headers,
        body,
        timeout: time_option(&options, "timeout")?,
        name: name.map(|Text(name)| name.into()),
        redirects: option(&options, "redirects", "a whole number from 0 on")?.unwrap_or(REDIRECTS),
        cookies: option(&options, "cookies", "true or false")?.unwrap_or(true),
        quiet: option(&options, "quiet", "true or false")?.unwrap_or(false),
        expect: expect.map_or(Ok(Vec::new()), |expect| statuses_of(&expect))?,
        group: group_of(option(&options, "group", "a name")?),
    })
}

fn headers_of(table: Option<Table>) -> Result<Vec<(String, Vec<u8>)>, Refused> {
    Ok(table.map_or(Ok(Vec::new()), |table| entries_of("headers", &table))?)
}

fn pairs_of(what: &str, table: &Table) -> Result<Vec<(String, String)>, Refused> {
    let entries = entries_of(what, table)?;
    Ok(entries
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect())
}

fn statuses_of(table: &Table) -> Result<Vec<u16>, Refused> {
    let statuses: mlua::Result<Vec<u16>> = contents(table).sequence_values().collect();
    statuses.map_err(|_| "'expect' is a list of statuses such as { 404 }".into())
}

/// The entries of a table of names and texts, in the order of the names: Lua's own would differ from run to run. A list
/// gives a name several values.
pub(crate) fn entries_of(what: &str, table: &Table) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut entries = Vec::new();
    for pair in contents(table).pairs::<Value, Value>() {
        let (key, value) = pair.map_err(|error| error.to_string())?;
        let Value::String(key) = &key else {
            return Err(format!("'{what}' is a table of names and values, not a list"));
        };
        let name = key.to_string_lossy();
        match value {
            Value::Table(values) => {
                for value in contents(&values).sequence_values::<Value>() {
                    let value = value.map_err(|error| error.to_string())?;
                    entries.push((name.clone(), bytes_of(what, &name, &value)?));
                }
            }
            value => entries.push((name.clone(), bytes_of(what, &name, &value)?)),
        }
    }
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(entries)
}

fn bytes_of(what: &str, name: &str, value: &Value) -> Result<Vec<u8>, String> {
    match value {
        Value::String(text) => Ok(text.as_bytes().to_vec()),
        Value::Integer(number) => Ok(number.to_string().into_bytes()),
        Value::Number(number) => Ok(number.to_string().into_bytes()),
        Value::Boolean(flag) => Ok(flag.to_string().into_bytes()),
        other => {
            let wanted = "a string, a number, true or false, or a list of them";
            Err(format!("'{what}': {name} is {wanted}, not {}", kind_of(other)))
        }
    }
}

/// `{ name, status, headers, body }`; a header that came several times has its values with commas between, as HTTP allows, but
/// for cookies, which are a list.
pub(crate) fn response_value(lua: &Lua, what: &What, response: &HttpResponse) -> mlua::Result<Value> {
    let headers = lua.create_table()?;
    for (name, _) in &response.headers {
        if headers.contains_key(name.as_str())? {
            continue;
        }
        if name == "set-cookie" {
            let cookies: mlua::Result<Vec<_>> =
                response.header(name).map(|value| lua.create_string(value)).collect();
            headers.raw_set(name.as_str(), cookies?)?;
            continue;
        }
        let values: Vec<&[u8]> = response.header(name).collect();
        headers.raw_set(name.as_str(), lua.create_string(values.join(&b", "[..]))?)?;
    }
    let table = lua.create_table_with_capacity(0, 4)?;
    if let What::Http(name) = what {
        table.raw_set("name", &**name)?;
    }
    table.raw_set("status", response.status)?;
    table.raw_set("headers", headers)?;
    table.raw_set("body", lua.create_string(&response.body)?)?;
    Ok(Value::Table(table))
}
