//! What an encoder pulls a message from.

use std::fmt;

use crate::encode::EncodeError;
use crate::schema::{EnumDef, Field, MessageDef};

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

    /// The current value as a signed integer.
    ///
    /// # Errors
    /// When it is none.
    fn integer(&mut self) -> Result<i64, Self::Error>;

    /// The current value as an unsigned integer. A tree with signed integers only gives its 64 bits as they are.
    ///
    /// # Errors
    /// When it is none.
    fn unsigned(&mut self) -> Result<u64, Self::Error>;

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

    /// The current value as a number of `ty`: a name of it (see [`EnumDef::number_of`]) or any number.
    ///
    /// # Errors
    /// When it is neither.
    fn enumeration(&mut self, ty: &EnumDef) -> Result<i32, Self::Error>;

    /// Appends the current string or bytes to `out`.
    ///
    /// # Errors
    /// When it is neither.
    fn bytes(&mut self, out: &mut Vec<u8>) -> Result<(), Self::Error>;

    /// Refuses a current value that has no fields.
    ///
    /// # Errors
    /// When it is no message.
    fn expect_message(&mut self) -> Result<(), Self::Error>;

    /// Refuses a current value that has no elements.
    ///
    /// # Errors
    /// When it is no array.
    fn expect_array(&mut self) -> Result<(), Self::Error>;

    /// Refuses a current value that has no entries.
    ///
    /// # Errors
    /// When it is no map.
    fn expect_map(&mut self) -> Result<(), Self::Error>;

    /// Adds the place of a refused value to an error of this source; the encoder calls it on the way out.
    /// An implementation hands `place` to [`EncodeError::at`] where its error holds one.
    #[must_use]
    fn locate(error: Self::Error, _place: &Place<'_>) -> Self::Error {
        error
    }
}

/// Where in a message a value stands; shown as `Message`, `Message.field` or `Message.field[index]` with the index from 1.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The innermost message's type.
    pub message: &'a MessageDef,
    /// The field of it; none when the message itself is meant.
    pub field: Option<&'a Field>,
    /// The element of an array or the how-manieth entry of a map, from 0.
    pub index: Option<usize>,
}

impl<'a> Place<'a> {
    #[inline(always)]
    pub(crate) fn message(message: &'a MessageDef) -> Self {
        Place { message, field: None, index: None }
    }

    #[inline(always)]
    pub(crate) fn field(message: &'a MessageDef, field: &'a Field) -> Self {
        Place { message, field: Some(field), index: None }
    }

    #[inline(always)]
    pub(crate) fn element(self, index: usize) -> Self {
        Place { index: Some(index), ..self }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message.name)?;
        if let Some(field) = self.field {
            write!(f, ".{}", field.name)?;
        }
        match self.index {
            Some(index) => write!(f, "[{}]", index + 1),
            None => Ok(()),
        }
    }
}
