//! JSON as a Sproto message: binaries are base64, keys of maps strings, and null is the same as absence.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use throng_sproto::{Field, FieldType, MAX_DEPTH, Repeat, Schema, TypeId, Value};

use super::did_you_mean;
use crate::config::nearest;

/// Why JSON is no message; shown with its place, as in `$.units[2]`.
#[derive(Debug, thiserror::Error)]
pub(super) enum JsonError {
    #[error("{place}: message `{message}` has no field `{field}`{hint}")]
    NoField { place: String, message: String, field: String, hint: String },
    #[error("{place}: {found} is not {wanted}")]
    WrongType { place: String, found: String, wanted: &'static str },
    #[error("the message nests more than {MAX_DEPTH} structs")]
    TooDeep,
}

/// The message of type `ty` that `json` is.
pub(super) fn message(schema: &Schema, ty: TypeId, json: &Json) -> Result<Value, JsonError> {
    Reader { schema }.structure(ty, json, "$", 1)
}

struct Reader<'a> {
    schema: &'a Schema,
}

impl Reader<'_> {
    fn structure(&self, id: TypeId, json: &Json, place: &str, depth: u32) -> Result<Value, JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        let ty = self.schema.type_def(id);
        let object = json.as_object().ok_or_else(|| wrong(place, json, "an object"))?;
        let mut fields = Vec::with_capacity(object.len());
        for (name, json) in object {
            let field = ty.field(name).ok_or_else(|| JsonError::NoField {
                place: place.to_owned(),
                message: ty.name.to_string(),
                field: name.clone(),
                hint: did_you_mean(nearest(name, ty.fields.iter().map(|field| &*field.name))),
            })?;
            if !json.is_null() {
                fields
                    .push((field.name.clone(), self.field(field, json, &format!("{place}.{name}"), depth)?));
            }
        }
        Ok(Value::Struct(fields))
    }

    fn field(&self, field: &Field, json: &Json, place: &str, depth: u32) -> Result<Value, JsonError> {
        match (field.repeat, field.ty) {
            (Repeat::One, ty) => self.value(ty, json, place, depth),
            (Repeat::MapByKey { key }, FieldType::Struct(id)) => self.by_key(id, key, json, place, depth),
            (Repeat::MapPair { key, value }, FieldType::Struct(id)) => {
                self.pairs(id, (key, value), json, place, depth)
            }
            (_, ty) => {
                let elements = json.as_array().ok_or_else(|| wrong(place, json, "an array"))?;
                let read = |(index, json)| self.value(ty, json, &format!("{place}[{index}]"), depth);
                Ok(Value::Array(elements.iter().enumerate().map(read).collect::<Result<_, _>>()?))
            }
        }
    }

    /// Structs kept by a field of theirs, as an array, or as an object whose keys stand for that field.
    fn by_key(&self, id: TypeId, key: u16, json: &Json, place: &str, depth: u32) -> Result<Value, JsonError> {
        let Some(field) = self.schema.type_def(id).fields.get(usize::from(key)) else {
            return Err(wrong(place, json, "a map that can be written"));
        };
        let mut entries = Vec::new();
        match json {
            Json::Array(elements) => {
                for (index, json) in elements.iter().enumerate() {
                    let place = format!("{place}[{index}]");
                    let value = self.structure(id, json, &place, depth + 1)?;
                    let key = value.field(&field.name).cloned();
                    let key = key.ok_or_else(|| wrong(&place, json, "an entry with its key"))?;
                    entries.push((key, value));
                }
            }
            Json::Object(object) => {
                for (name, json) in object {
                    let place = format!("{place}.{name}");
                    let mut value = self.structure(id, json, &place, depth + 1)?;
                    let key = key_value(field, name, &place)?;
                    let has_key = value.field(&field.name).is_some();
                    if let (false, Value::Struct(fields)) = (has_key, &mut value) {
                        fields.push((field.name.clone(), key.clone()));
                    }
                    entries.push((key, value));
                }
            }
            _ => return Err(wrong(place, json, "an object, or an array of structs")),
        }
        Ok(Value::Map(entries))
    }

    fn pairs(
        &self,
        id: TypeId,
        (key, value): (u16, u16),
        json: &Json,
        place: &str,
        depth: u32,
    ) -> Result<Value, JsonError> {
        let fields = &self.schema.type_def(id).fields;
        let (Some(key), Some(value)) = (fields.get(usize::from(key)), fields.get(usize::from(value))) else {
            return Err(wrong(place, json, "a map that can be written"));
        };
        let object = json.as_object().ok_or_else(|| wrong(place, json, "an object"))?;
        let read = |(name, json): (&String, &Json)| {
            let place = format!("{place}.{name}");
            Ok((key_value(key, name, &place)?, self.field(value, json, &place, depth + 1)?))
        };
        Ok(Value::Map(object.iter().map(read).collect::<Result<_, _>>()?))
    }

    fn value(&self, ty: FieldType, json: &Json, place: &str, depth: u32) -> Result<Value, JsonError> {
        let refused = |wanted| wrong(place, json, wanted);
        match ty {
            FieldType::Struct(id) => self.structure(id, json, place, depth + 1),
            FieldType::Boolean => json.as_bool().map(Value::Boolean).ok_or_else(|| refused("true or false")),
            FieldType::String => json.as_str().map(Value::from).ok_or_else(|| refused("a string")),
            FieldType::Binary => {
                let bytes = json.as_str().and_then(|text| STANDARD.decode(text).ok());
                bytes.map(Value::Binary).ok_or_else(|| refused("bytes in base64"))
            }
            FieldType::Integer => match json {
                Json::Number(number) => number.as_i64(),
                Json::String(text) => text.parse().ok(),
                _ => None,
            }
            .map(Value::Integer)
            .ok_or_else(|| refused("an integer of 64 bits")),
            FieldType::Double | FieldType::Fixed { .. } => {
                json.as_f64().map(Value::Double).ok_or_else(|| refused("a number"))
            }
        }
    }
}

fn key_value(field: &Field, name: &str, place: &str) -> Result<Value, JsonError> {
    let (value, wanted) = match field.ty {
        FieldType::Integer => (name.parse().ok().map(Value::Integer), "an integer"),
        FieldType::Double | FieldType::Fixed { .. } => (name.parse().ok().map(Value::Double), "a number"),
        FieldType::Boolean => (name.parse().ok().map(Value::Boolean), "true or false"),
        FieldType::String => (Some(Value::from(name)), "a string"),
        FieldType::Binary => (STANDARD.decode(name).ok().map(Value::Binary), "bytes in base64"),
        FieldType::Struct(_) => (None, "a key that a name can stand for"),
    };
    value.ok_or_else(|| JsonError::WrongType { place: place.to_owned(), found: quoted(name), wanted })
}

fn wrong(place: &str, json: &Json, wanted: &'static str) -> JsonError {
    let found = match json {
        Json::Array(_) => "an array".to_owned(),
        Json::Object(_) => "an object".to_owned(),
        Json::String(text) => quoted(text),
        other => other.to_string(),
    };
    JsonError::WrongType { place: place.to_owned(), found, wanted }
}

/// A text as an error shows it: not all of it.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}
