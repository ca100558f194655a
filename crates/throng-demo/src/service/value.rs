//! Reading and making Sproto values whose strings are bytes.

use throng_sproto::Value;

/// The string or binary field `name`.
pub(super) fn bytes<'a>(value: &'a Value, name: &str) -> Option<&'a [u8]> {
    match value.field(name)? {
        Value::String(bytes) | Value::Binary(bytes) => Some(bytes),
        _ => None,
    }
}

/// The integer field `name`.
pub(super) fn integer(value: &Value, name: &str) -> Option<i64> {
    match value.field(name)? {
        Value::Integer(integer) => Some(*integer),
        _ => None,
    }
}

pub(super) fn string(bytes: &[u8]) -> Value {
    Value::String(bytes.to_vec())
}
