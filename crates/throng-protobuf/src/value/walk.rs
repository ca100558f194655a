//! A [`Value`] as what an encoder pulls from.

use crate::encode::EncodeError;
use crate::schema::{EnumDef, Field};
use crate::source::{Place, Source};
use crate::value::Value;

/// Walks a [`Value`].
#[derive(Debug)]
pub struct ValueSource<'v> {
    current: Cursor<'v>,
    /// What `leave` goes back to.
    around: Vec<Cursor<'v>>,
}

#[derive(Debug, Clone, Copy)]
struct Cursor<'v> {
    value: &'v Value,
    /// The open entry, if the value is a map that is being walked.
    entry: usize,
}

impl<'v> ValueSource<'v> {
    /// A walk that begins at `value`.
    #[must_use]
    pub fn new(value: &'v Value) -> ValueSource<'v> {
        ValueSource { current: Cursor { value, entry: 0 }, around: Vec::new() }
    }

    fn enter(&mut self, value: Option<&'v Value>) -> bool {
        if let Some(value) = value {
            self.around.push(self.current);
            self.current = Cursor { value, entry: 0 };
        }
        value.is_some()
    }

    fn entry(&self) -> Result<&'v (Value, Value), EncodeError> {
        match self.current.value {
            Value::Map(entries) => {
                entries.get(self.current.entry).ok_or_else(|| self.not("a map with an open entry"))
            }
            _ => Err(self.not("a map")),
        }
    }

    fn not(&self, wanted: &'static str) -> EncodeError {
        EncodeError::wrong_type(wanted, self.current.value.kind())
    }
}

impl Source for ValueSource<'_> {
    type Error = EncodeError;

    fn enter_field(&mut self, field: &Field) -> Result<bool, EncodeError> {
        Ok(self.enter(self.current.value.field(&field.name)))
    }

    fn enter_element(&mut self, index: usize) -> Result<bool, EncodeError> {
        match self.current.value {
            Value::Array(elements) => Ok(self.enter(elements.get(index))),
            _ => Err(self.not("an array")),
        }
    }

    fn next_entry(&mut self, first: bool) -> Result<bool, EncodeError> {
        match self.current.value {
            Value::Map(entries) => {
                self.current.entry = if first { 0 } else { self.current.entry + 1 };
                Ok(self.current.entry < entries.len())
            }
            _ => Err(self.not("a map")),
        }
    }

    fn enter_entry_key(&mut self) -> Result<(), EncodeError> {
        let (key, _) = self.entry()?;
        self.enter(Some(key));
        Ok(())
    }

    fn enter_entry_value(&mut self) -> Result<(), EncodeError> {
        let (_, value) = self.entry()?;
        self.enter(Some(value));
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(around) = self.around.pop() {
            self.current = around;
        }
    }

    fn leave_entries(&mut self) {
        self.current.entry = 0;
    }

    fn integer(&mut self) -> Result<i64, EncodeError> {
        match self.current.value {
            Value::Integer(value) => Ok(*value),
            Value::Unsigned(value) => {
                i64::try_from(*value).map_err(|_| EncodeError::out_of_range(*value, "a 64-bit integer"))
            }
            _ => Err(self.not("an integer")),
        }
    }

    fn unsigned(&mut self) -> Result<u64, EncodeError> {
        match self.current.value {
            Value::Unsigned(value) => Ok(*value),
            Value::Integer(value) => {
                u64::try_from(*value).map_err(|_| EncodeError::out_of_range(*value, "an unsigned integer"))
            }
            _ => Err(self.not("an unsigned integer")),
        }
    }

    fn double(&mut self) -> Result<f64, EncodeError> {
        match self.current.value {
            Value::Double(value) => Ok(*value),
            Value::Integer(value) => Ok(*value as f64),
            Value::Unsigned(value) => Ok(*value as f64),
            _ => Err(self.not("a number")),
        }
    }

    fn boolean(&mut self) -> Result<bool, EncodeError> {
        match self.current.value {
            Value::Boolean(value) => Ok(*value),
            _ => Err(self.not("a boolean")),
        }
    }

    fn enumeration(&mut self, ty: &EnumDef) -> Result<i32, EncodeError> {
        match self.current.value {
            Value::Enum(name) => {
                ty.number_of(name.as_bytes()).ok_or_else(|| EncodeError::unknown_name(ty, name.as_bytes()))
            }
            Value::String(name) => ty.number_of(name).ok_or_else(|| EncodeError::unknown_name(ty, name)),
            Value::Integer(value) => i32::try_from(*value)
                .map_err(|_| EncodeError::out_of_range(*value, "an enum, a 32-bit integer")),
            Value::Unsigned(value) => i32::try_from(*value)
                .map_err(|_| EncodeError::out_of_range(*value, "an enum, a 32-bit integer")),
            _ => Err(self.not("an enum's name or number")),
        }
    }

    fn bytes(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self.current.value {
            Value::String(bytes) | Value::Bytes(bytes) => out.extend_from_slice(bytes),
            _ => return Err(self.not("a string")),
        }
        Ok(())
    }

    fn expect_message(&mut self) -> Result<(), EncodeError> {
        match self.current.value {
            Value::Message(_) => Ok(()),
            _ => Err(self.not("a message")),
        }
    }

    fn expect_array(&mut self) -> Result<(), EncodeError> {
        match self.current.value {
            Value::Array(_) => Ok(()),
            _ => Err(self.not("an array")),
        }
    }

    fn expect_map(&mut self) -> Result<(), EncodeError> {
        match self.current.value {
            Value::Map(_) => Ok(()),
            _ => Err(self.not("a map")),
        }
    }

    fn locate(error: EncodeError, place: &Place<'_>) -> EncodeError {
        error.at(place)
    }
}
