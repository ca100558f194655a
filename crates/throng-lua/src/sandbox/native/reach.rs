//! The walk over everything that a value reaches: tables, captured variables, the stacks of coroutines.
//!
//! It only looks, with calls that raise nothing and collect nothing. What is still to be looked into stands on the Lua stack.

use std::collections::HashSet;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;

use mlua::ffi::{self, lua_Debug, lua_State};
use mlua::{Lua, Value};

/// What things take in bytes, about.
const TABLE: usize = 56;
const ELEMENT: usize = 16;
const FIELD: usize = 36;
const STRING: usize = 25;
const FUNCTION: usize = 32;
const VARIABLE: usize = 16;
const COROUTINE: usize = 1_000;
const USERDATA: usize = 40;
/// Slots of the stack that a step of the walk may use.
const SLOTS: c_int = 8;

/// Things that have been seen, by address.
pub(in crate::sandbox) type Seen = HashSet<*const c_void>;

/// A walk under way.
pub(in crate::sandbox) struct Walk<'a> {
    /// What is not looked at.
    pub(in crate::sandbox) foreign: &'a Seen,
    /// What was looked at.
    pub(in crate::sandbox) seen: &'a mut Seen,
    /// Bytes after which the walk ends.
    pub(in crate::sandbox) enough: usize,
    pub(in crate::sandbox) bytes: usize,
}

impl Walk<'_> {
    /// Counts what `roots` reach.
    pub(in crate::sandbox) fn from(&mut self, lua: &Lua, roots: &[Value]) {
        lua.exec_raw_lua(|raw| {
            let state = raw.state();
            // SAFETY: the state is the running one; its stack is left as it was; only values are pushed and looked at.
            unsafe {
                let base = ffi::lua_gettop(state);
                for root in roots {
                    if ffi::lua_checkstack(state, SLOTS) == 0 || raw.push(root).is_err() {
                        break;
                    }
                    self.take(state, 0);
                }
                self.scan_down_to(state, base);
                ffi::lua_settop(state, base);
            }
        });
    }

    fn is_over(&self) -> bool {
        self.bytes >= self.enough
    }

    /// Makes room for a step; where there is none, there is more than enough.
    unsafe fn has_room(&mut self, state: *mut lua_State) -> bool {
        let room = ffi::lua_checkstack(state, SLOTS) != 0;
        if !room {
            self.bytes = self.bytes.max(self.enough);
        }
        room && !self.is_over()
    }

    unsafe fn scan_down_to(&mut self, state: *mut lua_State, base: c_int) {
        while ffi::lua_gettop(state) > base && self.has_room(state) {
            match ffi::lua_type(state, -1) {
                ffi::LUA_TTABLE => self.table(state),
                ffi::LUA_TFUNCTION => self.function(state),
                ffi::LUA_TTHREAD => self.coroutine(state),
                _ => {}
            }
            ffi::lua_pop(state, 1);
        }
    }

    /// Counts the value on the top, and takes it from there: to below the `above` values under it, if there is more behind
    /// it.
    unsafe fn take(&mut self, state: *mut lua_State, above: c_int) {
        let size = match ffi::lua_type(state, -1) {
            ffi::LUA_TTABLE => TABLE,
            ffi::LUA_TFUNCTION => FUNCTION,
            ffi::LUA_TTHREAD => COROUTINE,
            ffi::LUA_TSTRING => STRING + ffi::lua_rawlen(state, -1) as usize,
            ffi::LUA_TUSERDATA => USERDATA + ffi::lua_rawlen(state, -1) as usize,
            _ => return ffi::lua_pop(state, 1),
        };
        let address = ffi::lua_topointer(state, -1);
        if self.foreign.contains(&address) || !self.seen.insert(address) {
            return ffi::lua_pop(state, 1);
        }
        self.bytes = self.bytes.saturating_add(size);
        match ffi::lua_type(state, -1) {
            ffi::LUA_TTABLE | ffi::LUA_TFUNCTION | ffi::LUA_TTHREAD => ffi::lua_insert(state, -1 - above),
            _ => ffi::lua_pop(state, 1),
        }
    }

    unsafe fn table(&mut self, state: *mut lua_State) {
        if ffi::lua_getmetatable(state, -1) != 0 {
            self.take(state, 1);
        }
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, -2) != 0 {
            let is_element = ffi::lua_isinteger(state, -2) != 0;
            self.bytes = self.bytes.saturating_add(if is_element { ELEMENT } else { FIELD });
            self.take(state, 2);
            ffi::lua_pushvalue(state, -1);
            self.take(state, 2);
            if !self.has_room(state) {
                ffi::lua_pop(state, 1);
                return;
            }
        }
    }

    unsafe fn function(&mut self, state: *mut lua_State) {
        let mut index = 1;
        while !ffi::lua_getupvalue(state, -1, index).is_null() {
            self.bytes = self.bytes.saturating_add(VARIABLE);
            self.take(state, 1);
            if !self.has_room(state) {
                return;
            }
            index += 1;
        }
    }

    /// The functions on a coroutine's stack and their variables; of one that has not begun, its function and arguments.
    unsafe fn coroutine(&mut self, state: *mut lua_State) {
        let coroutine = ffi::lua_tothread(state, -1);
        if coroutine == state || ffi::lua_checkstack(coroutine, SLOTS) == 0 {
            return;
        }
        for slot in 1..=ffi::lua_gettop(coroutine) {
            ffi::lua_pushvalue(coroutine, slot);
            if !self.fetch(state, coroutine) {
                return;
            }
        }
        let mut frame = MaybeUninit::<lua_Debug>::zeroed();
        let mut level = 0;
        while ffi::lua_getstack(coroutine, level, frame.as_mut_ptr()) != 0 {
            ffi::lua_getinfo(coroutine, c"f".as_ptr(), frame.as_mut_ptr());
            if !self.fetch(state, coroutine) {
                return;
            }
            // Variables count up from 1, the arguments beyond the named ones down from -1.
            for step in [1, -1] {
                let mut index = step;
                while !ffi::lua_getlocal(coroutine, frame.as_mut_ptr(), index).is_null() {
                    if !self.fetch(state, coroutine) {
                        return;
                    }
                    index += step;
                }
            }
            level += 1;
        }
    }

    /// Takes the value on top of the coroutine's stack; whether to go on.
    unsafe fn fetch(&mut self, state: *mut lua_State, coroutine: *mut lua_State) -> bool {
        ffi::lua_xmove(coroutine, state, 1);
        self.bytes = self.bytes.saturating_add(VARIABLE);
        self.take(state, 1);
        self.has_room(state)
    }
}
