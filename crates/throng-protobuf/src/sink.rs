//! What a decoder builds a message through.

use crate::decode::DecodeError;
use crate::schema::{EnumDef, EnumValue, Field, MessageDef};
use crate::wire::RawValue;

/// Takes the parts of a message as they are decoded and builds a tree of them.
///
/// Values are finished bottom-up: a scalar is finished at once, a message, array or map by its `end_` call. Then exactly
/// one of [`set_field`](Sink::set_field), [`push_element`](Sink::push_element) and [`set_entry`](Sink::set_entry) takes it,
/// except for the top-level message, which is left over. After an error whatever was built is to be dropped.
///
/// The wire may bring a field again, with others between: of scalars the last one counts, so `set_field` replaces; arrays,
/// maps and messages go on where they were, for which [`resume`](Sink::resume) opens them again.
///
/// All methods fail with what the sink fails with: a full memory, a value its tree cannot hold.
#[allow(clippy::missing_errors_doc)] // said once, above, for all of them
pub trait Sink {
    /// What this sink fails with; decoder errors are turned into it.
    type Error: From<DecodeError>;

    /// A message of type `ty` begins.
    fn begin_message(&mut self, ty: &MessageDef) -> Result<(), Self::Error>;

    /// The innermost open message is a finished value.
    fn end_message(&mut self) -> Result<(), Self::Error>;

    /// An array begins. So many elements come next as `count` says, unless one of them proves wrong, and maybe more later.
    fn begin_array(&mut self, field: &Field, count: usize) -> Result<(), Self::Error>;

    /// The innermost open array is a finished value.
    fn end_array(&mut self) -> Result<(), Self::Error>;

    /// A map begins; the type of its keys is in [`Field::repeat`].
    fn begin_map(&mut self, field: &Field) -> Result<(), Self::Error>;

    /// The innermost open map is a finished value.
    fn end_map(&mut self) -> Result<(), Self::Error>;

    /// Opens the array, map or message again that `field` of the open message was set to, and returns how many elements
    /// an array has. None, and nothing is opened, if the field is not set. What is opened ends and is set as at first.
    fn resume(&mut self, field: &Field) -> Result<Option<usize>, Self::Error>;

    /// A signed integer is finished.
    fn integer(&mut self, value: i64) -> Result<(), Self::Error>;

    /// An unsigned integer is finished.
    fn unsigned(&mut self, value: u64) -> Result<(), Self::Error>;

    /// A float or double is finished.
    fn double(&mut self, value: f64) -> Result<(), Self::Error>;

    /// A boolean is finished.
    fn boolean(&mut self, value: bool) -> Result<(), Self::Error>;

    /// A number of `ty` is finished; `value` is what it stands for, if the schema says so.
    fn enumeration(
        &mut self,
        ty: &EnumDef,
        number: i32,
        value: Option<&EnumValue>,
    ) -> Result<(), Self::Error>;

    /// A string is finished; its bytes need not be UTF-8.
    fn string(&mut self, value: &[u8]) -> Result<(), Self::Error>;

    /// Bytes are finished.
    fn bytes(&mut self, value: &[u8]) -> Result<(), Self::Error>;

    /// The finished value becomes `field` of the open message, in the place of an earlier one.
    fn set_field(&mut self, field: &Field) -> Result<(), Self::Error>;

    /// `field` of the open message is absent after all, as another field of its oneof came after it. It need not be set.
    fn clear_field(&mut self, field: &Field) -> Result<(), Self::Error>;

    /// The finished value becomes the element at `index` (from 0) of the open array.
    fn push_element(&mut self, index: usize) -> Result<(), Self::Error>;

    /// Two values are finished, a key and then a value: they become an entry of the open map. Of equal keys the last one
    /// counts.
    fn set_entry(&mut self, field: &Field) -> Result<(), Self::Error>;

    /// The open message has a field that its type does not know. Does nothing by itself.
    fn unknown_field(
        &mut self,
        _ty: &MessageDef,
        _number: u32,
        _value: RawValue<'_>,
    ) -> Result<(), Self::Error> {
        Ok(())
    }
}
