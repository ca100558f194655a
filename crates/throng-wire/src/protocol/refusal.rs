//! The field of a Sproto reply that says no, found without building anything.

use throng_sproto::{DecodeError, Field, Schema, Sink, TypeDef, TypeId, decode};

use crate::reply::Comparison;

/// Which field of a reply's body says no, and when.
#[derive(Debug)]
pub(super) struct BodyRefusal {
    pub(super) field: Box<str>,
    pub(super) refused: Comparison,
}

impl BodyRefusal {
    /// The code with which a body says no. A body that cannot be decoded says nothing: whoever wants it will find out.
    pub(super) fn code(&self, schema: &Schema, ty: TypeId, body: &[u8]) -> Option<i64> {
        let mut finder = Finder { wanted: &self.field, depth: 0, last: None, found: None };
        decode(schema, ty, body, &mut finder).ok()?;
        finder.found.filter(|code| self.refused.holds(*code))
    }
}

/// Remembers a whole number of the outermost structure.
struct Finder<'f> {
    wanted: &'f str,
    depth: u32,
    last: Option<i64>,
    found: Option<i64>,
}

impl Finder<'_> {
    fn open(&mut self) -> Result<(), DecodeError> {
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), DecodeError> {
        self.depth -= 1;
        self.value(None)
    }

    fn value(&mut self, value: Option<i64>) -> Result<(), DecodeError> {
        self.last = value;
        Ok(())
    }
}

impl Sink for Finder<'_> {
    type Error = DecodeError;

    fn begin_struct(&mut self, _: &TypeDef, _: usize) -> Result<(), DecodeError> {
        self.open()
    }

    fn end_struct(&mut self) -> Result<(), DecodeError> {
        self.close()
    }

    fn begin_array(&mut self, _: &Field, _: usize) -> Result<(), DecodeError> {
        self.open()
    }

    fn end_array(&mut self) -> Result<(), DecodeError> {
        self.close()
    }

    fn begin_map(&mut self, _: &Field, _: usize) -> Result<(), DecodeError> {
        self.open()
    }

    fn end_map(&mut self) -> Result<(), DecodeError> {
        self.close()
    }

    fn integer(&mut self, value: i64) -> Result<(), DecodeError> {
        self.value(Some(value))
    }

    fn double(&mut self, _: f64) -> Result<(), DecodeError> {
        self.value(None)
    }

    fn boolean(&mut self, value: bool) -> Result<(), DecodeError> {
        self.value(Some(i64::from(value)))
    }

    fn string(&mut self, _: &[u8]) -> Result<(), DecodeError> {
        self.value(None)
    }

    fn binary(&mut self, _: &[u8]) -> Result<(), DecodeError> {
        self.value(None)
    }

    fn set_field(&mut self, field: &Field) -> Result<(), DecodeError> {
        if self.depth == 1 && *field.name == *self.wanted {
            self.found = self.last;
        }
        self.value(None)
    }

    fn push_element(&mut self, _: usize) -> Result<(), DecodeError> {
        self.value(None)
    }

    fn set_entry(&mut self, _: &Field) -> Result<(), DecodeError> {
        self.value(None)
    }
}
