//! Messages as JSON, for tools: much like the mapping of protobuf itself, but with 64-bit integers as numbers.
//!
//! Fields have the names of the `.proto` file; their JSON names are read too. Bytes are base64, enums names or numbers, keys of
//! maps strings, and numbers that JSON lacks `"NaN"`, `"Infinity"` and `"-Infinity"`. Well-known types are messages like any
//! others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value as Json};

use crate::MAX_DEPTH;
use crate::schema::{Field, Kind, MessageDef, MessageId, Repeat, Schema, suggested};
use crate::value::Value;

/// Why JSON is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// A name that is no field's.
    #[error("{place}: message `{message}` has no field `{field}`{}", suggested(.nearest))]
    NoField {
        /// Where, as in `$.units[2]`, the index from 0.
        place: Box<str>,
        /// The message's full name.
        message: Box<str>,
        /// The name.
        field: Box<str>,
        /// A field that may be meant.
        nearest: Option<Box<str>>,
    },
    /// A value of the wrong type.
    #[error("{place}: {found} is not {wanted}")]
    WrongType {
        /// As in [`JsonError::NoField`].
        place: Box<str>,
        /// What was there.
        found: Box<str>,
        /// What the schema asks for, with its article.
        wanted: &'static str,
    },
    /// Messages nested too deeply.
    #[error("the message nests more than {MAX_DEPTH} messages")]
    TooDeep,
}

/// The message of type `message` that `json` is; integers are not checked against the width of their fields, which encoding
/// does.
///
/// # Errors
/// The first thing that the schema does not allow.
pub fn from_json(schema: &Schema, message: MessageId, json: &Json) -> Result<Value, JsonError> {
    read_message(schema, schema.message(message), json, "$", 1)
}

/// A value as JSON.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Integer(value) => (*value).into(),
        Value::Unsigned(value) => (*value).into(),
        Value::Double(value) => double(*value),
        Value::Boolean(value) => (*value).into(),
        Value::String(bytes) => String::from_utf8_lossy(bytes).into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::Enum(name) => (&**name).into(),
        Value::Message(fields) => {
            Json::Object(fields.iter().map(|(name, value)| (name.to_string(), to_json(value))).collect())
        }
        Value::Array(elements) => elements.iter().map(to_json).collect(),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|(key, value)| (key_text(key), to_json(value))).collect())
        }
    }
}

fn double(value: f64) -> Json {
    match Number::from_f64(value) {
        Some(number) => Json::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

fn key_text(key: &Value) -> String {
    match to_json(key) {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

fn read_message(
    schema: &Schema,
    message: &MessageDef,
    json: &Json,
    place: &str,
    depth: u32,
) -> Result<Value, JsonError> {
    if depth > MAX_DEPTH {
        return Err(JsonError::TooDeep);
    }
    let object: &Map<String, Json> = json.as_object().ok_or_else(|| wrong(place, json, "an object"))?;
    let mut fields = Vec::with_capacity(object.len());
    for (name, json) in object {
        let by_json_name = || message.fields.iter().find(|field| *field.json_name == **name);
        let field = message.field(name).or_else(by_json_name).ok_or_else(|| JsonError::NoField {
            place: place.into(),
            message: message.name.clone(),
            field: name.as_str().into(),
            nearest: message.nearest(name).map(Into::into),
        })?;
        // As in protobuf's own mapping, null is the same as absence.
        if !json.is_null() {
            let value = read_field(schema, field, json, &format!("{place}.{name}"), depth)?;
            fields.push((field.name.clone(), value));
        }
    }
    Ok(Value::Message(fields))
}

fn read_field(
    schema: &Schema,
    field: &Field,
    json: &Json,
    place: &str,
    depth: u32,
) -> Result<Value, JsonError> {
    match field.repeat {
        Repeat::One => read_value(schema, field.kind, json, place, depth),
        Repeat::Array { .. } => {
            let elements = json.as_array().ok_or_else(|| wrong(place, json, "an array"))?;
            let read =
                |(index, json)| read_value(schema, field.kind, json, &format!("{place}[{index}]"), depth);
            Ok(Value::Array(elements.iter().enumerate().map(read).collect::<Result<_, _>>()?))
        }
        Repeat::Map { key } => {
            let entries = json.as_object().ok_or_else(|| wrong(place, json, "an object"))?;
            let read = |(name, json): (&String, &Json)| {
                let place = format!("{place}.{name}");
                let key = read_key(key, name, &place)?;
                Ok((key, read_value(schema, field.kind, json, &place, depth)?))
            };
            Ok(Value::Map(entries.iter().map(read).collect::<Result<_, _>>()?))
        }
    }
}

fn read_key(kind: Kind, name: &str, place: &str) -> Result<Value, JsonError> {
    let refused = |wanted| JsonError::WrongType { place: place.into(), found: quoted(name), wanted };
    match kind {
        Kind::String { .. } => Ok(name.into()),
        Kind::Bool => name.parse().map(Value::Boolean).map_err(|_| refused("true or false")),
        kind => integer(kind, name).ok_or_else(|| refused("an integer")),
    }
}

fn read_value(schema: &Schema, kind: Kind, json: &Json, place: &str, depth: u32) -> Result<Value, JsonError> {
    let refused = |wanted| wrong(place, json, wanted);
    match (kind, json) {
        (Kind::Message(id) | Kind::Group(id), _) => {
            read_message(schema, schema.message(id), json, place, depth + 1)
        }
        (Kind::Bool, Json::Bool(value)) => Ok(Value::Boolean(*value)),
        (Kind::Bool, _) => Err(refused("true or false")),
        (Kind::String { .. }, Json::String(text)) => Ok(text.as_str().into()),
        (Kind::String { .. }, _) => Err(refused("a string")),
        (Kind::Bytes, Json::String(text)) => {
            STANDARD.decode(text).map(Value::Bytes).map_err(|_| refused("bytes in base64"))
        }
        (Kind::Bytes, _) => Err(refused("bytes in base64")),
        (Kind::Enum(_), Json::String(name)) => Ok(Value::Enum(name.as_str().into())),
        (Kind::Enum(_), Json::Number(number)) => {
            number.as_i64().map(Value::Integer).ok_or_else(|| refused("an enum's name or number"))
        }
        (Kind::Enum(_), _) => Err(refused("an enum's name or number")),
        (Kind::Double | Kind::Float, Json::Number(number)) => {
            number.as_f64().map(Value::Double).ok_or_else(|| refused("a number"))
        }
        (Kind::Double | Kind::Float, Json::String(text)) => match text.as_str() {
            "NaN" => Ok(Value::Double(f64::NAN)),
            "Infinity" => Ok(Value::Double(f64::INFINITY)),
            "-Infinity" => Ok(Value::Double(f64::NEG_INFINITY)),
            _ => Err(refused("a number")),
        },
        (Kind::Double | Kind::Float, _) => Err(refused("a number")),
        (kind, Json::Number(number)) => {
            integer(kind, &number.to_string()).ok_or_else(|| refused("an integer that fits"))
        }
        (kind, Json::String(text)) => integer(kind, text).ok_or_else(|| refused("an integer that fits")),
        (_, _) => Err(refused("an integer")),
    }
}

fn integer(kind: Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64 => text.parse().ok().map(Value::Unsigned),
        _ => text.parse().ok().map(Value::Integer),
    }
}

#[cold]
fn wrong(place: &str, json: &Json, wanted: &'static str) -> JsonError {
    let found = match json {
        Json::Null => "null".into(),
        Json::Bool(value) => value.to_string().into(),
        Json::Number(number) => number.to_string().into(),
        Json::String(text) => quoted(text),
        Json::Array(_) => "an array".into(),
        Json::Object(_) => "an object".into(),
    };
    JsonError::WrongType { place: place.into(), found, wanted }
}

/// A text as an error shows it: not all of it.
fn quoted(text: &str) -> Box<str> {
    let shown: String = text.chars().take(40).collect();
    format!("{shown:?}").into()
}
