//! What an encoder pulls a message from.

use std::fmt;

use crate::encode::EncodeError;
use crate::schema::{Field, TypeDef};

/// A cursor over a tree (a Lua table, a [`Value`](crate::Value), JSON) that an encoder walks.
///
/// One value is current; at first the whole message is. The `enter_` methods make a part of it current and
/// [`leave`](Source::leave) goes back. After an error the cursor is not moved back: drop the source.
pub trait Source {
    /// What this source fails with; encoder errors are turned into it.
    type Error: From<EncodeError>;

    /// Makes the value of `field` current. `false`: the field is absent and nothing was entered.
    ///
    /// # Errors
    /// When the field cannot be read.
    fn enter_field(&mut self, field: &Field) -> Result<bool, Self::Error>;

    /// Makes the element at `index` (from 0) of the current array current. `false`: past the end.
    ///
    /// # Errors
    /// When the element cannot be read.
    fn enter_element(&mut self, index: usize) -> Result<bool, Self::Error>;

    /// Opens the next entry of the current map, the first one if `first`. `false`: there are no more.
    ///
    /// # Errors
    /// When the map cannot be walked.
    fn next_entry(&mut self, first: bool) -> Result<bool, Self::Error>;

    /// Makes the open entry's key current.
    ///
    /// # Errors
    /// When the key cannot be read.
    fn enter_entry_key(&mut self) -> Result<(), Self::Error>;

    /// Makes the open entry's value current.
    ///
    /// # Errors
    /// When the value cannot be read.
    fn enter_entry_value(&mut self) -> Result<(), Self::Error>;

    /// Goes back from the field, element, entry key or entry value that was entered last.
    fn leave(&mut self);

    /// Ends the walk over the current map's entries.
    fn leave_entries(&mut self);

    /// The current value as an integer.
    ///
    /// # Errors
    /// When it is none.
    fn integer(&mut self) -> Result<i64, Self::Error>;

    /// The current value as a double; an integer is converted.
    ///
    /// # Errors
    /// When it is no number.
    fn double(&mut self) -> Result<f64, Self::Error>;

    /// The current value as a boolean.
    ///
    /// # Errors
    /// When it is none.
    fn boolean(&mut self) -> Result<bool, Self::Error>;

    /// Appends the bytes of the current string or binary to `out`.
    ///
    /// # Errors
    /// When it is neither.
    fn bytes(&mut self, out: &mut Vec<u8>) -> Result<(), Self::Error>;

    /// Refuses a current value that has no fields.
    ///
    /// # Errors
    /// When it is no struct.
    fn expect_struct(&mut self) -> Result<(), Self::Error>;

    /// Refuses a current value that has neither elements nor entries.
    ///
    /// # Errors
    /// When it is neither an array nor a map.
    fn expect_array(&mut self) -> Result<(), Self::Error>;

    /// Adds the place of a refused value to an error of this source; the encoder calls it on the way out.
    /// An implementation hands `place` to [`EncodeError::at`] where its error holds one.
    #[must_use]
    fn locate(error: Self::Error, _place: &Place<'_>) -> Self::Error {
        error
    }
}

/// Where in a message a value stands; shown as `Type`, `Type.field` or `Type.field[index]` with the index from 1.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The innermost struct's type.
    pub ty: &'a TypeDef,
    /// The field of it; none when the struct itself is meant.
    pub field: Option<&'a Field>,
    /// The element of an array or the how-manieth entry of a map, from 0.
    pub index: Option<usize>,
}

impl<'a> Place<'a> {
    pub(crate) fn message(ty: &'a TypeDef) -> Self {
        Place { ty, field: None, index: None }
    }

    pub(crate) fn field(ty: &'a TypeDef, field: &'a Field) -> Self {
        Place { ty, field: Some(field), index: None }
    }

    pub(crate) fn element(self, index: usize) -> Self {
        Place { index: Some(index), ..self }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ty.name)?;
        if let Some(field) = self.field {
            write!(f, ".{}", field.name)?;
        }
        match self.index {
            Some(index) => write!(f, "[{}]", index + 1),
            None => Ok(()),
        }
    }
}
