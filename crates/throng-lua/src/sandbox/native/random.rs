//! `math.random` over the present robot's stream.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use mlua::{Lua, Table};

use super::{raise, set};
use crate::sandbox::random::{Stream, draw};

/// Replaces the function.
pub(in crate::sandbox) fn install(lua: &Lua) -> mlua::Result<()> {
    let library: Table = lua.globals().raw_get("math")?;
    set(lua, &library, "random", random)
}

unsafe extern "C-unwind" fn random(state: *mut lua_State) -> c_int {
    let (low, high) = match ffi::lua_gettop(state) {
        0 => {
            ffi::lua_pushnumber(state, draw(Stream::unit));
            return 1;
        }
        1 => match ffi::luaL_checkinteger(state, 1) {
            0 => {
                ffi::lua_pushinteger(state, draw(Stream::bits).cast_signed());
                return 1;
            }
            high => (1, high),
        },
        2 => (ffi::luaL_checkinteger(state, 1), ffi::luaL_checkinteger(state, 2)),
        _ => return raise(state, c"wrong number of arguments"),
    };
    if low > high {
        return ffi::luaL_argerror(state, 1, c"interval is empty".as_ptr());
    }
    ffi::lua_pushinteger(state, draw(|stream| stream.between(low, high)));
    1
}
