//! A message's body for people: its fields, or its bytes; never a secret.

use throng_engine::Message;
use throng_engine::redact::{REDACTED, Redaction};
use throng_sproto::{Value, decode_value};
use throng_wire::Direction;

/// Bytes shown of a body that has no fields.
const SHOWN: usize = 64;

/// The body's fields, decoded; its bytes where there are none; what is wrong where it cannot be decoded.
pub(super) fn body_text(message: &Message<'_>, came: bool, redaction: &Redaction) -> String {
    let protocol = message.protocol;
    let direction = if came { Direction::Received } else { Direction::Sent };
    let ty = match (message.request, message.message) {
        (Some(request), reply) if came => protocol.reply_body_type(request, reply),
        (_, Some(message)) => protocol.body_type(message, direction),
        (_, None) => None,
    };
    match ty {
        None if message.body.is_empty() => String::new(),
        None => raw_text(message.body),
        Some((schema, ty)) => match decode_value(schema, ty, message.body) {
            Ok(value) => redacted(value, redaction).to_string(),
            Err(error) => format!("cannot be decoded: {error}; {}", raw_text(message.body)),
        },
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
