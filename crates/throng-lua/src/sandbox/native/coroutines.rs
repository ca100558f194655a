//! `coroutine.resume`, `wrap` and `close` as checks of the guard.
//!
//! Each coroutine counts its instructions by itself, so a script that keeps resuming short ones would be
//! checked late: a switch is a check too. And a coroutine that died of the guard's error is left without
//! hooks by Lua, so it is never closed: the `<close>` variables in it are lost with it.

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::OnceLock;

use mlua::ffi::{self, lua_CFunction, lua_State};
use mlua::{Lua, Table};

use super::{hook, original, set};
use crate::sandbox::guard;

/// Switches between two checks of the clock.
const SWITCHES_PER_CHECK: u32 = 32;

static ORIGINALS: OnceLock<Originals> = OnceLock::new();

struct Originals {
    create: lua_CFunction,
    resume: lua_CFunction,
    close: lua_CFunction,
}

thread_local! {
    static SWITCHES: Cell<u32> = const { Cell::new(0) };
}

/// Replaces the functions.
pub(in crate::sandbox) fn install(lua: &Lua) -> mlua::Result<()> {
    let find = |name| original(lua, "coroutine", name);
    if ORIGINALS.get().is_none() {
        let originals = Originals { create: find("create")?, resume: find("resume")?, close: find("close")? };
        // Another thread's find is the same.
        let _ = ORIGINALS.set(originals);
    }
    let library: Table = lua.globals().raw_get("coroutine")?;
    set(lua, &library, "resume", resume)?;
    set(lua, &library, "wrap", wrap)?;
    set(lua, &library, "close", close)
}

fn originals() -> &'static Originals {
    ORIGINALS.get().expect("natives are reachable only after their installation")
}

unsafe extern "C-unwind" fn resume(state: *mut lua_State) -> c_int {
    enter(state);
    let results = (originals().resume)(state);
    leave(state);
    results
}

unsafe extern "C-unwind" fn wrap(state: *mut lua_State) -> c_int {
    (originals().create)(state);
    ffi::lua_pushcclosure(state, wrapped, 1);
    1
}

/// What `coroutine.wrap` returns; its upvalue is the coroutine.
unsafe extern "C-unwind" fn wrapped(state: *mut lua_State) -> c_int {
    enter(state);
    let coroutine = ffi::lua_tothread(state, ffi::lua_upvalueindex(1));
    let results = transfer(state, coroutine);
    if results < 0 {
        pass_error_on(state, coroutine)
    } else {
        leave(state);
        results
    }
}

/// Resumes `coroutine` with the arguments of the present call; its results, or below zero its error, are on
/// the stack then.
unsafe fn transfer(state: *mut lua_State, coroutine: *mut lua_State) -> c_int {
    let arguments = ffi::lua_gettop(state);
    if ffi::lua_checkstack(coroutine, arguments) == 0 {
        ffi::lua_pushstring(state, c"too many arguments to resume".as_ptr());
        return -1;
    }
    ffi::lua_xmove(state, coroutine, arguments);
    let mut results = 0;
    let status = ffi::lua_resume(coroutine, state, arguments, &raw mut results);
    if status != ffi::LUA_OK && status != ffi::LUA_YIELD {
        ffi::lua_xmove(coroutine, state, 1);
        return -1;
    }
    if ffi::lua_checkstack(state, results + 1) == 0 {
        ffi::lua_pop(coroutine, results);
        ffi::lua_pushstring(state, c"too many results to resume".as_ptr());
        return -1;
    }
    ffi::lua_xmove(coroutine, state, results);
    results
}

unsafe fn pass_error_on(state: *mut lua_State, coroutine: *mut lua_State) -> c_int {
    let mut status = ffi::lua_status(coroutine);
    if hook::is_cut_off_error(state) {
        hook::press(state);
    } else if status != ffi::LUA_OK && status != ffi::LUA_YIELD {
        status = ffi::lua_closethread(coroutine, state);
        ffi::lua_xmove(coroutine, state, 1);
    }
    let plain = status != ffi::LUA_ERRMEM && !hook::is_cut_off_error(state);
    if plain && ffi::lua_type(state, -1) == ffi::LUA_TSTRING {
        ffi::luaL_where(state, 1);
        ffi::lua_insert(state, -2);
        ffi::lua_concat(state, 2);
    }
    ffi::lua_error(state)
}

unsafe extern "C-unwind" fn close(state: *mut lua_State) -> c_int {
    enter(state);
    let coroutine = ffi::lua_tothread(state, 1);
    let died = !coroutine.is_null() && ffi::lua_status(coroutine) > ffi::LUA_YIELD;
    if died && hook::is_cut_off_error(coroutine) {
        ffi::lua_pushboolean(state, 0);
        ffi::lua_pushvalue(coroutine, -1);
        ffi::lua_xmove(coroutine, state, 1);
        return 2;
    }
    let results = (originals().close)(state);
    leave(state);
    results
}

/// Before a switch: checks now and then, and at once when the script was cut off already.
unsafe fn enter(state: *mut lua_State) {
    let switches = SWITCHES.get().wrapping_add(1);
    SWITCHES.set(switches);
    if switches.is_multiple_of(SWITCHES_PER_CHECK) || guard::cut().is_some() {
        hook::check(state);
    }
}

/// After a switch: when the coroutine was cut off, whoever resumed it goes down as well, before its next
/// instruction.
unsafe fn leave(state: *mut lua_State) {
    if guard::cut().is_some() {
        hook::press(state);
    }
}
