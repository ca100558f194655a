//! `pcall` and `xpcall`, which are the originals but for two things.
//!
//! What fails for want of memory has collected everything first, which takes as long as millions of instructions: where such an
//! error is caught, a check is due. It has to be made in the continuation: in a coroutine Lua comes back to nothing else after
//! an error.
//!
//! The message handler of `xpcall` is the one piece of Lua that would run inside the hook. Lua calls a message handler where
//! the error is raised. When the guard raises, that is within its hook, and hooks are off there: a handler that loops would
//! never be seen again. So a script's handler is not asked about errors of the guard.

use std::ffi::c_int;

use mlua::Lua;
use mlua::ffi::{self, lua_KContext, lua_State};

use super::{hook, set};
use crate::sandbox::guard;

/// Replaces the functions.
pub(in crate::sandbox) fn install(lua: &Lua) -> mlua::Result<()> {
    let globals = lua.globals();
    set(lua, &globals, "pcall", pcall)?;
    set(lua, &globals, "xpcall", xpcall)
}

unsafe extern "C-unwind" fn pcall(state: *mut lua_State) -> c_int {
    ffi::luaL_checkany(state, 1);
    // The first result, when there is no error.
    ffi::lua_pushboolean(state, 1);
    ffi::lua_insert(state, 1);
    let arguments = ffi::lua_gettop(state) - 2;
    let status = ffi::lua_pcallk(state, arguments, ffi::LUA_MULTRET, 0, 0, Some(finish));
    finish(state, status, 0)
}

unsafe extern "C-unwind" fn xpcall(state: *mut lua_State) -> c_int {
    let arguments = ffi::lua_gettop(state) - 2;
    ffi::luaL_checktype(state, 2, ffi::LUA_TFUNCTION);
    if ffi::lua_iscfunction(state, 2) == 0 {
        ffi::lua_pushvalue(state, 2);
        ffi::lua_pushcclosure(state, handle, 1);
        ffi::lua_replace(state, 2);
    }
    // The first result, when there is no error, and the function; both go below the arguments.
    ffi::lua_pushboolean(state, 1);
    ffi::lua_pushvalue(state, 1);
    ffi::lua_rotate(state, 3, 2);
    let status = ffi::lua_pcallk(state, arguments, ffi::LUA_MULTRET, 2, 2, Some(finish));
    finish(state, status, 2)
}

/// Gives the results of a protected call, of which the lowest `context` values are none.
unsafe extern "C-unwind" fn finish(state: *mut lua_State, status: c_int, context: lua_KContext) -> c_int {
    if status == ffi::LUA_OK || status == ffi::LUA_YIELD {
        return ffi::lua_gettop(state) - context as c_int;
    }
    if status == ffi::LUA_ERRMEM {
        hook::look(state);
    }
    ffi::lua_pushboolean(state, 0);
    ffi::lua_pushvalue(state, -2);
    2
}

/// The handler Lua sees; its upvalue is the script's.
unsafe extern "C-unwind" fn handle(state: *mut lua_State) -> c_int {
    if guard::cut().is_none() {
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, ffi::lua_gettop(state) - 1, 1);
    }
    1
}
