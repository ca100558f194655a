//! The walk of the Sproto codec over Lua tables, on the Lua stack.
//!
//! Encoding reads with calls that cannot raise, so it runs as it is. Decoding builds tables and strings, and Lua raises when
//! memory is out: [`decode`] runs inside a protected call, and none of the frames between holds a value with a destructor
//! when the call is made (an error value only exists on its way back); [`decode_onto`] is for callers who know that the
//! memory is there. Integers, strings and tables go between the stack and the
//! bytes directly; no value of mlua's is made but the finished message.
#![allow(unsafe_code)]

use super::Unfit;
use mlua::ffi::{self, lua_State};
use mlua::{Lua, Table, Value};
use std::ffi::c_int;
use std::fmt::Display;
use std::slice;
use throng_sproto::{
    DecodeError, EncodeError, Field, FieldType, Place, Repeat, Schema, Sink, Source, TypeDef, TypeId,
};

/// Where the key of metatables' `__index` stands in the table of keys.
const INDEX: i64 = 0;
/// Slots of the Lua stack that a walk may use at one table: a value that was entered, an open entry, and what looking at a
/// nested table takes.
pub(super) const SLOTS: c_int = 6;

/// Appends the message of type `ty` that `table` holds to `out`.
pub(super) fn encode(
    lua: &Lua,
    keys: &Table,
    table: &Table,
    schema: &Schema,
    ty: TypeId,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    read(lua, keys, table, |state, keys| {
        // SAFETY: the keys and the table lie there.
        let mut source = unsafe { TableSource::new(state, keys) };
        throng_sproto::encode(schema, ty, &mut source, out).map_err(|error| error.to_string())
    })
}

/// Has `encode` read `table`, which lies above a schema's `keys`; it is told where those lie.
pub(super) fn read(
    lua: &Lua,
    keys: &Table,
    table: &Table,
    encode: impl FnOnce(*mut lua_State, c_int) -> Result<(), String>,
) -> Result<(), String> {
    lua.exec_raw_lua(|raw| {
        let state = raw.state();
        // SAFETY: the state is the running one; the stack is left as it was found on every path; pushing a reference to an
        // existing table and reading from tables raises nothing.
        unsafe {
            let top = ffi::lua_gettop(state);
            if ffi::lua_checkstack(state, SLOTS) == 0 {
                return Err(EncodeError::TooDeep.to_string());
            }
            let pushed = raw.push(keys).and_then(|()| raw.push(table));
            let encoded = match pushed {
                Ok(()) => encode(state, top + 1),
                Err(error) => Err(error.to_string()),
            };
            ffi::lua_settop(state, top);
            encoded
        }
    })
}

/// Lets the functions here that have a state only find the table of a schema's keys.
pub(super) fn register_keys<S>(lua: &Lua, schema: &S, keys: &Table) -> mlua::Result<()> {
    // SAFETY: the call is protected; the address is a key and never followed.
    unsafe {
        lua.exec_raw(keys, |state| {
            ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, std::ptr::from_ref(schema).cast());
        })
    }
}

/// Pushes the table of a schema's keys; nothing where it was not registered.
///
/// # Safety
/// `state` is alive and has room for one value.
pub(super) unsafe fn push_keys<S>(state: *mut lua_State, schema: &S) -> bool {
    // SAFETY: the registry is a table; an absent key raises nothing.
    unsafe {
        let found = ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, std::ptr::from_ref(schema).cast());
        if found != ffi::LUA_TTABLE {
            ffi::lua_pop(state, 1);
        }
        found == ffi::LUA_TTABLE
    }
}

/// Appends the message of type `ty` that the table at `index` holds to `out`.
///
/// # Safety
/// `state` is alive, and `index` is one of its stack's.
pub(super) unsafe fn encode_at(
    state: *mut lua_State,
    index: c_int,
    schema: &Schema,
    ty: TypeId,
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
        let mut source = TableSource::new(state, top + 1);
        let encoded = throng_sproto::encode(schema, ty, &mut source, out).map_err(|_| Unfit);
        ffi::lua_settop(state, top);
        encoded
    }
}

/// Whether there is nothing at `index`.
///
/// # Safety
/// `state` is alive, and `index` is one of its stack's.
pub(super) unsafe fn is_nil(state: *mut lua_State, index: c_int) -> bool {
    // SAFETY: reads a value's type.
    unsafe { ffi::lua_type(state, index) == ffi::LUA_TNIL }
}

/// Appends the string at `index` to `out`; nil is no bytes.
///
/// # Safety
/// `state` is alive, and `index` is one of its stack's.
pub(super) unsafe fn bytes_at(state: *mut lua_State, index: c_int, out: &mut Vec<u8>) -> Result<(), Unfit> {
    // SAFETY: only a string is asked for its bytes, so nothing is converted; they stay where they are meanwhile.
    unsafe {
        match ffi::lua_type(state, index) {
            ffi::LUA_TSTRING => {
                let mut length = 0;
                let pointer = ffi::lua_tolstring(state, index, &mut length);
                out.extend_from_slice(slice::from_raw_parts(pointer.cast(), length));
                Ok(())
            }
            ffi::LUA_TNIL => Ok(()),
            _ => Err(Unfit),
        }
    }
}

/// A table that is on the top of the Lua stack, or a part of it.
pub(super) struct TableSource {
    state: *mut lua_State,
    keys: c_int,
    /// The type of the value that was entered last: whoever enters one looks at it at once.
    kind: c_int,
    /// How many walks over maps are under way, and which of them have an entry open (a key and a value on the stack).
    walks: u32,
    open: u128,
}

impl TableSource {
    /// The table on the top of the stack; the table of keys is at `keys`, and there is room for [`SLOTS`] values.
    ///
    /// # Safety
    /// As long as this is used the state is alive, and what was pushed before it stays where it is.
    pub(super) unsafe fn new(state: *mut lua_State, keys: c_int) -> TableSource {
        // SAFETY: reads a value's type.
        let kind = unsafe { ffi::lua_type(state, -1) };
        TableSource { state, keys, kind, walks: 0, open: 0 }
    }

    /// Makes the value of the field with this id current.
    pub(super) fn enter_key(&mut self, id: u32) -> bool {
        // SAFETY: the current value is a table, because `expect_struct` came first; there is room for one value.
        unsafe {
            ffi::lua_rawgeti(self.state, self.keys, i64::from(id) + 1);
            self.kind = ffi::lua_rawget(self.state, -2);
            if self.kind != ffi::LUA_TNIL {
                return true;
            }
            ffi::lua_pop(self.state, 1);
        }
        false
    }

    /// The bytes of the current value, if it is a string; they stay until it is left.
    pub(super) fn text(&self) -> Option<&[u8]> {
        let mut length = 0;
        // SAFETY: only a string is asked for its bytes, so nothing is converted; it is on the stack until it is left.
        unsafe {
            if self.kind != ffi::LUA_TSTRING {
                return None;
            }
            let pointer = ffi::lua_tolstring(self.state, -1, &mut length);
            Some(slice::from_raw_parts(pointer.cast(), length))
        }
    }

    fn refuse<T>(&self, wanted: &'static str) -> Result<T, EncodeError> {
        // SAFETY: the current value is on the top of the stack.
        let found = match unsafe { ffi::lua_type(self.state, -1) } {
            ffi::LUA_TNIL => "nil",
            ffi::LUA_TBOOLEAN => "a boolean",
            ffi::LUA_TNUMBER => "a number with a fraction",
            ffi::LUA_TSTRING => "a string",
            ffi::LUA_TTABLE => "a table",
            ffi::LUA_TFUNCTION => "a function",
            _ => "a userdata",
        };
        let found = match found {
            "a number with a fraction" if wanted != "an integer" => "a number",
            other => other,
        };
        Err(EncodeError::wrong_type(wanted, found))
    }

    fn room(&self) -> Result<(), EncodeError> {
        // SAFETY: growing the stack raises nothing; a refusal is answered with 0.
        if unsafe { ffi::lua_checkstack(self.state, SLOTS) } == 0 {
            Err(EncodeError::TooDeep)
        } else {
            Ok(())
        }
    }

    /// The current value is a table; a frozen one, which is empty and reads through its metatable, gives way to what it
    /// stands for.
    fn expect_table(&mut self, wanted: &'static str) -> Result<(), EncodeError> {
        self.room()?;
        let state = self.state;
        // SAFETY: room was made for what is pushed here, and each path leaves one value in the place of the current one.
        unsafe {
            if ffi::lua_type(state, -1) != ffi::LUA_TTABLE {
                return self.refuse(wanted);
            }
            if ffi::lua_getmetatable(state, -1) == 0 {
                return Ok(());
            }
            ffi::lua_rawgeti(state, self.keys, INDEX);
            ffi::lua_rawget(state, -2);
            let behind = ffi::lua_type(state, -1) == ffi::LUA_TTABLE;
            ffi::lua_pushnil(state);
            let filled = ffi::lua_next(state, -4) != 0;
            if filled {
                ffi::lua_pop(state, 2);
            }
            if behind && !filled {
                ffi::lua_replace(state, -3);
                ffi::lua_pop(state, 1);
            } else {
                ffi::lua_pop(state, 2);
            }
        }
        Ok(())
    }
}

impl Source for TableSource {
    type Error = EncodeError;

    fn enter_field(&mut self, field: &Field) -> Result<bool, EncodeError> {
        Ok(self.enter_key(field.id.0))
    }

    fn enter_element(&mut self, index: usize) -> Result<bool, EncodeError> {
        // SAFETY: the current value is a table, because `expect_array` came first; there is room for one value.
        unsafe {
            self.kind = ffi::lua_rawgeti(self.state, -1, index as i64 + 1);
            if self.kind != ffi::LUA_TNIL {
                return Ok(true);
            }
            ffi::lua_pop(self.state, 1);
        }
        Ok(false)
    }

    fn next_entry(&mut self, first: bool) -> Result<bool, EncodeError> {
        if first {
            if self.walks == u128::BITS {
                return Err(EncodeError::TooDeep);
            }
            self.walks += 1;
        }
        let bit = 1 << (self.walks - 1);
        // SAFETY: the current value is a table; between entries its key is on the stack and nothing was changed in it, so
        // that lua_next finds the key again and raises nothing.
        let found = unsafe {
            if first {
                ffi::lua_pushnil(self.state);
            } else {
                ffi::lua_pop(self.state, 1);
            }
            ffi::lua_next(self.state, -2) != 0
        };
        self.open = if found { self.open | bit } else { self.open & !bit };
        Ok(found)
    }

    fn enter_entry_key(&mut self) -> Result<(), EncodeError> {
        // SAFETY: an entry is open: its key is below its value.
        unsafe {
            ffi::lua_pushvalue(self.state, -2);
            self.kind = ffi::lua_type(self.state, -1);
        }
        Ok(())
    }

    fn enter_entry_value(&mut self) -> Result<(), EncodeError> {
        // SAFETY: an entry is open: its value is on the top.
        unsafe {
            ffi::lua_pushvalue(self.state, -1);
            self.kind = ffi::lua_type(self.state, -1);
        }
        Ok(())
    }

    fn leave(&mut self) {
        // SAFETY: what was entered is on the top.
        unsafe { ffi::lua_pop(self.state, 1) };
    }

    fn leave_entries(&mut self) {
        self.walks -= 1;
        let bit = 1 << self.walks;
        if self.open & bit != 0 {
            self.open &= !bit;
            // SAFETY: an entry is open: its key and value are on the top.
            unsafe { ffi::lua_pop(self.state, 2) };
        }
    }

    fn integer(&mut self) -> Result<i64, EncodeError> {
        let mut whole = 0;
        // SAFETY: reads the value on the top.
        unsafe {
            if self.kind == ffi::LUA_TNUMBER {
                let value = ffi::lua_tointegerx(self.state, -1, &mut whole);
                if whole != 0 {
                    return Ok(value);
                }
            }
        }
        self.refuse("an integer")
    }

    fn double(&mut self) -> Result<f64, EncodeError> {
        // SAFETY: reads the value on the top.
        unsafe {
            if self.kind == ffi::LUA_TNUMBER {
                return Ok(ffi::lua_tonumberx(self.state, -1, std::ptr::null_mut()));
            }
        }
        self.refuse("a number")
    }

    fn boolean(&mut self) -> Result<bool, EncodeError> {
        // SAFETY: reads the value on the top.
        unsafe {
            if self.kind == ffi::LUA_TBOOLEAN {
                return Ok(ffi::lua_toboolean(self.state, -1) != 0);
            }
        }
        self.refuse("a boolean")
    }

    fn bytes(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self.text() {
            Some(text) => {
                out.extend_from_slice(text);
                Ok(())
            }
            None => self.refuse("a string"),
        }
    }

    fn expect_struct(&mut self) -> Result<(), EncodeError> {
        self.expect_table("a table of fields")
    }

    fn expect_array(&mut self) -> Result<(), EncodeError> {
        self.expect_table("a list")
    }

    fn locate(error: EncodeError, place: &Place<'_>) -> EncodeError {
        error.at(place)
    }
}

/// Builds the message of type `ty` at the front of `bytes`; also returns how many of them it takes.
pub(super) fn decode(
    lua: &Lua,
    keys: &Table,
    schema: &Schema,
    ty: TypeId,
    bytes: &[u8],
) -> Result<(Value, usize), String> {
    build(lua, keys, |state| {
        let mut sink = TableSink { state, keys: KEYS, schema };
        throng_sproto::decode(schema, ty, bytes, &mut sink)
    })
}

/// Has `decode` push one value, with a schema's `keys` at [`KEYS`], and gives it with what else `decode` found out.
pub(super) fn build<T: Default, E: Display>(
    lua: &Lua,
    keys: &Table,
    decode: impl FnOnce(*mut lua_State) -> Result<T, E>,
) -> Result<(Value, T), String> {
    let mut decoded = Ok(T::default());
    // SAFETY: the closure captures references only, and the frames below it are as the module says; it leaves one value.
    let built = unsafe {
        lua.exec_raw::<Value>(keys, |state| {
            decoded = decode(state);
            if decoded.is_ok() {
                ffi::lua_remove(state, KEYS);
            } else {
                ffi::lua_settop(state, 0);
                ffi::lua_pushnil(state);
            }
        })
    };
    let found = decoded.map_err(|error| error.to_string())?;
    Ok((built.map_err(|error| error.to_string())?, found))
}

/// Pushes the message of type `ty` at the front of `bytes` and tells how many of them it takes; nothing is pushed when it is
/// none.
///
/// # Safety
/// `state` is a running one with room for a few values. Nothing is called in protected mode: it finds the memory that the
/// message takes, or nobody up to the next protected call has anything to drop.
pub(super) unsafe fn decode_onto(
    state: *mut lua_State,
    schema: &Schema,
    ty: TypeId,
    bytes: &[u8],
) -> Option<usize> {
    // SAFETY: all that could raise is memory that is not found, which is the caller's to bear.
    unsafe {
        let top = ffi::lua_gettop(state);
        if !push_keys(state, schema) {
            return None;
        }
        let mut sink = TableSink { state, keys: top + 1, schema };
        let used = throng_sproto::decode(schema, ty, bytes, &mut sink).ok();
        match used {
            Some(_) => ffi::lua_remove(state, top + 1),
            None => ffi::lua_settop(state, top),
        }
        used
    }
}

/// Pushes a string.
///
/// # Safety
/// As of [`decode_onto`].
pub(super) unsafe fn push_bytes(state: *mut lua_State, bytes: &[u8]) {
    // SAFETY: the caller's promise; Lua copies the bytes.
    unsafe { ffi::lua_pushlstring(state, bytes.as_ptr().cast(), bytes.len()) };
}

/// The table of keys is the argument of the protected function.
pub(super) const KEYS: c_int = 1;

/// Builds on the top of the Lua stack.
struct TableSink<'s> {
    state: *mut lua_State,
    /// Where the table of keys stands on the stack.
    keys: c_int,
    schema: &'s Schema,
}

/// Why a message cannot become a Lua table.
#[derive(Debug, thiserror::Error)]
enum SinkError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("the message nests more deeply than Lua's stack")]
    Stack,
    #[error("a key of map {0} is no number")]
    Key(Box<str>),
}

impl TableSink<'_> {
    /// All counts are of what stands in the message, and so bounded by its length.
    fn begin_table(&mut self, elements: usize, fields: usize) -> Result<(), SinkError> {
        let [elements, fields] = [elements, fields].map(|count| c_int::try_from(count).unwrap_or(c_int::MAX));
        // SAFETY: room is made for the table and what is put above it.
        unsafe {
            if ffi::lua_checkstack(self.state, SLOTS) == 0 {
                return Err(SinkError::Stack);
            }
            ffi::lua_createtable(self.state, elements, fields);
        }
        Ok(())
    }

    fn push_bytes(&mut self, value: &[u8]) {
        // SAFETY: the open table left room; Lua copies the bytes.
        unsafe { ffi::lua_pushlstring(self.state, value.as_ptr().cast(), value.len()) };
    }

    /// The id of the field that keys the structs of `field`.
    fn key_of(&self, field: &Field) -> Option<u32> {
        let (FieldType::Struct(ty), Repeat::MapByKey { key }) = (field.ty, field.repeat) else { return None };
        self.schema.type_def(ty).fields.get(usize::from(key)).map(|key| key.id.0)
    }
}

impl Sink for TableSink<'_> {
    type Error = SinkError;

    fn begin_struct(&mut self, _ty: &TypeDef, fields: usize) -> Result<(), SinkError> {
        self.begin_table(0, fields)
    }

    fn end_struct(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn begin_array(&mut self, _field: &Field, count: usize) -> Result<(), SinkError> {
        self.begin_table(count, 0)
    }

    fn end_array(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn begin_map(&mut self, _field: &Field, count: usize) -> Result<(), SinkError> {
        self.begin_table(0, count)
    }

    fn end_map(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn integer(&mut self, value: i64) -> Result<(), SinkError> {
        // SAFETY: the open table left room.
        unsafe { ffi::lua_pushinteger(self.state, value) };
        Ok(())
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

    fn string(&mut self, value: &[u8]) -> Result<(), SinkError> {
        self.push_bytes(value);
        Ok(())
    }

    fn binary(&mut self, value: &[u8]) -> Result<(), SinkError> {
        self.push_bytes(value);
        Ok(())
    }

    fn begin_field(&mut self, field: &Field) -> Result<(), SinkError> {
        // SAFETY: the open struct's table left room.
        unsafe { ffi::lua_rawgeti(self.state, self.keys, i64::from(field.id.0) + 1) };
        Ok(())
    }

    fn set_field(&mut self, _field: &Field) -> Result<(), SinkError> {
        // SAFETY: a finished value is on the top, its key, which is a string, and the open struct's table below it.
        unsafe { ffi::lua_rawset(self.state, -3) };
        Ok(())
    }

    fn push_element(&mut self, index: usize) -> Result<(), SinkError> {
        // SAFETY: a finished value is on the top and the open array's table below it.
        unsafe { ffi::lua_rawseti(self.state, -2, index as i64 + 1) };
        Ok(())
    }

    fn set_entry(&mut self, field: &Field) -> Result<(), SinkError> {
        // SAFETY: for a map by key the finished struct is on the top; for a map of pairs the key and the value are. The
        // map's table is below. A key that tables refuse (nil, NaN) is refused here, before Lua would raise.
        unsafe {
            if let Some(key) = self.key_of(field) {
                ffi::lua_rawgeti(self.state, self.keys, i64::from(key) + 1);
                ffi::lua_rawget(self.state, -2);
                ffi::lua_insert(self.state, -2);
            }
            let refused = match ffi::lua_type(self.state, -2) {
                ffi::LUA_TNIL => true,
                ffi::LUA_TNUMBER => ffi::lua_tonumberx(self.state, -2, std::ptr::null_mut()).is_nan(),
                _ => false,
            };
            if refused {
                return Err(SinkError::Key(field.name.clone()));
            }
            ffi::lua_rawset(self.state, -3);
        }
        Ok(())
    }
}
