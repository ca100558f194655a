//! `coroutine.resume`, `wrap` and `close` as checks of the guard, and `running`, which hides the host's coroutines.
//!
//! Each switch tells [`pulse`] who runs. Each coroutine counts its instructions by itself, so a script that keeps resuming short ones would be
//! checked late: a switch is a check too. And a coroutine that died of the guard's error is left without
//! hooks by Lua, so it is never closed: the `<close>` variables in it are lost with it.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use mlua::ffi::{self, lua_CFunction, lua_Debug, lua_State};
use mlua::{Lua, Table};

use super::{hook, original, pulse, set};
use crate::sandbox::guard;

/// What `lua_resume` says when it refuses a coroutine. It makes a string of that outside of any protected call: if there
/// were no memory for it, the process would end.
const REFUSALS: [&str; 3] =
    ["cannot resume dead coroutine", "cannot resume non-suspended coroutine", "C stack overflow"];
/// Where they are kept.
const KEPT: &str = "throng.refusals";

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
    /// Coroutines of the script's own that run, each resumed by the last.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Replaces the functions.
pub(in crate::sandbox) fn install(lua: &Lua) -> mlua::Result<()> {
    let find = |name| original(lua, "coroutine", name);
    if ORIGINALS.get().is_none() {
        let originals = Originals { create: find("create")?, resume: find("resume")?, close: find("close")? };
        // Another thread's find is the same.
        let _ = ORIGINALS.set(originals);
    }
    // Lua has each short string once: for one that exists it takes no memory.
    lua.set_named_registry_value(KEPT, lua.create_sequence_from(REFUSALS)?)?;
    let library: Table = lua.globals().raw_get("coroutine")?;
    set(lua, &library, "resume", resume)?;
    set(lua, &library, "wrap", wrap)?;
    set(lua, &library, "close", close)?;
    set(lua, &library, "running", running)
}

fn originals() -> &'static Originals {
    ORIGINALS.get().expect("natives are reachable only after their installation")
}

unsafe extern "C-unwind" fn resume(state: *mut lua_State) -> c_int {
    enter(state);
    let coroutine = ffi::lua_tothread(state, 1);
    if coroutine.is_null() {
        return (originals().resume)(state);
    }
    DEPTH.set(DEPTH.get() + 1);
    let results = transfer(state, coroutine, ffi::lua_gettop(state) - 1);
    DEPTH.set(DEPTH.get() - 1);
    leave(state);
    if results < 0 && hook::is_memory_error(state) {
        hook::look(state);
    }
    let values = if results < 0 { 1 } else { results };
    ffi::lua_pushboolean(state, c_int::from(results >= 0));
    ffi::lua_insert(state, -(values + 1));
    values + 1
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
    DEPTH.set(DEPTH.get() + 1);
    let results = transfer(state, coroutine, ffi::lua_gettop(state));
    DEPTH.set(DEPTH.get() - 1);
    if results < 0 {
        pass_error_on(state, coroutine)
    } else {
        leave(state);
        results
    }
}

/// Resumes `coroutine` with the uppermost `arguments`; its results, or below zero its error, are on the stack
/// then.
unsafe fn transfer(state: *mut lua_State, coroutine: *mut lua_State, arguments: c_int) -> c_int {
    if ffi::lua_checkstack(coroutine, arguments) == 0 {
        ffi::lua_pushstring(state, c"too many arguments to resume".as_ptr());
        return -1;
    }
    ffi::lua_xmove(state, coroutine, arguments);
    let mut results = 0;
    let status =
        pulse::within(state, coroutine, || ffi::lua_resume(coroutine, state, arguments, &raw mut results));
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
    if status == ffi::LUA_ERRMEM {
        hook::look(state);
    }
    if hook::is_cut_off_error(state) {
        hook::press(state);
    } else if status != ffi::LUA_OK && status != ffi::LUA_YIELD {
        status = pulse::within(state, coroutine, || ffi::lua_closethread(coroutine, state));
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

/// What the host runs a script in is told as a main coroutine that is of no use: the true one will serve other robots as well.
unsafe extern "C-unwind" fn running(state: *mut lua_State) -> c_int {
    let is_own = DEPTH.get() > 0;
    if is_own {
        ffi::lua_pushthread(state);
    } else {
        push_stand_in(state);
    }
    ffi::lua_pushboolean(state, c_int::from(!is_own));
    2
}

/// The registry key of what stands for the host's coroutines.
static STAND_IN: u8 = 0;

unsafe fn push_stand_in(state: *mut lua_State) {
    let key = (&raw const STAND_IN).cast::<c_void>();
    if ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, key) != ffi::LUA_TTHREAD {
        ffi::lua_pop(state, 1);
        ffi::lua_newthread(state);
        ffi::lua_pushvalue(state, -1);
        ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, key);
    }
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
    if coroutine.is_null() || is_active(coroutine) {
        return (originals().close)(state);
    }
    let status = pulse::within(state, coroutine, || ffi::lua_closethread(coroutine, state));
    leave(state);
    ffi::lua_pushboolean(state, c_int::from(status == ffi::LUA_OK));
    if status == ffi::LUA_OK {
        return 1;
    }
    ffi::lua_xmove(coroutine, state, 1);
    2
}

/// Whether `coroutine` runs, or has resumed another that does; such a one cannot be closed.
unsafe fn is_active(coroutine: *mut lua_State) -> bool {
    let mut frame = MaybeUninit::<lua_Debug>::uninit();
    ffi::lua_status(coroutine) == ffi::LUA_OK && ffi::lua_getstack(coroutine, 0, frame.as_mut_ptr()) != 0
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
