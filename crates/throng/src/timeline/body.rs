//! A message's body for people: its fields, or its bytes; never a secret.

use throng_engine::Message;
use throng_engine::redact::{REDACTED, Redaction};
use throng_sproto::Value;
use throng_wire::Direction;

/// Bytes shown of a body that has no fields.
const SHOWN: usize = 64;

/// The body's fields, decoded; its bytes where there are none; what is wrong where it cannot be decoded.
pub(super) fn body_text(message: &Message<'_>, came: bool, redaction: &Redaction) -> String {
    let protocol = message.protocol;
    let direction = if came { Direction::Received } else { Direction::Sent };
    match protocol.body_seen(direction, (message.message, message.request), message.body) {
        None if message.body.is_empty() => String::new(),
        None => raw_text(message.body),
        Some(Ok(value)) => redacted(value, redaction).to_string(),
        Some(Err(error)) => format!("cannot be decoded: {error}; {}", raw_text(message.body)),
    }
}

/// Bytes as text where they are text, as hex where not.
pub(super) fn raw_text(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    match std::str::from_utf8(shown) {
        Ok(text) if text.chars().all(|char| !char.is_control() || "\r\n\t".contains(char)) => {
            format!("{text:?}{more}")
        }
        _ => {
            let hex: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{}{more}", hex.join(" "))
        }
    }
}

/// The value with `***` in place of what is secret.
fn redacted(value: Value, redaction: &Redaction) -> Value {
    match value {
        Value::Struct(fields) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let value = if redaction.is_secret(&name) {
                    Value::from(REDACTED)
                } else {
                    redacted(value, redaction)
                };
                (name, value)
            });
            Value::Struct(fields.collect())
        }
        Value::Array(values) => {
            Value::Array(values.into_iter().map(|value| redacted(value, redaction)).collect())
        }
        Value::Map(entries) => {
            Value::Map(entries.into_iter().map(|(key, value)| (key, redacted(value, redaction))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use throng_sproto::encode_value;
    use throng_wire::{CodecSpec, Protocol, ProtocolSpec, SchemaSpec, SourceText, SprotoShape, SprotoSpec};

    #[test]
    fn an_answer_has_the_fields_of_the_response_to_what_was_asked() {
        let text = ".package { type 0 : integer session 1 : integer }
            alive 1 { request { seq 0 : integer } response { seen 0 : integer } }";
        let schema =
            SchemaSpec::Both(vec![SourceText { name: "a.sproto".to_owned(), text: text.to_owned() }]);
        let shape = SprotoShape::Rpc { package: "package".to_owned() };
        let codec = CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None });
        let protocol = Arc::new(Protocol::build(ProtocolSpec::new("battle", codec)).unwrap());
        let alive = protocol.message("alive");
        let (schema, ty) = protocol.answer_body_type(alive.unwrap()).unwrap();
        let mut body = Vec::new();
        encode_value(schema, ty, &Value::structure([("seen", Value::from(7))]), &mut body).unwrap();
        let message = Message {
            connection: "battle",
            protocol: &protocol,
            name: "alive answer",
            message: None,
            request: alive,
            body: &body,
            size: body.len(),
        };
        assert!(body_text(&message, false, &Redaction::default()).contains("seen"));
    }

    #[test]
    fn secrets_are_left_out_at_any_depth() {
        let login = Value::structure([("user", Value::from("ann")), ("password", Value::from("pw"))]);
        let value = Value::structure([("list", Value::Array(vec![login]))]);
        let text = redacted(value, &Redaction::default()).to_string();
        assert!(text.contains("ann") && text.contains(REDACTED) && !text.contains("pw"), "{text}");
    }

    #[test]
    fn bytes_are_text_where_they_can_be_and_hex_where_not() {
        assert_eq!(raw_text(b"+OK\r\n"), "\"+OK\\r\\n\"");
        assert_eq!(raw_text(&[0, 255, 16]), "00 ff 10");
        assert_eq!(raw_text(&[0; 70]).len(), 64 * 3 - 1 + "…".len());
    }
}
