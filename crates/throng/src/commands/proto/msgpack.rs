//! JSON as MessagePack.

use rmp::encode;
use serde_json::Value;

/// The document that says the same.
pub(super) fn written(json: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing to a vector does not fail.
    let _ = write(json, &mut out);
    out
}

fn write(json: &Value, out: &mut Vec<u8>) -> Result<(), encode::ValueWriteError> {
    match json {
        Value::Null => encode::write_nil(out).map_err(encode::ValueWriteError::InvalidMarkerWrite)?,
        Value::Bool(value) => {
            encode::write_bool(out, *value).map_err(encode::ValueWriteError::InvalidMarkerWrite)?;
        }
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => encode::write_sint(out, whole).map(drop)?,
            (None, Some(whole)) => encode::write_uint(out, whole).map(drop)?,
            (None, None) => encode::write_f64(out, number.as_f64().unwrap_or_default())?,
        },
        Value::String(text) => encode::write_str(out, text)?,
        Value::Array(elements) => {
            encode::write_array_len(out, elements.len() as u32)?;
            for element in elements {
                write(element, out)?;
            }
        }
        Value::Object(fields) => {
            encode::write_map_len(out, fields.len() as u32)?;
            for (name, value) in fields {
                encode::write_str(out, name)?;
                write(value, out)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_has_its_shortest_form() {
        let json = serde_json::json!({ "a": [1, -1, 300, 1.5, null, true], "b": "x" });
        let wanted = b"\x82\xa1a\x96\x01\xff\xcd\x01\x2c\xcb\x3f\xf8\0\0\0\0\0\0\xc0\xc3\xa1b\xa1x";
        assert_eq!(written(&json), wanted);
    }
}
