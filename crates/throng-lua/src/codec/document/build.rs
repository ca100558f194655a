//! Lua values as they are read: on the stack, or as mlua's.
//!
//! On the stack nothing is called in protected mode, because whoever makes an [`OnStack`] has found that memory suffices.
#![allow(unsafe_code)]

use mlua::ffi::{self, lua_State};
use mlua::{Lua, Table, Value};
use std::ffi::c_int;
use std::ptr;
use throng_wire::Build;

use super::read::{list_mark, push_list_mark};

/// Slots of the Lua stack one step takes.
const SLOTS: c_int = 6;

const FULL: &str = "it nests more deeply than Lua's stack";
const NO_MEMORY: &str = "there is not enough memory for it";
const NO_KEY: &str = "a key of a map is nothing, or no number";

/// On the top of the Lua stack.
pub(super) struct OnStack {
    state: *mut lua_State,
    top: c_int,
}

impl OnStack {
    /// # Safety
    /// The state is a running one with room for a few values and finds all the memory that is wanted of it.
    pub(super) unsafe fn new(state: *mut lua_State) -> OnStack {
        // SAFETY: reads a field.
        OnStack { state, top: unsafe { ffi::lua_gettop(state) } }
    }

    /// Leaves the finished value, or nothing.
    pub(super) fn finish(self, built: bool) -> bool {
        // SAFETY: what is above `top` was pushed here.
        unsafe {
            match built {
                true if is_null(self.state, -1) => {
                    ffi::lua_settop(self.state, self.top);
                    ffi::lua_pushnil(self.state);
                }
                true => {}
                false => ffi::lua_settop(self.state, self.top),
            }
        }
        built
    }

    fn room(&self) -> Result<(), &'static str> {
        // SAFETY: growing the stack raises nothing; a refusal is answered with 0.
        if unsafe { ffi::lua_checkstack(self.state, SLOTS) } == 0 { Err(FULL) } else { Ok(()) }
    }
}

unsafe fn is_null(state: *mut lua_State, index: c_int) -> bool {
    // SAFETY: reads a value.
    unsafe {
        ffi::lua_type(state, index) == ffi::LUA_TLIGHTUSERDATA && ffi::lua_touserdata(state, index).is_null()
    }
}

// SAFETY of each method: `new` was promised a running state and memory; each value that is opened makes room for those put
// above it, and readers finish values in the order that the trait says.
impl Build for OnStack {
    fn null(&mut self) -> Result<(), &'static str> {
        // SAFETY: as above.
        unsafe { ffi::lua_pushlightuserdata(self.state, ptr::null_mut()) };
        Ok(())
    }

    fn boolean(&mut self, value: bool) -> Result<(), &'static str> {
        // SAFETY: as above.
        unsafe { ffi::lua_pushboolean(self.state, c_int::from(value)) };
        Ok(())
    }

    fn integer(&mut self, value: i64) -> Result<(), &'static str> {
        // SAFETY: as above.
        unsafe { ffi::lua_pushinteger(self.state, value) };
        Ok(())
    }

    fn number(&mut self, value: f64) -> Result<(), &'static str> {
        // SAFETY: as above.
        unsafe { ffi::lua_pushnumber(self.state, value) };
        Ok(())
    }

    fn text(&mut self, value: &[u8]) -> Result<(), &'static str> {
        // SAFETY: as above; Lua copies the bytes.
        unsafe { ffi::lua_pushlstring(self.state, value.as_ptr().cast(), value.len()) };
        Ok(())
    }

    fn open(&mut self) -> Result<(), &'static str> {
        self.room()?;
        // SAFETY: as above.
        unsafe { ffi::lua_createtable(self.state, 0, 0) };
        Ok(())
    }

    fn element(&mut self, place: i64) -> Result<(), &'static str> {
        // SAFETY: as above: the value is on the top and the list below it.
        unsafe { ffi::lua_rawseti(self.state, -2, place) };
        Ok(())
    }

    fn entry(&mut self) -> Result<(), &'static str> {
        // SAFETY: as above: the value is on the top, the key below it, the map below that; keys that tables refuse are refused
        // before Lua would raise.
        unsafe {
            if is_null(self.state, -1) {
                ffi::lua_pop(self.state, 2);
                return Ok(());
            }
            let refused = match ffi::lua_type(self.state, -2) {
                ffi::LUA_TNUMBER => ffi::lua_tonumberx(self.state, -2, ptr::null_mut()).is_nan(),
                ffi::LUA_TSTRING | ffi::LUA_TBOOLEAN => false,
                _ => true,
            };
            if refused {
                return Err(NO_KEY);
            }
            ffi::lua_rawset(self.state, -3);
        }
        Ok(())
    }

    fn close_list(&mut self, count: i64) -> Result<(), &'static str> {
        if count == 0 {
            // SAFETY: as above: the list is on the top.
            unsafe {
                if push_list_mark(self.state) {
                    ffi::lua_setmetatable(self.state, -2);
                }
            }
        }
        Ok(())
    }
}

/// As mlua's values, which may run out of memory.
pub(super) struct Values<'l> {
    lua: &'l Lua,
    stack: Vec<Value>,
    mark: Table,
}

impl<'l> Values<'l> {
    pub(super) fn new(lua: &'l Lua) -> Result<Values<'l>, String> {
        Ok(Values { lua, stack: Vec::new(), mark: list_mark(lua).map_err(|error| error.to_string())? })
    }

    pub(super) fn finish(mut self) -> Value {
        match self.stack.pop() {
            Some(value) if value.is_null() => Value::Nil,
            Some(value) => value,
            None => Value::Nil,
        }
    }

    fn push(&mut self, value: mlua::Result<Value>) -> Result<(), &'static str> {
        self.stack.push(value.map_err(|_| NO_MEMORY)?);
        Ok(())
    }

    fn pop(&mut self) -> Value {
        self.stack.pop().unwrap_or(Value::Nil)
    }

    fn table(&self) -> Result<&Table, &'static str> {
        self.stack.last().and_then(Value::as_table).ok_or(NO_MEMORY)
    }
}

impl Build for Values<'_> {
    fn null(&mut self) -> Result<(), &'static str> {
        self.push(Ok(Value::NULL))
    }

    fn boolean(&mut self, value: bool) -> Result<(), &'static str> {
        self.push(Ok(Value::Boolean(value)))
    }

    fn integer(&mut self, value: i64) -> Result<(), &'static str> {
        self.push(Ok(Value::Integer(value)))
    }

    fn number(&mut self, value: f64) -> Result<(), &'static str> {
        self.push(Ok(Value::Number(value)))
    }

    fn text(&mut self, value: &[u8]) -> Result<(), &'static str> {
        self.push(self.lua.create_string(value).map(Value::String))
    }

    fn open(&mut self) -> Result<(), &'static str> {
        self.push(self.lua.create_table().map(Value::Table))
    }

    fn element(&mut self, place: i64) -> Result<(), &'static str> {
        let value = self.pop();
        self.table()?.raw_set(place, value).map_err(|_| NO_MEMORY)
    }

    fn entry(&mut self) -> Result<(), &'static str> {
        let (value, key) = (self.pop(), self.pop());
        if value.is_null() {
            return Ok(());
        }
        match key {
            Value::Number(number) if number.is_nan() => Err(NO_KEY),
            Value::String(_) | Value::Integer(_) | Value::Number(_) | Value::Boolean(_) => {
                self.table()?.raw_set(key, value).map_err(|_| NO_MEMORY)
            }
            _ => Err(NO_KEY),
        }
    }

    fn close_list(&mut self, count: i64) -> Result<(), &'static str> {
        if count > 0 {
            return Ok(());
        }
        self.table()?.set_metatable(Some(self.mark.clone())).map_err(|_| NO_MEMORY)
    }
}
