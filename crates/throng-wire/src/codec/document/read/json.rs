//! JSON, read.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::Build;

/// Builds what a document says; of two equal keys the last counts. More than 127 levels are refused.
pub(super) fn build(document: &[u8], build: &mut impl Build) -> Result<(), String> {
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    let built = Any(build).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    built.map_err(|error| error.to_string())
}

/// Whether no more levels than `depth` are open at once.
pub(super) fn nests_within(document: &[u8], depth: u32) -> bool {
    let (mut open, mut text, mut escaped) = (0_u32, false, false);
    for byte in document {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' if text => escaped = true,
            b'"' => text = !text,
            _ if text => {}
            b'[' | b'{' => open = open.saturating_add(1),
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > depth {
            return false;
        }
    }
    true
}

/// A value.
struct Any<'b, B>(&'b mut B);

impl<'de, B: Build> DeserializeSeed<'de> for Any<'_, B> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, B: Build> Visitor<'de> for Any<'_, B> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.null().map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.boolean(value).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.0.integer(value).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.0.integer(value),
            Err(_) => self.0.number(value as f64),
        }
        .map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.0.number(value).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.0.text(value.as_bytes()).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let build = self.0;
        build.open().map_err(A::Error::custom)?;
        let mut count = 0;
        while elements.next_element_seed(Any(&mut *build))?.is_some() {
            count += 1;
            build.element(count).map_err(A::Error::custom)?;
        }
        build.close_list(count).map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let build = self.0;
        build.open().map_err(A::Error::custom)?;
        while entries.next_key_seed(Any(&mut *build))?.is_some() {
            entries.next_value_seed(Any(&mut *build))?;
            build.entry().map_err(A::Error::custom)?;
        }
        Ok(())
    }
}
