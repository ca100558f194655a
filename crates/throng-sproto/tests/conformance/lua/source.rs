//! A Lua value as what an encoder pulls from, as strict as this library's own sources.

use throng_sproto::{EncodeError, Field, Place, Source};

use crate::lua::Lua;

/// The first double above every integer.
const LIMIT: f64 = 9_223_372_036_854_775_808.0;

pub(crate) struct TableSource {
    /// The current value on top.
    stack: Vec<Lua>,
    /// Entries of the maps that are walked, and how many of them were opened.
    walks: Vec<(Vec<(Lua, Lua)>, usize)>,
}

impl TableSource {
    pub(crate) fn new(value: Lua) -> TableSource {
        TableSource { stack: vec![value], walks: Vec::new() }
    }

    fn current(&self) -> &Lua {
        self.stack.last().expect("something is current")
    }

    fn enter(&mut self, value: Lua) -> bool {
        let is_there = value.is_some();
        if is_there {
            self.stack.push(value);
        }
        is_there
    }

    fn not(&self, wanted: &'static str) -> EncodeError {
        EncodeError::wrong_type(wanted, self.current().kind())
    }

    fn entry(&self) -> (Lua, Lua) {
        let (entries, opened) = self.walks.last().expect("a map is walked");
        entries[opened - 1].clone()
    }
}

impl Source for TableSource {
    type Error = EncodeError;

    fn enter_field(&mut self, field: &Field) -> Result<bool, EncodeError> {
        let value = self.current().index(&Lua::text(&*field.name));
        Ok(self.enter(value))
    }

    fn enter_element(&mut self, index: usize) -> Result<bool, EncodeError> {
        let value = self.current().index(&Lua::Integer(index as i64 + 1));
        Ok(self.enter(value))
    }

    fn next_entry(&mut self, first: bool) -> Result<bool, EncodeError> {
        if first {
            let Lua::Table(table) = self.current() else { return Err(self.not("a table")) };
            let entries = table.borrow().clone();
            self.walks.push((entries, 0));
        }
        let (entries, opened) = self.walks.last_mut().expect("a map is walked");
        *opened += 1;
        Ok(*opened <= entries.len())
    }

    fn enter_entry_key(&mut self) -> Result<(), EncodeError> {
        self.stack.push(self.entry().0);
        Ok(())
    }

    fn enter_entry_value(&mut self) -> Result<(), EncodeError> {
        self.stack.push(self.entry().1);
        Ok(())
    }

    fn leave(&mut self) {
        self.stack.pop();
    }

    fn leave_entries(&mut self) {
        self.walks.pop();
    }

    fn integer(&mut self) -> Result<i64, EncodeError> {
        match self.current() {
            Lua::Integer(value) => Ok(*value),
            Lua::Float(value) if value.fract() == 0.0 && (-LIMIT..LIMIT).contains(value) => Ok(*value as i64),
            _ => Err(self.not("an integer")),
        }
    }

    fn double(&mut self) -> Result<f64, EncodeError> {
        self.current().float().map_err(|_| self.not("a number"))
    }

    fn boolean(&mut self) -> Result<bool, EncodeError> {
        match self.current() {
            Lua::Boolean(value) => Ok(*value),
            _ => Err(self.not("a boolean")),
        }
    }

    fn bytes(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self.current() {
            Lua::Text(text) => {
                out.extend_from_slice(text);
                Ok(())
            }
            _ => Err(self.not("a string")),
        }
    }

    fn expect_struct(&mut self) -> Result<(), EncodeError> {
        match self.current() {
            Lua::Table(_) => Ok(()),
            _ => Err(self.not("a table")),
        }
    }

    fn expect_array(&mut self) -> Result<(), EncodeError> {
        self.expect_struct()
    }

    fn locate(error: EncodeError, place: &Place<'_>) -> EncodeError {
        error.at(place)
    }
}
