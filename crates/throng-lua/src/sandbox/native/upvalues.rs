//! The variables a function shares with others.

use std::ffi::{CStr, c_int, c_void};

use mlua::ffi;
use mlua::{Function, Lua, Value};

/// A captured variable as a function sees it.
pub(in crate::sandbox) struct Upvalue {
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) value: Value,
    /// The same for all functions that share the variable.
    pub(in crate::sandbox) identity: *const c_void,
}

/// The function's variable of that index, from 1.
pub(in crate::sandbox) fn get(lua: &Lua, function: &Function, index: c_int) -> mlua::Result<Option<Upvalue>> {
    let mut found = None;
    // SAFETY: the argument is a function; the closure leaves one value, the variable's or nil, and raises
    // nothing.
    let value = unsafe {
        lua.exec_raw::<Value>(function, |state| {
            let name = ffi::lua_getupvalue(state, 1, index);
            if name.is_null() {
                ffi::lua_pushnil(state);
            } else {
                let name = CStr::from_ptr(name).to_string_lossy().into_owned();
                found = Some((name, ffi::lua_upvalueid(state, 1, index).cast_const()));
            }
            ffi::lua_remove(state, 1);
        })?
    };
    Ok(found.map(|(name, identity)| Upvalue { name, value, identity }))
}

/// Gives the function's variable of that index a value.
pub(in crate::sandbox) fn set(
    lua: &Lua,
    function: &Function,
    index: c_int,
    value: &Value,
) -> mlua::Result<()> {
    // SAFETY: the arguments are a function and a value, which is popped.
    unsafe {
        lua.exec_raw::<()>((function, value), |state| {
            ffi::lua_setupvalue(state, 1, index);
            ffi::lua_settop(state, 0);
        })
    }
}
