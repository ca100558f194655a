//! A [`Value`] as what a decoder builds.

use std::collections::HashMap;

use crate::decode::DecodeError;
use crate::schema::{EnumDef, EnumValue, Field, MessageDef};
use crate::sink::Sink;
use crate::value::Value;

/// The most elements that are made room for before they come.
const ROOM: usize = 1024;

/// Builds a [`Value`].
#[derive(Debug, Default)]
pub struct ValueSink {
    open: Vec<Value>,
    finished: Vec<Value>,
}

impl ValueSink {
    /// The message, if one was decoded.
    #[must_use]
    pub fn finish(mut self) -> Option<Value> {
        let mut message = self.finished.pop()?;
        settle(&mut message);
        Some(message)
    }

    fn value(&mut self, value: Value) -> Result<(), DecodeError> {
        self.finished.push(value);
        Ok(())
    }

    fn close(&mut self) -> Result<(), DecodeError> {
        self.finished.extend(self.open.pop());
        Ok(())
    }

    fn place(&mut self, name: &str) -> Option<&mut Value> {
        let Some(Value::Message(fields)) = self.open.last_mut() else { return None };
        fields.iter_mut().find(|(field, _)| **field == *name).map(|(_, value)| value)
    }
}

impl Sink for ValueSink {
    type Error = DecodeError;

    fn begin_message(&mut self, _ty: &MessageDef) -> Result<(), DecodeError> {
        self.open.push(Value::Message(Vec::new()));
        Ok(())
    }

    fn end_message(&mut self) -> Result<(), DecodeError> {
        self.close()
    }

    fn begin_array(&mut self, _field: &Field, count: usize) -> Result<(), DecodeError> {
        self.open.push(Value::Array(Vec::with_capacity(count.min(ROOM))));
        Ok(())
    }

    fn end_array(&mut self) -> Result<(), DecodeError> {
        self.close()
    }

    fn begin_map(&mut self, _field: &Field) -> Result<(), DecodeError> {
        self.open.push(Value::Map(Vec::new()));
        Ok(())
    }

    fn end_map(&mut self) -> Result<(), DecodeError> {
        self.close()
    }

    fn resume(&mut self, field: &Field) -> Result<Option<usize>, DecodeError> {
        let Some(place) = self.place(&field.name) else { return Ok(None) };
        // It comes back to its place when it is set.
        let value = std::mem::replace(place, Value::Boolean(false));
        let count = match &value {
            Value::Array(elements) => elements.len(),
            _ => 0,
        };
        self.open.push(value);
        Ok(Some(count))
    }

    fn integer(&mut self, value: i64) -> Result<(), DecodeError> {
        self.value(Value::Integer(value))
    }

    fn unsigned(&mut self, value: u64) -> Result<(), DecodeError> {
        self.value(Value::Unsigned(value))
    }

    fn double(&mut self, value: f64) -> Result<(), DecodeError> {
        self.value(Value::Double(value))
    }

    fn boolean(&mut self, value: bool) -> Result<(), DecodeError> {
        self.value(Value::Boolean(value))
    }

    fn enumeration(
        &mut self,
        _ty: &EnumDef,
        number: i32,
        value: Option<&EnumValue>,
    ) -> Result<(), DecodeError> {
        self.value(match value {
            Some(value) => Value::Enum(value.name.clone()),
            None => Value::Integer(number.into()),
        })
    }

    fn string(&mut self, value: &[u8]) -> Result<(), DecodeError> {
        self.value(Value::String(value.to_vec()))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<(), DecodeError> {
        self.value(Value::Bytes(value.to_vec()))
    }

    fn set_field(&mut self, field: &Field) -> Result<(), DecodeError> {
        let Some(value) = self.finished.pop() else { return Ok(()) };
        if let Some(place) = self.place(&field.name) {
            *place = value;
        } else if let Some(Value::Message(fields)) = self.open.last_mut() {
            fields.push((field.name.clone(), value));
        }
        Ok(())
    }

    fn clear_field(&mut self, field: &Field) -> Result<(), DecodeError> {
        if let Some(Value::Message(fields)) = self.open.last_mut() {
            fields.retain(|(name, _)| *name != field.name);
        }
        Ok(())
    }

    fn push_element(&mut self, _index: usize) -> Result<(), DecodeError> {
        if let (Some(value), Some(Value::Array(elements))) = (self.finished.pop(), self.open.last_mut()) {
            elements.push(value);
        }
        Ok(())
    }

    fn set_entry(&mut self, _field: &Field) -> Result<(), DecodeError> {
        let (value, key) = (self.finished.pop(), self.finished.pop());
        if let (Some(key), Some(value), Some(Value::Map(entries))) = (key, value, self.open.last_mut()) {
            entries.push((key, value));
        }
        Ok(())
    }
}

/// Keeps of equal keys the last one, in the place of the first; once for all maps, as a map may come in many parts.
fn settle(value: &mut Value) {
    match value {
        Value::Message(fields) => fields.iter_mut().for_each(|(_, value)| settle(value)),
        Value::Array(elements) => elements.iter_mut().for_each(settle),
        Value::Map(entries) => {
            *entries = last_of_each(std::mem::take(entries));
            entries.iter_mut().for_each(|(_, value)| settle(value));
        }
        _ => {}
    }
}

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
        Value::Unsigned(value) => value.to_le_bytes().to_vec(),
        Value::Boolean(value) => vec![u8::from(*value)],
        Value::String(bytes) | Value::Bytes(bytes) => bytes.clone(),
        _ => Vec::new(),
    }
}
