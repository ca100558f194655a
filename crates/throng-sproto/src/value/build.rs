//! A [`Value`] as what a decoder builds.

use std::collections::HashMap;

use crate::decode::DecodeError;
use crate::schema::{Field, FieldType, Repeat, Schema, TypeDef};
use crate::sink::Sink;
use crate::value::Value;

/// The most elements that are made room for before they come.
const ROOM: usize = 1024;

/// The most fields that are made room for before they come.
const FIELD_ROOM: usize = 8;

/// Up to so many entries of a map are compared with each other; more are hashed.
const COMPARED: usize = 8;

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

    /// Puts a finished value where it belongs at once, as moving it about costs more than making it.
    #[inline]
    fn value(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Value::Struct(fields)) => {
                if let Some((_, place)) = fields.last_mut() {
                    *place = value;
                }
            }
            Some(Value::Array(elements)) => elements.push(value),
            // The parts of a map's entry, or the message itself.
            _ => self.finished.push(value),
        }
    }

    fn close(&mut self) {
        if let Some(value) = self.open.pop() {
            self.value(value);
        }
    }

    fn key_of(&self, field: &Field, entry: &Value) -> Option<Value> {
        let (Repeat::MapByKey { key }, FieldType::Struct(id)) = (field.repeat, field.ty) else { return None };
        let key = self.schema.type_def(id).fields.get(usize::from(key))?;
        entry.field(&key.name).cloned()
    }
}

impl Sink for ValueSink<'_> {
    type Error = DecodeError;

    fn begin_struct(&mut self, _ty: &TypeDef, fields: usize) -> Result<(), DecodeError> {
        self.open.push(Value::Struct(Vec::with_capacity(fields.min(FIELD_ROOM))));
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

    fn begin_map(&mut self, _field: &Field, _count: usize) -> Result<(), DecodeError> {
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

    fn begin_field(&mut self, field: &Field) -> Result<(), DecodeError> {
        if let Some(Value::Struct(fields)) = self.open.last_mut() {
            // The value takes the place of this one.
            fields.push((field.name.clone(), Value::Boolean(false)));
        }
        Ok(())
    }

    fn set_field(&mut self, _field: &Field) -> Result<(), DecodeError> {
        Ok(())
    }

    fn push_element(&mut self, _index: usize) -> Result<(), DecodeError> {
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
    let is_new = |index: usize| entries[..index].iter().all(|(key, _)| !is_same(key, &entries[index].0));
    if entries.len() <= COMPARED && (1..entries.len()).all(is_new) {
        return entries;
    }
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

fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
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
