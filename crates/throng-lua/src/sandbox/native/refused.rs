//! What stands in for a function that scripts must not have.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua};

/// A function that raises `message`, with the line of the script that calls it.
pub(in crate::sandbox) fn function(lua: &Lua, message: &str) -> mlua::Result<Function> {
    // SAFETY: the closure takes the message from the stack as its upvalue, and is the one result.
    unsafe { lua.exec_raw(message, |state| ffi::lua_pushcclosure(state, refuse, 1)) }
}

unsafe extern "C-unwind" fn refuse(state: *mut lua_State) -> c_int {
    ffi::luaL_error(state, c"%s".as_ptr(), ffi::lua_tostring(state, ffi::lua_upvalueindex(1)))
}
