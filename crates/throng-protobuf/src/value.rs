//! A message as a tree, for callers that have no tree of their own.

mod build;
mod walk;

use std::fmt;

pub use build::ValueSink;
pub use walk::ValueSource;

use crate::decode::{DecodeError, Defaults, decode};
use crate::encode::{EncodeError, encode};
use crate::schema::{MessageId, Schema};

/// A value of any field, or a whole message as a [`Value::Message`].
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A float or double.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// A string; any bytes.
    String(Vec<u8>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A name of an enum. One that comes from the wire has it if the schema does.
    Enum(Box<str>),
    /// Fields by name; those that are absent are not in it.
    Message(Vec<(Box<str>, Value)>),
    /// Elements in order.
    Array(Vec<Value>),
    /// Keys and values.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// A message of these fields.
    #[must_use]
    pub fn message<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
        Value::Message(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The field of this name, if this is a message that has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Message(fields) => {
                fields.iter().find(|(field, _)| **field == *name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// What this is, with its article, as error texts say it.
    fn kind(&self) -> &'static str {
        match self {
            Value::Integer(_) => "an integer",
            Value::Unsigned(_) => "an unsigned integer",
            Value::Double(_) => "a double",
            Value::Boolean(_) => "a boolean",
            Value::String(_) => "a string",
            Value::Bytes(_) => "bytes",
            Value::Enum(_) => "an enum's name",
            Value::Message(_) => "a message",
            Value::Array(_) => "an array",
            Value::Map(_) => "a map",
        }
    }
}

/// Appends the message of type `message` in `value` to `out`. On an error `out` is as it was.
///
/// # Errors
/// A value the schema does not allow, or a message that is too deep or too large.
pub fn encode_value(
    schema: &Schema,
    message: MessageId,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    encode(schema, message, &mut ValueSource::new(value), out)
}

/// Decodes a message of type `message`, which is all of `bytes`; absent fields are absent.
///
/// # Errors
/// Bytes that are no such message.
pub fn decode_value(schema: &Schema, message: MessageId, bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut sink = ValueSink::default();
    decode(schema, message, bytes, Defaults::Leave, &mut sink)?;
    Ok(sink.finish().unwrap_or(Value::Message(Vec::new())))
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

/// One line, much like a Lua table: `{hp = 3, name = "x", path = [{x = 1}], names = {"x": 1}}`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Integer(value) => write!(f, "{value}"),
            Value::Unsigned(value) => write!(f, "{value}"),
            Value::Double(value) => write!(f, "{value:?}"),
            Value::Boolean(value) => write!(f, "{value}"),
            Value::Enum(name) => f.write_str(name),
            Value::String(bytes) | Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => write!(f, "{text:?}"),
                Err(_) => write!(f, "\"{}\"", bytes.escape_ascii()),
            },
            Value::Message(fields) => {
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
