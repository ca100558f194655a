//! The basic functions that scripts get in another shape: `setmetatable`, `load`, `collectgarbage`,
//! `debug.traceback`, `os.date`.

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use mlua::ffi::{self, lua_CFunction, lua_State, luaL_Buffer};
use mlua::{Lua, Table};

use super::text::{ErrorText, to_bytes};
use super::{CALL, hook, original, pointer_of, raise, set};

/// The longest text that `load` takes, in bytes: parsing it must not hold the shard up.
const MAX_CHUNK: usize = 256 << 10;
/// Nanoseconds that parsing a byte takes, about.
const PARSED_BYTE: u64 = 50;
/// The longest format of `os.date`, in bytes.
const MAX_DATE_FORMAT: usize = 1_000;

static ORIGINALS: OnceLock<Originals> = OnceLock::new();

struct Originals {
    setmetatable: lua_CFunction,
    date: lua_CFunction,
}

/// Replaces the functions; `debug` is the table that gets `traceback`.
pub(in crate::sandbox) fn install(lua: &Lua, debug: &Table) -> mlua::Result<()> {
    let globals = lua.globals();
    if ORIGINALS.get().is_none() {
        let setmetatable = pointer_of(lua, &globals.raw_get("setmetatable")?)?;
        let originals = Originals { setmetatable, date: original(lua, "os", "date")? };
        // Another thread's find is the same.
        let _ = ORIGINALS.set(originals);
    }
    set(lua, &globals, "setmetatable", setmetatable)?;
    set(lua, &globals, "load", load)?;
    set(lua, &globals, "collectgarbage", collectgarbage)?;
    set(lua, debug, "traceback", traceback)?;
    let os: Table = globals.raw_get("os")?;
    set(lua, &os, "date", date)
}

fn originals() -> &'static Originals {
    ORIGINALS.get().expect("natives are reachable only after their installation")
}

/// Refuses finalizers: Lua runs them with hooks off, in whatever script happens to drive the collector.
///
/// Lua looks for `__gc` when a metatable is set, and never again, so this is the one place to refuse it.
unsafe extern "C-unwind" fn setmetatable(state: *mut lua_State) -> c_int {
    if ffi::lua_istable(state, 2) != 0 {
        ffi::lua_pushstring(state, c"__gc".as_ptr());
        if ffi::lua_rawget(state, 2) != ffi::LUA_TNIL {
            return raise(state, c"__gc is not available to robots: use a local variable with <close>");
        }
        ffi::lua_pop(state, 1);
    }
    (originals().setmetatable)(state)
}

unsafe extern "C-unwind" fn collectgarbage(state: *mut lua_State) -> c_int {
    let is_count = ffi::lua_type(state, 1) == ffi::LUA_TSTRING && to_bytes(state, 1) == Some(b"count");
    if !is_count {
        return raise(
            state,
            c"collectgarbage is available to robots for \"count\" only: the collector is shared",
        );
    }
    let kib = f64::from(ffi::lua_gc(state, ffi::LUA_GCCOUNT));
    let bytes = f64::from(ffi::lua_gc(state, ffi::LUA_GCCOUNTB));
    ffi::lua_pushnumber(state, kib + bytes / 1024.0);
    1
}

unsafe extern "C-unwind" fn load(state: *mut lua_State) -> c_int {
    let is_function = ffi::lua_isfunction(state, 1) != 0;
    let mode = ffi::luaL_optlstring(state, 3, c"t".as_ptr(), std::ptr::null_mut());
    let takes_text = CStr::from_ptr(mode).to_bytes().contains(&b't');
    let has_environment = ffi::lua_type(state, 4) != ffi::LUA_TNONE;
    ffi::lua_settop(state, 4);
    if is_function && !read_all(state) {
        return refuse_chunk(state);
    }
    let mut length = 0;
    let source = if is_function { -1 } else { 1 };
    let text = ffi::luaL_checklstring(state, source, &raw mut length);
    if length > MAX_CHUNK {
        return refuse_chunk(state);
    }
    let default_name = if is_function { c"=(load)".as_ptr() } else { text };
    let name = ffi::luaL_optlstring(state, 2, default_name, std::ptr::null_mut());
    hook::work(state, length as u64 * PARSED_BYTE);
    // Never a binary chunk, whatever the mode: Lua does not verify its instructions.
    let mode = if takes_text { c"t" } else { c"" };
    let status = ffi::luaL_loadbufferx(state, text, length, name, mode.as_ptr());
    if status != ffi::LUA_OK {
        ffi::lua_pushnil(state);
        ffi::lua_insert(state, -2);
        return 2;
    }
    if has_environment {
        ffi::lua_pushvalue(state, 4);
        if ffi::lua_setupvalue(state, -2, 1).is_null() {
            ffi::lua_pop(state, 1);
        }
    }
    1
}

/// Pushes what the reader, the first argument, gives piece by piece; false when that is too much.
unsafe fn read_all(state: *mut lua_State) -> bool {
    let mut buffer = MaybeUninit::<luaL_Buffer>::uninit();
    let buffer = buffer.as_mut_ptr();
    ffi::luaL_buffinit(state, buffer);
    loop {
        hook::work(state, CALL);
        ffi::lua_pushvalue(state, 1);
        ffi::lua_call(state, 0, 1);
        if ffi::lua_isnil(state, -1) != 0 {
            break;
        }
        if ffi::lua_isstring(state, -1) == 0 {
            raise(state, c"reader function must return a string");
        }
        if ffi::lua_rawlen(state, -1) == 0 && ffi::lua_type(state, -1) == ffi::LUA_TSTRING {
            break;
        }
        ffi::luaL_addvalue(buffer);
        if ffi::luaL_bufflen(buffer) > MAX_CHUNK {
            return false;
        }
    }
    ffi::lua_pop(state, 1);
    ffi::luaL_pushresult(buffer);
    true
}

unsafe fn refuse_chunk(state: *mut lua_State) -> c_int {
    ffi::lua_pushnil(state);
    let limit = MAX_CHUNK >> 10;
    ErrorText::new(format_args!(
        "chunk too long: the limit of load is {limit} KiB, use require for a file in lib"
    ))
    .push(state);
    2
}

unsafe extern "C-unwind" fn traceback(state: *mut lua_State) -> c_int {
    let of_thread = ffi::lua_isthread(state, 1) != 0;
    let (of, message) = if of_thread { (ffi::lua_tothread(state, 1), 2) } else { (state, 1) };
    let text = ffi::lua_tostring(state, message);
    if text.is_null() && ffi::lua_isnoneornil(state, message) == 0 {
        ffi::lua_pushvalue(state, message);
    } else {
        let own_level = if of == state { 1 } else { 0 };
        let level = ffi::luaL_optinteger(state, message + 1, own_level);
        ffi::luaL_traceback(state, of, text, c_int::try_from(level).unwrap_or(c_int::MAX));
    }
    1
}

unsafe extern "C-unwind" fn date(state: *mut lua_State) -> c_int {
    if to_bytes(state, 1).is_some_and(|format| format.len() > MAX_DATE_FORMAT) {
        return raise(state, c"the format of os.date is too long");
    }
    (originals().date)(state)
}
