//! `xpcall`, whose message handler is the one piece of Lua that would run inside the hook.
//!
//! Lua calls a message handler where the error is raised. When the guard raises, that is within its hook, and
//! hooks are off there: a handler that loops would never be seen again. So a script's handler is not asked
//! about errors of the guard.

use std::ffi::c_int;
use std::sync::OnceLock;

use mlua::Lua;
use mlua::ffi::{self, lua_CFunction, lua_State};

use super::{pointer_of, set};
use crate::sandbox::guard;

static XPCALL: OnceLock<lua_CFunction> = OnceLock::new();

/// Replaces the function.
pub(in crate::sandbox) fn install(lua: &Lua) -> mlua::Result<()> {
    let globals = lua.globals();
    let original = pointer_of(lua, &globals.raw_get("xpcall")?)?;
    XPCALL.get_or_init(|| original);
    set(lua, &globals, "xpcall", xpcall)
}

unsafe extern "C-unwind" fn xpcall(state: *mut lua_State) -> c_int {
    let handler_is_lua = ffi::lua_isfunction(state, 2) != 0 && ffi::lua_iscfunction(state, 2) == 0;
    if handler_is_lua {
        ffi::lua_pushvalue(state, 2);
        ffi::lua_pushcclosure(state, handle, 1);
        ffi::lua_replace(state, 2);
    }
    XPCALL.get().expect("natives are reachable only after their installation")(state)
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
