//! A [`Value`] as what a decoder builds.

use std::collections::HashMap;

use crate::decode::DecodeError;
use crate::schema::{Field, FieldType, Repeat, Schema, TypeDef};
use crate::sink::Sink;
use crate::value::Value;

/// The most elements that are made room for before they come.
const ROOM: usize = 1024;

/// Builds a [`Value`].
#[derive(Debug)]
pub struct ValueSink<'s> {
    schema: &'s Schema,
    open: Vec<Value>,
    finished: Vec<Value>,
}

impl<'s> ValueSink<'s> {
    /// A sink for one message of a type of `schema`.
    #[must_use]
    pub fn new(schema: &'s Schema) -> ValueSink<'s> {
        ValueSink { schema, open: Vec::new(), finished: Vec::new() }
    }

    /// The message, if one was decoded.
    #[must_use]
    pub fn finish(mut self) -> Option<Value> {
        self.finished.pop()
    }

    fn value(&mut self, value: Value) {
        self.finished.push(value);
    }

    fn close(&mut self) {
        self.finished.extend(self.open.pop());
    }

    fn key_of(&self, field: &Field, entry: &Value) -> Option<Value> {
        let (Repeat::MapByKey { key }, FieldType::Struct(id)) = (field.repeat, field.ty) else { return None };
        let key = self.schema.type_def(id).fields.get(usize::from(key))?;
        entry.field(&key.name).cloned()
    }
}

impl Sink for ValueSink<'_> {
    type Error = DecodeError;

    fn begin_struct(&mut self, _ty: &TypeDef) -> Result<(), DecodeError> {
        self.open.push(Value::Struct(Vec::new()));
        Ok(())
    }

    fn end_struct(&mut self) -> Result<(), DecodeError> {
        self.close();
        Ok(())
    }

    fn begin_array(&mut self, _field: &Field, count: usize) -> Result<(), DecodeError> {
        self.open.push(Value::Array(Vec::with_capacity(count.min(ROOM))));
        Ok(())
    }

    fn end_array(&mut self) -> Result<(), DecodeError> {
        self.close();
        Ok(())
    }

    fn begin_map(&mut self, _field: &Field) -> Result<(), DecodeError> {
        self.open.push(Value::Map(Vec::new()));
        Ok(())
    }

    fn end_map(&mut self) -> Result<(), DecodeError> {
        if let Some(Value::Map(entries)) = self.open.pop() {
            self.value(Value::Map(last_of_each(entries)));
        }
        Ok(())
    }

    fn integer(&mut self, value: i64) -> Result<(), DecodeError> {
        self.value(Value::Integer(value));
        Ok(())
    }

    fn double(&mut self, value: f64) -> Result<(), DecodeError> {
        self.value(Value::Double(value));
        Ok(())
    }

    fn boolean(&mut self, value: bool) -> Result<(), DecodeError> {
        self.value(Value::Boolean(value));
        Ok(())
    }

    fn string(&mut self, value: &[u8]) -> Result<(), DecodeError> {
        self.value(Value::String(value.to_vec()));
        Ok(())
    }

    fn binary(&mut self, value: &[u8]) -> Result<(), DecodeError> {
        self.value(Value::Binary(value.to_vec()));
        Ok(())
    }

    fn set_field(&mut self, field: &Field) -> Result<(), DecodeError> {
        if let (Some(value), Some(Value::Struct(fields))) = (self.finished.pop(), self.open.last_mut()) {
            fields.push((field.name.clone(), value));
        }
        Ok(())
    }

    fn push_element(&mut self, _index: usize) -> Result<(), DecodeError> {
        if let (Some(value), Some(Value::Array(elements))) = (self.finished.pop(), self.open.last_mut()) {
            elements.push(value);
        }
        Ok(())
    }

    fn set_entry(&mut self, field: &Field) -> Result<(), DecodeError> {
        let Some(value) = self.finished.pop() else { return Ok(()) };
        let key = match field.repeat {
            Repeat::MapPair { .. } => self.finished.pop(),
            _ => self.key_of(field, &value),
        };
        if let (Some(key), Some(Value::Map(entries))) = (key, self.open.last_mut()) {
            entries.push((key, value));
        }
        Ok(())
    }
}

/// Of entries with equal keys the last one, in the place of the first.
fn last_of_each(entries: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut places = HashMap::with_capacity(entries.len());
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match places.get(&key_bytes(&key)) {
            Some(place) => {
                let place: &usize = place;
                kept[*place].1 = value;
            }
            None => {
                places.insert(key_bytes(&key), kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}

/// All keys of a map are of one type, so their bytes tell them apart.
fn key_bytes(key: &Value) -> Vec<u8> {
    match key {
        Value::Integer(value) => value.to_le_bytes().to_vec(),
        Value::Double(value) => value.to_bits().to_le_bytes().to_vec(),
        Value::Boolean(value) => vec![u8::from(*value)],
        Value::String(bytes) | Value::Binary(bytes) => bytes.clone(),
        Value::Struct(_) | Value::Array(_) | Value::Map(_) => Vec::new(),
    }
}
