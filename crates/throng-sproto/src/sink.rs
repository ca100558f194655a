//! What a decoder builds a message through.

use crate::decode::DecodeError;
use crate::schema::{Field, TypeDef};

/// Takes the parts of a message as they are decoded and builds a tree of them.
///
/// Values are finished bottom-up: a scalar is finished at once, a struct, array or map by its `end_` call. Then exactly
/// one of [`set_field`](Sink::set_field), [`push_element`](Sink::push_element) and [`set_entry`](Sink::set_entry)
/// takes it, except for the top-level struct, which is left over. After an error whatever was built is to be dropped.
///
/// All methods fail with what the sink fails with: a full memory, a value its tree cannot hold.
#[allow(clippy::missing_errors_doc)] // said once, above, for all of them
pub trait Sink {
    /// What this sink fails with; decoder errors are turned into it.
    type Error: From<DecodeError>;

    /// A struct of type `ty` begins, of whose fields at most `fields` are there.
    fn begin_struct(&mut self, ty: &TypeDef, fields: usize) -> Result<(), Self::Error>;

    /// The innermost open struct is a finished value.
    fn end_struct(&mut self) -> Result<(), Self::Error>;

    /// The next finished value is that of `field` of the open struct, which [`set_field`](Sink::set_field) then takes: for
    /// sinks whose keys come before the values. Does nothing by itself.
    fn begin_field(&mut self, _field: &Field) -> Result<(), Self::Error> {
        Ok(())
    }

    /// An array of `count` elements begins; all of them are there, but may still prove wrong.
    fn begin_array(&mut self, field: &Field, count: usize) -> Result<(), Self::Error>;

    /// The innermost open array is a finished value.
    fn end_array(&mut self) -> Result<(), Self::Error>;

    /// A map of `count` entries begins, which may still prove wrong, or have equal keys; its kind is in [`Field::repeat`].
    fn begin_map(&mut self, field: &Field, count: usize) -> Result<(), Self::Error>;

    /// The innermost open map is a finished value.
    fn end_map(&mut self) -> Result<(), Self::Error>;

    /// An integer is finished.
    fn integer(&mut self, value: i64) -> Result<(), Self::Error>;

    /// A double or fixed-point number is finished.
    fn double(&mut self, value: f64) -> Result<(), Self::Error>;

    /// A boolean is finished.
    fn boolean(&mut self, value: bool) -> Result<(), Self::Error>;

    /// A string is finished; its bytes need not be UTF-8.
    fn string(&mut self, value: &[u8]) -> Result<(), Self::Error>;

    /// A binary is finished.
    fn binary(&mut self, value: &[u8]) -> Result<(), Self::Error>;

    /// The finished value becomes `field` of the open struct.
    fn set_field(&mut self, field: &Field) -> Result<(), Self::Error>;

    /// The finished value becomes the element at `index` (from 0) of the open array.
    fn push_element(&mut self, index: usize) -> Result<(), Self::Error>;

    /// An entry of the open map is complete. For [`Repeat::MapByKey`](crate::Repeat::MapByKey) the finished value is
    /// the whole struct, in which the key field is set; for [`Repeat::MapPair`](crate::Repeat::MapPair) two values are
    /// finished, the key and then the value. Of equal keys the last one wins.
    fn set_entry(&mut self, field: &Field) -> Result<(), Self::Error>;
}
