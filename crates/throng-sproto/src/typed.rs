//! Messages as Rust structs, encoded and decoded by code that [`generate`](crate::generate) writes from a schema.
//!
//! A type becomes a struct, `Unit.Pos` becomes `UnitPos`, and each field an `Option`, because an absent field is not
//! a zero. Strings are [`BString`]s, as a game's strings need not be UTF-8. A `*T`, a `*T(key)` and a `*T()` are all a `Vec` of
//! the structs that go on the wire, in the order they go there; of entries with equal keys the last one counts.
//!
//! Decoding into a message that was used before ([`Message::decode_from`]) keeps its strings and lists where they are, and so
//! allocates only what is larger than ever before. Structs may instead be generated with strings that are parts of the bytes
//! they were decoded from ([`Strings::Borrowed`](crate::Strings)): then only lists are allocated, and nothing is copied.

mod read;
mod write;

pub use bstr::{BStr, BString};

use crate::MAX_MESSAGE;
use crate::decode::DecodeError;
use crate::encode::EncodeError;

/// A struct of a schema, whose strings may be those of bytes that live for `'b`. Implemented by generated code only.
pub trait Message<'b>: Default {
    /// The type's full name in the schema.
    const NAME: &'static str;

    /// Checks what can be wrong, and returns how many bytes the message takes at most.
    #[doc(hidden)]
    fn measure(&self, depth: u32) -> Result<usize, Box<EncodeError>>;

    /// Writes the message to the front of `out`, which is as long as was measured, and returns what is left of it.
    #[doc(hidden)]
    fn write<'o>(&self, out: &'o mut [u8]) -> &'o mut [u8];

    /// Takes over the message at the front of `bytes` and returns what follows it.
    #[doc(hidden)]
    fn read(&mut self, bytes: &'b [u8], depth: u32) -> Result<&'b [u8], Box<plumbing::Failure>>;

    /// Appends the message to `out`. On an error `out` is as it was.
    ///
    /// # Errors
    /// A fixed-point number that does not fit, a map entry without its key, a message that is too deep or too large.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let most = self.measure(1).map_err(|error| *error)?;
        out.resize(start + most, 0);
        let unused = self.write(&mut out[start..]).len();
        let end = out.len() - unused;
        if end - start > MAX_MESSAGE {
            out.truncate(start);
            return Err(EncodeError::TooLarge);
        }
        out.truncate(end);
        Ok(())
    }

    /// Decodes the message at the front of `bytes`; what follows it is left alone.
    ///
    /// # Errors
    /// Bytes that are no such message.
    fn decode(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        message.decode_from(bytes)?;
        Ok(message)
    }

    /// Makes this the message at the front of `bytes`, in the memory it has; returns how many bytes were used. After an
    /// error it holds parts of both.
    ///
    /// # Errors
    /// Bytes that are no such message.
    fn decode_from(&mut self, bytes: &'b [u8]) -> Result<usize, DecodeError> {
        match self.read(bytes, 1) {
            Ok(rest) => Ok(bytes.len() - rest.len()),
            Err(failure) => Err(failure.into_error(bytes)),
        }
    }
}

/// A protocol of a schema. Implemented by generated code only.
pub trait Protocol {
    /// Its name.
    const NAME: &'static str;
    /// What stands for it in a package header.
    const TAG: u32;
    /// What is asked; [`Nothing`] if that has no type.
    type Request<'b>: Message<'b>;
    /// What is answered; [`Nothing`] if that has no type.
    type Response<'b>: Message<'b>;
}

/// No message at all: it takes no bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Nothing;

impl<'b> Message<'b> for Nothing {
    const NAME: &'static str = "nothing";

    fn measure(&self, _depth: u32) -> Result<usize, Box<EncodeError>> {
        Ok(0)
    }

    fn write<'o>(&self, out: &'o mut [u8]) -> &'o mut [u8] {
        out
    }

    fn read(&mut self, bytes: &'b [u8], _depth: u32) -> Result<&'b [u8], Box<plumbing::Failure>> {
        Ok(bytes)
    }
}

/// Types that hold themselves do so in a box.
impl<'b, T: Message<'b>> Message<'b> for Box<T> {
    const NAME: &'static str = T::NAME;

    fn measure(&self, depth: u32) -> Result<usize, Box<EncodeError>> {
        T::measure(self, depth)
    }

    fn write<'o>(&self, out: &'o mut [u8]) -> &'o mut [u8] {
        T::write(self, out)
    }

    fn read(&mut self, bytes: &'b [u8], depth: u32) -> Result<&'b [u8], Box<plumbing::Failure>> {
        T::read(self, bytes, depth)
    }
}

/// What generated code is made of; it may change with any version.
#[doc(hidden)]
pub mod plumbing {
    pub use crate::encode::EncodeError;
    pub use crate::reader::{Content, Failure, Reader};
    pub use crate::typed::read::{
        block, blocks, boolean, booleans, check_depth, double, doubles, fixed, fixeds, integer, integers,
        keyed_map, list, nested, pair_map, unreadable_map,
    };
    pub use crate::typed::write::{
        Records, measure_blocks, measure_depth, measure_fixed, measure_fixeds, measure_keyed_map,
        measure_list, measure_pair_map, write_block, write_blocks, write_booleans, write_double,
        write_doubles, write_fixed, write_fixeds, write_integer, write_integers, write_list, write_nested,
    };
}
