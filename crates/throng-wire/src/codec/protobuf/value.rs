//! Messages for people, as the values that all codecs are shown as.

use throng_protobuf::{DecodeError, MessageId, Schema, Value as Tree, decode_value};
use throng_sproto::Value;

/// The fields that are on the wire.
pub(super) fn decode(schema: &Schema, ty: MessageId, body: &[u8]) -> Result<Value, DecodeError> {
    decode_value(schema, ty, body).map(shown)
}

/// Unsigned integers are their 64 bits, as scripts have them; names of enums are strings.
fn shown(tree: Tree) -> Value {
    match tree {
        Tree::Integer(value) => Value::Integer(value),
        Tree::Unsigned(value) => Value::Integer(value.cast_signed()),
        Tree::Double(value) => Value::Double(value),
        Tree::Boolean(value) => Value::Boolean(value),
        Tree::String(bytes) => Value::String(bytes),
        Tree::Bytes(bytes) => Value::Binary(bytes),
        Tree::Enum(name) => Value::String(name.as_bytes().to_vec()),
        Tree::Message(fields) => {
            Value::Struct(fields.into_iter().map(|(name, value)| (name, shown(value))).collect())
        }
        Tree::Array(elements) => Value::Array(elements.into_iter().map(shown).collect()),
        Tree::Map(entries) => {
            Value::Map(entries.into_iter().map(|(key, value)| (shown(key), shown(value))).collect())
        }
    }
}
