//! A message as a tree, for callers that have no tree of their own.

mod build;
mod walk;

use std::fmt;

pub use build::ValueSink;
pub use walk::ValueSource;

use crate::decode::{DecodeError, decode};
use crate::encode::{EncodeError, encode};
use crate::schema::{Field, FieldType, Repeat, Schema, TypeId};

/// A value of any field, or a whole message as a [`Value::Struct`].
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An integer.
    Integer(i64),
    /// A double or a fixed-point number.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// A string; any bytes.
    String(Vec<u8>),
    /// Bytes.
    Binary(Vec<u8>),
    /// Fields by name; those that are absent are not in it.
    Struct(Vec<(Box<str>, Value)>),
    /// Elements in order.
    Array(Vec<Value>),
    /// Keys and values; a `*T(key)` has whole structs as values.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// A struct of these fields.
    #[must_use]
    pub fn structure<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
        Value::Struct(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A message of type `ty` with all its fields: zeros, `false`, nothing in strings, arrays and maps, structs without
    /// fields. An absent field means this to most games.
    #[must_use]
    pub fn default_of(schema: &Schema, ty: TypeId) -> Value {
        Value::structure(schema.type_def(ty).fields.iter().map(|field| (&*field.name, default_field(field))))
    }

    /// The field of this name, if this is a struct that has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Struct(fields) => {
                fields.iter().find(|(field, _)| **field == *name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// What this is, with its article, as error texts say it.
    fn kind(&self) -> &'static str {
        match self {
            Value::Integer(_) => "an integer",
            Value::Double(_) => "a double",
            Value::Boolean(_) => "a boolean",
            Value::String(_) => "a string",
            Value::Binary(_) => "a binary",
            Value::Struct(_) => "a struct",
            Value::Array(_) => "an array",
            Value::Map(_) => "a map",
        }
    }
}

/// Appends the message of type `ty` in `value` to `out`. On an error `out` is as it was.
///
/// # Errors
/// A value the schema does not allow, or a message that is too deep or too large.
pub fn encode_value(
    schema: &Schema,
    ty: TypeId,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    encode(schema, ty, &mut ValueSource::new(value), out)
}

/// Decodes a message of type `ty` from the front of `bytes`.
///
/// # Errors
/// Bytes that are no such message.
pub fn decode_value(schema: &Schema, ty: TypeId, bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut sink = ValueSink::new(schema);
    decode(schema, ty, bytes, &mut sink)?;
    Ok(sink.finish().unwrap_or(Value::Struct(Vec::new())))
}

fn default_field(field: &Field) -> Value {
    match (field.repeat, field.ty) {
        (Repeat::Array, _) => Value::Array(Vec::new()),
        (Repeat::MapByKey { .. } | Repeat::MapPair { .. }, _) => Value::Map(Vec::new()),
        (_, FieldType::Integer) => Value::Integer(0),
        (_, FieldType::Fixed { .. } | FieldType::Double) => Value::Double(0.0),
        (_, FieldType::Boolean) => Value::Boolean(false),
        (_, FieldType::String) => Value::String(Vec::new()),
        (_, FieldType::Binary) => Value::Binary(Vec::new()),
        (_, FieldType::Struct(_)) => Value::Struct(Vec::new()),
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Double(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Boolean(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::String(value.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(elements: Vec<Value>) -> Value {
        Value::Array(elements)
    }
}

/// One line, much like a Lua table: `{hp = 3, name = "x", path = [{x = 1}], byname = {"x": 1}}`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Integer(value) => write!(f, "{value}"),
            Value::Double(value) => write!(f, "{value:?}"),
            Value::Boolean(value) => write!(f, "{value}"),
            Value::String(bytes) | Value::Binary(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => write!(f, "{text:?}"),
                Err(_) => write!(f, "\"{}\"", bytes.escape_ascii()),
            },
            Value::Struct(fields) => {
                list(f, ["{", "}"], fields, |f, (name, value)| write!(f, "{name} = {value}"))
            }
            Value::Array(elements) => list(f, ["[", "]"], elements, |f, value| write!(f, "{value}")),
            Value::Map(entries) => {
                list(f, ["{", "}"], entries, |f, (key, value)| write!(f, "{key}: {value}"))
            }
        }
    }
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    [open, close]: [&str; 2],
    items: &[T],
    mut item: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_str(open)?;
    for (index, each) in items.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        item(f, each)?;
    }
    f.write_str(close)
}
