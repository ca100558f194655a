//! The walk of the Protocol Buffers codec over Lua tables, on the Lua stack, as `raw`'s is for Sproto.
//!
//! Integers without a sign are their 64 bits, as `string.pack` has them. A name of an enum is a string, or any number; what
//! comes is a string where the schema has a name for it.
#![allow(unsafe_code)]

use super::Unfit;
use super::raw::{KEYS, SLOTS, TableSource, build, push_keys, read};
use mlua::ffi::{self, lua_State};
use mlua::{Lua, Table, Value};
use std::ffi::c_int;
use throng_protobuf::{
    DecodeError, Defaults, EncodeError, EnumDef, EnumValue, Field, MessageDef, MessageId, Place, Schema,
    Sink, Source,
};
use throng_sproto as sproto;
use throng_sproto::Source as _;
use throng_wire::Extent;

/// The most fields a table is made with room for before they come.
const ROOM: usize = 8;

/// The keys of a schema for [`push_keys`]: `"__index"` at 0, the fields' names from 1 on, and behind them those of enums.
pub(super) fn keys(lua: &Lua, schema: &Schema) -> mlua::Result<Table> {
    let behind = schema.field_count();
    let keys = lua.create_table_with_capacity(behind + schema.enum_value_count(), 1)?;
    keys.raw_set(0, "__index")?;
    for field in schema.messages().iter().flat_map(|message| &message.fields) {
        keys.raw_set(field.id.0 as usize + 1, &*field.name)?;
    }
    for value in schema.enums().iter().flat_map(|each| &each.values) {
        keys.raw_set(behind + value.id.0 as usize + 1, &*value.name)?;
    }
    Ok(keys)
}

/// More bytes than a message of `length` bytes can take in Lua.
pub(super) fn most_bytes(extent: Extent, defaults: Defaults, length: usize) -> usize {
    /// A table with its room, made again each time it grows, what it stands in, and the longest of short strings.
    const TABLE: usize = 640;
    /// A key with its value in a table that doubles as it grows, and the string or table that the value is.
    const FIELD: usize = 320;
    let empty = match defaults {
        Defaults::Leave => TABLE,
        Defaults::Scalars | Defaults::All => TABLE + extent.fields * FIELD + extent.bytes,
    };
    // A message within another takes two bytes at least, one of an array or map no less; the outermost takes none.
    (length / 2 + 1).saturating_mul(empty).saturating_add(length.saturating_mul(FIELD))
}

/// Appends the message of type `ty` that `table` holds to `out`.
pub(super) fn encode(
    lua: &Lua,
    keys: &Table,
    table: &Table,
    schema: &Schema,
    ty: MessageId,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    read(lua, keys, table, |state, keys| {
        // SAFETY: the keys and the table lie there.
        let mut walk = Walk(unsafe { TableSource::new(state, keys) });
        throng_protobuf::encode(schema, ty, &mut walk, out).map_err(|error| error.to_string())
    })
}

/// Appends the message of type `ty` that the table at `index` holds to `out`.
///
/// # Safety
/// `state` is alive, and `index` is one of its stack's.
pub(super) unsafe fn encode_at(
    state: *mut lua_State,
    index: c_int,
    schema: &Schema,
    ty: MessageId,
    out: &mut Vec<u8>,
) -> Result<(), Unfit> {
    // SAFETY: the stack is left as it was found on every path; reading from tables raises nothing.
    unsafe {
        let top = ffi::lua_gettop(state);
        let ready = ffi::lua_type(state, index) == ffi::LUA_TTABLE
            && ffi::lua_checkstack(state, SLOTS) != 0
            && push_keys(state, schema);
        if !ready {
            return Err(Unfit);
        }
        ffi::lua_pushvalue(state, index);
        let mut walk = Walk(TableSource::new(state, top + 1));
        let encoded = throng_protobuf::encode(schema, ty, &mut walk, out).map_err(|_| Unfit);
        ffi::lua_settop(state, top);
        encoded
    }
}

/// Builds the message of type `ty` that `bytes` are, and counts the fields that the schema does not know.
pub(super) fn decode(
    lua: &Lua,
    keys: &Table,
    (schema, ty): (&Schema, MessageId),
    defaults: Defaults,
    bytes: &[u8],
) -> Result<(Value, u32), String> {
    build(lua, keys, |state| {
        let mut sink = TableSink { state, keys: KEYS, enums: schema.field_count() };
        throng_protobuf::decode(schema, ty, bytes, defaults, &mut sink).map(|found| found.unknown)
    })
}

/// Pushes the message of type `ty` that `bytes` are, and counts the fields that the schema does not know; `None`, with nothing
/// pushed, when they are none.
///
/// # Safety
/// `state` is a running one with room for a few values, and finds the memory that the message takes: nothing is called in
/// protected mode.
pub(super) unsafe fn decode_onto(
    state: *mut lua_State,
    (schema, ty): (&Schema, MessageId),
    defaults: Defaults,
    bytes: &[u8],
) -> Option<u32> {
    // SAFETY: all that could raise is memory that is not found, which the caller rules out.
    unsafe {
        let top = ffi::lua_gettop(state);
        if !push_keys(state, schema) {
            return None;
        }
        let mut sink = TableSink { state, keys: top + 1, enums: schema.field_count() };
        let decoded = throng_protobuf::decode(schema, ty, bytes, defaults, &mut sink).ok();
        match decoded {
            Some(_) => ffi::lua_remove(state, top + 1),
            None => ffi::lua_settop(state, top),
        }
        decoded.map(|found| found.unknown)
    }
}

/// A table that is walked.
struct Walk(TableSource);

/// What the walk refuses, in this codec's words.
#[cold]
fn refused(error: sproto::EncodeError) -> EncodeError {
    match error {
        sproto::EncodeError::WrongType { wanted, found, .. } => EncodeError::wrong_type(wanted, found),
        _ => EncodeError::TooDeep,
    }
}

impl Source for Walk {
    type Error = EncodeError;

    fn enter_field(&mut self, field: &Field) -> Result<bool, EncodeError> {
        Ok(self.0.enter_key(field.id.0))
    }

    fn enter_element(&mut self, index: usize) -> Result<bool, EncodeError> {
        self.0.enter_element(index).map_err(refused)
    }

    fn next_entry(&mut self, first: bool) -> Result<bool, EncodeError> {
        self.0.next_entry(first).map_err(refused)
    }

    fn enter_entry_key(&mut self) -> Result<(), EncodeError> {
        self.0.enter_entry_key().map_err(refused)
    }

    fn enter_entry_value(&mut self) -> Result<(), EncodeError> {
        self.0.enter_entry_value().map_err(refused)
    }

    fn leave(&mut self) {
        self.0.leave();
    }

    fn leave_entries(&mut self) {
        self.0.leave_entries();
    }

    fn integer(&mut self) -> Result<i64, EncodeError> {
        self.0.integer().map_err(refused)
    }

    fn unsigned(&mut self) -> Result<u64, EncodeError> {
        self.0.integer().map(i64::cast_unsigned).map_err(refused)
    }

    fn double(&mut self) -> Result<f64, EncodeError> {
        self.0.double().map_err(refused)
    }

    fn boolean(&mut self) -> Result<bool, EncodeError> {
        self.0.boolean().map_err(refused)
    }

    fn enumeration(&mut self, ty: &EnumDef) -> Result<i32, EncodeError> {
        if let Some(name) = self.0.text() {
            return ty.number_of(name).ok_or_else(|| EncodeError::unknown_name(ty, name));
        }
        let number = self.0.integer().map_err(|error| match refused(error) {
            EncodeError::WrongType { found, .. } => {
                EncodeError::wrong_type("an enum's name or number", found)
            }
            other => other,
        })?;
        i32::try_from(number).map_err(|_| EncodeError::out_of_range(number, "an enum, a 32-bit integer"))
    }

    fn bytes(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.0.bytes(out).map_err(refused)
    }

    fn expect_message(&mut self) -> Result<(), EncodeError> {
        self.0.expect_struct().map_err(refused)
    }

    fn expect_array(&mut self) -> Result<(), EncodeError> {
        self.0.expect_array().map_err(refused)
    }

    fn expect_map(&mut self) -> Result<(), EncodeError> {
        self.0.expect_struct().map_err(refused)
    }

    fn locate(error: EncodeError, place: &Place<'_>) -> EncodeError {
        error.at(place)
    }
}

/// Builds on the top of the Lua stack.
struct TableSink {
    state: *mut lua_State,
    /// Where the table of keys stands on the stack.
    keys: c_int,
    /// Behind which of them the names of enums are.
    enums: usize,
}

/// Why a message cannot become a Lua table.
#[derive(Debug, thiserror::Error)]
enum SinkError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("the message nests more deeply than Lua's stack")]
    Stack,
}

impl TableSink {
    /// Makes room for a table and what is put above it.
    fn room(&self) -> Result<(), SinkError> {
        // SAFETY: growing the stack raises nothing but for memory, a refusal is answered with 0.
        if unsafe { ffi::lua_checkstack(self.state, SLOTS) } == 0 { Err(SinkError::Stack) } else { Ok(()) }
    }

    fn begin_table(&mut self, elements: usize, fields: usize) -> Result<(), SinkError> {
        self.room()?;
        let elements = c_int::try_from(elements).unwrap_or(c_int::MAX);
        // SAFETY: room was made. How many elements come is bounded by the message's length.
        unsafe { ffi::lua_createtable(self.state, elements, fields as c_int) };
        Ok(())
    }

    fn push_key(&mut self, index: usize) {
        // SAFETY: the open table left room.
        unsafe { ffi::lua_rawgeti(self.state, self.keys, index as i64 + 1) };
    }

    fn push_bytes(&mut self, value: &[u8]) {
        // SAFETY: the open table left room; Lua copies the bytes.
        unsafe { ffi::lua_pushlstring(self.state, value.as_ptr().cast(), value.len()) };
    }
}

impl Sink for TableSink {
    type Error = SinkError;

    fn begin_message(&mut self, ty: &MessageDef) -> Result<(), SinkError> {
        self.begin_table(0, ty.fields.len().min(ROOM))
    }

    fn end_message(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn begin_array(&mut self, _field: &Field, count: usize) -> Result<(), SinkError> {
        self.begin_table(count, 0)
    }

    fn end_array(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn begin_map(&mut self, _field: &Field) -> Result<(), SinkError> {
        self.begin_table(0, 0)
    }

    fn end_map(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn resume(&mut self, field: &Field) -> Result<Option<usize>, SinkError> {
        self.room()?;
        self.push_key(field.id.0 as usize);
        // SAFETY: the open message's table is below its key. Only tables are resumed, as only they are set for such a field.
        unsafe {
            if ffi::lua_rawget(self.state, -2) != ffi::LUA_TTABLE {
                ffi::lua_pop(self.state, 1);
                return Ok(None);
            }
            Ok(Some(ffi::lua_rawlen(self.state, -1)))
        }
    }

    fn integer(&mut self, value: i64) -> Result<(), SinkError> {
        // SAFETY: the open table left room.
        unsafe { ffi::lua_pushinteger(self.state, value) };
        Ok(())
    }

    fn unsigned(&mut self, value: u64) -> Result<(), SinkError> {
        self.integer(value.cast_signed())
    }

    fn double(&mut self, value: f64) -> Result<(), SinkError> {
        // SAFETY: the open table left room.
        unsafe { ffi::lua_pushnumber(self.state, value) };
        Ok(())
    }

    fn boolean(&mut self, value: bool) -> Result<(), SinkError> {
        // SAFETY: the open table left room.
        unsafe { ffi::lua_pushboolean(self.state, c_int::from(value)) };
        Ok(())
    }

    fn enumeration(&mut self, _: &EnumDef, number: i32, value: Option<&EnumValue>) -> Result<(), SinkError> {
        match value {
            Some(value) => self.push_key(self.enums + value.id.0 as usize),
            None => self.integer(number.into())?,
        }
        Ok(())
    }

    fn string(&mut self, value: &[u8]) -> Result<(), SinkError> {
        self.push_bytes(value);
        Ok(())
    }

    fn bytes(&mut self, value: &[u8]) -> Result<(), SinkError> {
        self.push_bytes(value);
        Ok(())
    }

    fn set_field(&mut self, field: &Field) -> Result<(), SinkError> {
        self.push_key(field.id.0 as usize);
        // SAFETY: the key, which is a string, and below it a finished value and the open message's table.
        unsafe {
            ffi::lua_insert(self.state, -2);
            ffi::lua_rawset(self.state, -3);
        }
        Ok(())
    }

    fn clear_field(&mut self, field: &Field) -> Result<(), SinkError> {
        self.push_key(field.id.0 as usize);
        // SAFETY: the key and below it the open message's table.
        unsafe {
            ffi::lua_pushnil(self.state);
            ffi::lua_rawset(self.state, -3);
        }
        Ok(())
    }

    fn push_element(&mut self, index: usize) -> Result<(), SinkError> {
        // SAFETY: a finished value is on the top and the open array's table below it.
        unsafe { ffi::lua_rawseti(self.state, -2, index as i64 + 1) };
        Ok(())
    }

    fn set_entry(&mut self, _field: &Field) -> Result<(), SinkError> {
        // SAFETY: a finished key and value are on the top, the open map's table below. A key is an integer, a boolean or a
        // string, none of which a table refuses.
        unsafe { ffi::lua_rawset(self.state, -3) };
        Ok(())
    }
}

#[cfg(test)]
mod tests;
