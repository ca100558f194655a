//! Values that a script gives to fields of a message that it sends.

use super::{Ends, Role, Side, Slot};
use crate::framing::FieldType;
use crate::framing::header::LENGTH;

/// A field of a header or trailer with the value that one message has in it.
///
/// Made by [`Protocol::given`](crate::Protocol::given), for the protocol that is spoken with that message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenField {
    /// Its place among the fields of what is sent, the trailer's behind the header's.
    pub(super) place: usize,
    pub(super) value: i64,
}

/// A field that cannot be given a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GivenError {
    /// What is sent has no such field.
    #[error("what is sent has no field `{name}` in its header or trailer")]
    NoField {
        /// The name.
        name: String,
        /// The fields that a script may give values to.
        candidates: Vec<String>,
    },
    /// The protocol fills it.
    #[error("`{name}` is {role}, which the protocol fills")]
    Filled {
        /// The field's name.
        name: String,
        /// What it is.
        role: &'static str,
    },
    /// The value does not fit.
    #[error("{value} does not fit `{name}`, which is {ty}")]
    Range {
        /// The field's name.
        name: String,
        /// The value.
        value: i64,
        /// The field's type.
        ty: FieldType,
    },
    /// The value has bits that say something else.
    #[error("the bits {flag:#x} of `{name}` say that the body is compressed")]
    Flag {
        /// The field's name.
        name: String,
        /// The bits.
        flag: i64,
    },
}

impl Ends {
    /// The field of what is sent that is called `name`, with a value.
    pub(crate) fn given(&self, name: &str, value: i64) -> Result<GivenField, GivenError> {
        let found = self.sent.slots().enumerate().find(|(_, slot)| &*slot.name == name && name != "_");
        let Some((place, slot)) = found else {
            let candidates = self.givable().map(str::to_owned).collect();
            return Err(GivenError::NoField { name: name.to_owned(), candidates });
        };
        let name = || name.to_owned();
        if let Some(role) = slot.filled() {
            return Err(GivenError::Filled { name: name(), role });
        }
        if !slot.ty.holds(value) {
            return Err(GivenError::Range { name: name(), value, ty: slot.ty });
        }
        if value & slot.flag != 0 {
            return Err(GivenError::Flag { name: name(), flag: slot.flag });
        }
        Ok(GivenField { place, value })
    }

    /// The fields of what is sent that may be given values.
    pub(crate) fn givable(&self) -> impl Iterator<Item = &str> {
        self.sent.slots().filter(|slot| slot.filled().is_none()).map(|slot| &*slot.name)
    }
}

impl Side {
    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.header.iter().chain(&self.trailer)
    }
}

impl Slot {
    /// What the protocol itself fills it with.
    fn filled(&self) -> Option<&'static str> {
        match self.role {
            Role::Constant(_) => Some("a constant"),
            Role::Id => Some("the message's number"),
            Role::Session => Some("the session"),
            Role::Plain if &*self.name == LENGTH => Some("the length"),
            Role::Plain if &*self.name == "_" => Some("padding"),
            Role::Plain => None,
        }
    }
}

/// The value of the plain field at `place`: 0 where none was given.
#[inline]
pub(super) fn value_at(given: &[GivenField], place: usize) -> i64 {
    // The last of a name counts.
    given.iter().rev().find(|field| field.place == place).map_or(0, |field| field.value)
}
