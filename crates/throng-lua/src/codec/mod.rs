//! Messages to and from Lua tables, without a tree in between.
//!
//! [`Codec`] is one Lua state's: it keeps the names of a schema's fields as Lua strings, so that reading or setting a field
//! makes none. The walk over tables is in [`raw`]; bodies without a schema are [`document`]'s.

pub(crate) mod document;
mod protobuf;
mod raw;

use mlua::ffi::lua_State;
use mlua::{Lua, Table, Value};
use std::cell::RefCell;
use std::ffi::c_int;
use std::ptr;
use throng_engine::Incoming;
use throng_protobuf::{Defaults, MessageId as ProtobufType, Schema as ProtobufSchema};
use throng_sproto::{Schema, TypeId};
use throng_wire::{Codec as WireCodec, Direction, MessageId, Protocol, TooDeep};

/// A body that is not for the short way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfit;

/// The body of what came.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// A table where there is a type for it, else a string of its bytes.
    pub(crate) value: Value,
    /// Fields of Protocol Buffers that the schema does not know.
    pub(crate) unknown: u32,
}

impl From<Value> for Decoded {
    fn from(value: Value) -> Decoded {
        Decoded { value, unknown: 0 }
    }
}

/// Encodes and decodes the bodies of messages for one Lua state.
#[derive(Default)]
pub(crate) struct Codec {
    /// Field names by schema, which is known by its address: the project's protocols outlive every state.
    keys: RefCell<Vec<(*const (), Table)>>,
}

impl Codec {
    /// Appends the encoded `body` of a message to `out`.
    ///
    /// # Errors
    /// What does not fit, naming the type and field.
    pub(crate) fn encode(
        &self,
        lua: &Lua,
        protocol: &Protocol,
        message: MessageId,
        body: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        match protocol.body_type(message, Direction::Sent) {
            Some((schema, ty)) => self.encode_table(lua, schema, ty, body, out),
            None => match &protocol.codec {
                WireCodec::Raw(_) => encode_bytes(body, out),
                WireCodec::Document(_) if body.is_nil() => Ok(()),
                WireCodec::Document(codec) => document::encode(lua, codec.form(), body, out),
                WireCodec::Protobuf(codec) => {
                    let ty = codec.body_type(message).ok_or("there is no such message")?;
                    self.encode_protobuf(lua, ty, body, out)
                }
                WireCodec::Own(_) => encode_bytes(body, out),
                WireCodec::Sproto(_) => Ok(()),
            },
        }
    }

    /// Appends the encoded fields of a type.
    ///
    /// # Errors
    /// What does not fit, naming the type and field.
    pub(crate) fn encode_table(
        &self,
        lua: &Lua,
        schema: &Schema,
        ty: TypeId,
        body: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        match body {
            Value::Table(table) => {
                let keys = self.keys_of(lua, schema).map_err(|error| error.to_string())?;
                raw::encode(lua, &keys, table, schema, ty, out)
            }
            Value::Nil => {
                let empty = lua.create_table().map_err(|error| error.to_string())?;
                self.encode_table(lua, schema, ty, &Value::Table(empty), out)
            }
            other => {
                let found = crate::values::kind_of(other);
                Err(format!("{} is a table of its fields, not {found}", schema.type_def(ty).name))
            }
        }
    }

    /// Appends the encoded body at `index` of a running state's stack, which is left as it is.
    ///
    /// # Errors
    /// It is not for this to encode: whatever is out of the ordinary, [`Codec::encode`] tells or does.
    ///
    /// # Safety
    /// `state` is alive, and `index` is one of its stack's.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn encode_at(
        state: *mut lua_State,
        index: c_int,
        protocol: &Protocol,
        message: MessageId,
        out: &mut Vec<u8>,
    ) -> Result<(), Unfit> {
        if protocol.own().writes() {
            return Err(Unfit);
        }
        // SAFETY: the caller's promise.
        unsafe {
            match protocol.body_type(message, Direction::Sent) {
                Some((schema, ty)) => raw::encode_at(state, index, schema, ty, out),
                None => match &protocol.codec {
                    WireCodec::Raw(_) => raw::bytes_at(state, index, out),
                    WireCodec::Document(_) if raw::is_nil(state, index) => Ok(()),
                    WireCodec::Document(codec) => document::encode_at(state, index, codec.form(), out),
                    WireCodec::Protobuf(codec) => match codec.body_type(message) {
                        Some((schema, ty)) => protobuf::encode_at(state, index, schema, ty, out),
                        None => Err(Unfit),
                    },
                    WireCodec::Own(_) => raw::bytes_at(state, index, out),
                    WireCodec::Sproto(_) => Ok(()),
                },
            }
        }
    }

    /// The body of what came.
    ///
    /// # Errors
    /// Why the bytes are no such message.
    pub(crate) fn decode(&self, lua: &Lua, incoming: &Incoming<'_>) -> Result<Decoded, String> {
        check_depth(incoming).map_err(|error| error.to_string())?;
        match type_of(incoming) {
            Some((schema, ty)) => Ok(self.decode_table(lua, schema, ty, incoming.body)?.0.into()),
            None => match &incoming.protocol.codec {
                WireCodec::Raw(_) | WireCodec::Own(_) => {
                    let bytes = lua.create_string(incoming.body).map_err(|error| error.to_string())?;
                    Ok(Value::String(bytes).into())
                }
                WireCodec::Document(codec) => {
                    document::decode(lua, codec.form(), incoming.body).map(Decoded::from)
                }
                WireCodec::Protobuf(codec) => {
                    match incoming.message.and_then(|message| codec.body_type(message)) {
                        Some(ty) => self.decode_protobuf(lua, ty, codec.defaults(), incoming.body),
                        None => Ok(Value::Nil.into()),
                    }
                }
                WireCodec::Sproto(_) => Ok(Value::Nil.into()),
            },
        }
    }

    /// The fields of a type as they are at the front of `bytes`, and how many of these they take.
    ///
    /// # Errors
    /// Why the bytes are no such message.
    pub(crate) fn decode_table(
        &self,
        lua: &Lua,
        schema: &Schema,
        ty: TypeId,
        bytes: &[u8],
    ) -> Result<(Value, usize), String> {
        let keys = self.keys_of(lua, schema).map_err(|error| error.to_string())?;
        raw::decode(lua, &keys, schema, ty, bytes)
    }

    /// The table of a schema's field names: at 0 `"__index"`, at `FieldId + 1` the field's name.
    fn keys_of(&self, lua: &Lua, schema: &Schema) -> mlua::Result<Table> {
        self.keys_or(lua, schema, || {
            let keys = lua.create_table_with_capacity(schema.field_count(), 1)?;
            keys.raw_set(0, "__index")?;
            for (_, ty) in schema.types() {
                for field in &ty.fields {
                    keys.raw_set(field.id.0 + 1, &*field.name)?;
                }
            }
            Ok(keys)
        })
    }

    /// The keys of a schema, made and registered when it is met first.
    fn keys_or<S>(
        &self,
        lua: &Lua,
        schema: &S,
        make: impl FnOnce() -> mlua::Result<Table>,
    ) -> mlua::Result<Table> {
        let address: *const () = ptr::from_ref(schema).cast();
        if let Some((_, keys)) = self.keys.borrow().iter().find(|(known, _)| *known == address) {
            return Ok(keys.clone());
        }
        let keys = make()?;
        raw::register_keys(lua, schema, &keys)?;
        self.keys.borrow_mut().push((address, keys.clone()));
        Ok(keys)
    }

    /// Appends the encoded fields of a message of Protocol Buffers.
    ///
    /// # Errors
    /// What does not fit, naming the message and field.
    pub(crate) fn encode_protobuf(
        &self,
        lua: &Lua,
        (schema, ty): (&ProtobufSchema, ProtobufType),
        body: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let table = match body {
            Value::Table(table) => table.clone(),
            Value::Nil => lua.create_table().map_err(|error| error.to_string())?,
            other => {
                let found = crate::values::kind_of(other);
                return Err(format!("{} is a table of its fields, not {found}", schema.message(ty).name));
            }
        };
        let keys = self.keys_or(lua, schema, || protobuf::keys(lua, schema));
        protobuf::encode(lua, &keys.map_err(|error| error.to_string())?, &table, schema, ty, out)
    }

    /// The fields of the message of Protocol Buffers that `bytes` are.
    ///
    /// # Errors
    /// Why the bytes are no such message.
    pub(crate) fn decode_protobuf(
        &self,
        lua: &Lua,
        (schema, ty): (&ProtobufSchema, ProtobufType),
        defaults: Defaults,
        bytes: &[u8],
    ) -> Result<Decoded, String> {
        let keys = self.keys_or(lua, schema, || protobuf::keys(lua, schema));
        let keys = keys.map_err(|error| error.to_string())?;
        let (value, unknown) = protobuf::decode(lua, &keys, (schema, ty), defaults, bytes)?;
        Ok(Decoded { value, unknown })
    }
}

/// Appends the encoded fields of a type, which are in the table at `index` of a running state's stack.
///
/// # Errors
/// It is not for this to encode, as with [`Codec::encode_at`].
///
/// # Safety
/// `state` is alive, and `index` is one of its stack's.
#[allow(unsafe_code)]
pub(crate) unsafe fn encode_table_at(
    state: *mut lua_State,
    index: c_int,
    schema: &Schema,
    ty: TypeId,
    out: &mut Vec<u8>,
) -> Result<(), Unfit> {
    // SAFETY: the caller's promise.
    unsafe { raw::encode_at(state, index, schema, ty, out) }
}

/// Pushes the fields of a type that are at the front of `bytes`, and tells how many of these they take; nothing is pushed where
/// only [`Codec::decode_table`] can tell what they are.
///
/// # Safety
/// `state` is a running one with room for a few values. It raises where memory is short: no caller up to the next protected
/// call has anything to drop.
#[allow(unsafe_code)]
pub(crate) unsafe fn push_table(
    state: *mut lua_State,
    schema: &Schema,
    ty: TypeId,
    bytes: &[u8],
) -> Option<usize> {
    // SAFETY: the caller's promise.
    unsafe { raw::decode_onto(state, schema, ty, bytes) }
}

/// Pushes the body of what came onto a state's stack, which has room for a few values, and counts the fields that its schema
/// does not know; `None`, with nothing pushed, where only [`Codec::decode`] can tell what it is.
///
/// # Safety
/// `state` is a running one, and as much memory is free as [`most_bytes`] tells: nothing is called in protected mode.
#[allow(unsafe_code)]
pub(crate) unsafe fn push_body(state: *mut lua_State, incoming: &Incoming<'_>) -> Option<u32> {
    if check_depth(incoming).is_err() {
        return None;
    }
    // SAFETY: the caller's promise.
    let pushed = unsafe {
        match type_of(incoming) {
            Some((schema, ty)) => raw::decode_onto(state, schema, ty, incoming.body).is_some(),
            None => match &incoming.protocol.codec {
                WireCodec::Raw(_) | WireCodec::Own(_) => {
                    raw::push_bytes(state, incoming.body);
                    true
                }
                WireCodec::Document(codec) => document::decode_onto(state, codec.form(), incoming.body),
                WireCodec::Protobuf(codec) => {
                    let ty = incoming.message.and_then(|message| codec.body_type(message))?;
                    return protobuf::decode_onto(state, ty, codec.defaults(), incoming.body);
                }
                WireCodec::Sproto(_) => false,
            },
        }
    };
    pushed.then_some(0)
}

#[inline]
fn check_depth(incoming: &Incoming<'_>) -> Result<(), TooDeep> {
    incoming.protocol.check_depth(incoming.message, incoming.request, incoming.body)
}

/// How many bytes in Lua a byte of a Sproto message takes at the most. A field takes two in its message, and in a table a place
/// of 24, of which there are twice as many as are filled at the worst; all else grows less.
const GROWTH: usize = 32;

/// More bytes than the body of what came can take in Lua.
pub(crate) fn most_bytes(incoming: &Incoming<'_>) -> usize {
    let growth = match &incoming.protocol.codec {
        WireCodec::Document(codec) => document::growth(codec.form()),
        WireCodec::Protobuf(codec) => {
            return protobuf::most_bytes(codec.extent(), codec.defaults(), incoming.body.len());
        }
        WireCodec::Raw(_) | WireCodec::Own(_) | WireCodec::Sproto(_) => GROWTH,
    };
    incoming.body.len().saturating_mul(growth)
}

fn type_of<'a>(incoming: &Incoming<'a>) -> Option<(&'a Schema, TypeId)> {
    let protocol = incoming.protocol;
    match (incoming.request, incoming.message) {
        (Some(request), reply) => protocol.reply_body_type(request, reply),
        (None, Some(message)) => protocol.body_type(message, Direction::Received),
        (None, None) => None,
    }
}

fn encode_bytes(body: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    match body {
        Value::String(bytes) => out.extend_from_slice(&bytes.as_bytes()),
        Value::Nil => {}
        other => return Err(format!("the body is a string of bytes, not {}", crate::values::kind_of(other))),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
