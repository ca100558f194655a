//! The bytes of values, for what walks them.

use rmp::encode as rmp;
use throng_wire::DocumentForm;

/// The bounds of floats whose whole values are exact, 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Writes values one after another. Lists and maps say first how much they hold.
pub(super) trait Writer {
    /// Whether maps may have other keys than strings.
    const ANY_KEY: bool;

    fn null(out: &mut Vec<u8>);
    fn boolean(value: bool, out: &mut Vec<u8>);
    fn integer(value: i64, out: &mut Vec<u8>);
    fn number(value: f64, out: &mut Vec<u8>) -> Result<(), &'static str>;
    fn text(value: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str>;
    fn open_list(count: u32, out: &mut Vec<u8>);
    fn close_list(out: &mut Vec<u8>);
    fn open_map(count: u32, out: &mut Vec<u8>);
    fn close_map(out: &mut Vec<u8>);
    /// What stands before all elements and entries but the first.
    fn between(out: &mut Vec<u8>);
    /// What stands between a key and its value.
    fn colon(out: &mut Vec<u8>);
}

/// The form's word, for people.
pub(super) fn called(form: DocumentForm) -> &'static str {
    match form {
        DocumentForm::Json => "JSON",
        DocumentForm::Msgpack => "MessagePack",
    }
}

/// A float without a fraction as the whole number it is.
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < EXACT && !(value == 0.0 && value.is_sign_negative()))
        .then_some(value as i64)
}

pub(super) struct Json;

impl Writer for Json {
    const ANY_KEY: bool = false;

    fn null(out: &mut Vec<u8>) {
        out.extend_from_slice(b"null");
    }

    fn boolean(value: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn integer(value: i64, out: &mut Vec<u8>) {
        // Writing to a vector does not fail.
        let _ = serde_json::to_writer(out, &value);
    }

    fn number(value: f64, out: &mut Vec<u8>) -> Result<(), &'static str> {
        match whole(value) {
            Some(whole) => Self::integer(whole, out),
            None if value.is_finite() => {
                let _ = serde_json::to_writer(out, &value);
            }
            None => return Err("JSON has no infinite number and no NaN"),
        }
        Ok(())
    }

    fn text(value: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        let text = std::str::from_utf8(value).map_err(|_| "a string that is not UTF-8 cannot be JSON")?;
        let _ = serde_json::to_writer(out, text);
        Ok(())
    }

    fn open_list(_: u32, out: &mut Vec<u8>) {
        out.push(b'[');
    }

    fn close_list(out: &mut Vec<u8>) {
        out.push(b']');
    }

    fn open_map(_: u32, out: &mut Vec<u8>) {
        out.push(b'{');
    }

    fn close_map(out: &mut Vec<u8>) {
        out.push(b'}');
    }

    fn between(out: &mut Vec<u8>) {
        out.push(b',');
    }

    fn colon(out: &mut Vec<u8>) {
        out.push(b':');
    }
}

pub(super) struct Msgpack;

// Writing to a vector does not fail.
impl Writer for Msgpack {
    const ANY_KEY: bool = true;

    fn null(out: &mut Vec<u8>) {
        let _ = rmp::write_nil(out);
    }

    fn boolean(value: bool, out: &mut Vec<u8>) {
        let _ = rmp::write_bool(out, value);
    }

    fn integer(value: i64, out: &mut Vec<u8>) {
        let _ = rmp::write_sint(out, value);
    }

    fn number(value: f64, out: &mut Vec<u8>) -> Result<(), &'static str> {
        match whole(value) {
            Some(whole) => Self::integer(whole, out),
            None => {
                let _ = rmp::write_f64(out, value);
            }
        }
        Ok(())
    }

    /// A string where it is text, binary where not.
    fn text(value: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        u32::try_from(value.len()).map_err(|_| "a string is longer than MessagePack can say")?;
        match std::str::from_utf8(value) {
            Ok(text) => drop(rmp::write_str(out, text)),
            Err(_) => drop(rmp::write_bin(out, value)),
        }
        Ok(())
    }

    fn open_list(count: u32, out: &mut Vec<u8>) {
        let _ = rmp::write_array_len(out, count);
    }

    fn close_list(_: &mut Vec<u8>) {}

    fn open_map(count: u32, out: &mut Vec<u8>) {
        let _ = rmp::write_map_len(out, count);
    }

    fn close_map(_: &mut Vec<u8>) {}

    fn between(_: &mut Vec<u8>) {}

    fn colon(_: &mut Vec<u8>) {}
}
