//! The head of a JSON document.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{DocumentError, DocumentForm, Key, Keys, Name, Outline};
use crate::codec::WriteError;

/// Reads the outermost object's keys; of two that are the same the last counts.
pub(super) fn outline<'a>(keys: &Keys, document: &'a [u8]) -> Result<Outline<'a>, DocumentError> {
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    let read = deserializer.deserialize_map(Object(keys));
    let outline = read.and_then(|outline| deserializer.end().map(|()| outline));
    outline.map_err(|error| DocumentForm::Json.error(error.to_string()))
}

/// Appends the object with name, session and body.
pub(super) fn write(
    name: Option<(&str, Name<'_>)>,
    session: Option<(&str, i64)>,
    body_key: Option<&str>,
    body: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), WriteError> {
    let body = body.trim_ascii();
    let fields = match (body_key, body) {
        (None, []) => &b""[..],
        (None, [b'{', fields @ .., b'}']) => fields.trim_ascii(),
        (None, _) if name.is_none() && session.is_none() => {
            out.extend_from_slice(body);
            return Ok(());
        }
        (None, _) => return Err(WriteError::NotObject),
        (Some(_), _) => b"",
    };
    out.push(b'{');
    let first = out.len();
    if let Some((key, name)) = name {
        push_key(first, key, out);
        match name {
            Name::Text(text) | Name::Escaped(_, text) => push_text(text, out),
            Name::Number(number) => push_number(number, out),
        }
    }
    if let Some((key, session)) = session {
        push_key(first, key, out);
        push_number(session, out);
    }
    if let Some(key) = body_key.filter(|_| !body.is_empty()) {
        push_key(first, key, out);
        out.extend_from_slice(body);
    }
    if !fields.is_empty() {
        comma(first, out);
        out.extend_from_slice(fields);
    }
    out.push(b'}');
    Ok(())
}

fn comma(first: usize, out: &mut Vec<u8>) {
    if out.len() > first {
        out.push(b',');
    }
}

fn push_key(first: usize, key: &str, out: &mut Vec<u8>) {
    comma(first, out);
    push_text(key, out);
    out.push(b':');
}

/// Writing to a vector does not fail.
fn push_text(text: &str, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, text);
}

fn push_number(number: i64, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, &number);
}

struct Object<'k>(&'k Keys);

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Outline<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline<'de>, A::Error> {
        let mut outline = Outline::default();
        while let Some(key) = map.next_key_seed(KeySeed(self.0))? {
            let value: &'de str = map.next_value::<&'de RawValue>()?.get();
            match key {
                Key::Name => outline.name = name(value),
                Key::Session => outline.session = value.parse().ok(),
                Key::Body => outline.body = Some(value.as_bytes()),
                Key::Code => outline.code = code(value),
                Key::Other => {}
            }
        }
        Ok(outline)
    }
}

struct KeySeed<'k>(&'k Keys);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(self.0.which(key))
    }
}

/// A name is a string or a whole number; anything else is none.
fn name(value: &str) -> Option<Name<'_>> {
    let Some(text) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.parse().ok().map(Name::Number);
    };
    if !text.contains('\\') {
        return Some(Name::Text(text));
    }
    let meant: Cow<'_, str> = serde_json::from_str(value).ok()?;
    Some(Name::Escaped(meant.into_owned(), text))
}

fn code(value: &str) -> Option<i64> {
    match value {
        "true" => Some(1),
        "false" => Some(0),
        number => number.parse().ok(),
    }
}
