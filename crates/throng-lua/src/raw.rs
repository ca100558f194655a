//! What mlua's safe interface does not tell about functions and coroutines.
//!
//! Each function here only looks: it leaves the stacks as they were and calls nothing that can raise.
#![allow(unsafe_code)]

use mlua::ffi::{self, lua_Debug, lua_State};
use mlua::{Function, Lua, Thread};
use std::ffi::{CStr, c_char};
use std::mem;

/// The coroutine that runs now, if it could yield here: not inside a comparator, a `gsub` callback or a metamethod that
/// Lua's own C code called.
pub(crate) fn yieldable_coroutine(lua: &Lua) -> Option<*mut lua_State> {
    lua.exec_raw_lua(|raw| {
        let state = raw.state();
        // SAFETY: the state is the running one; the call reads one of its fields.
        (unsafe { ffi::lua_isyieldable(state) } != 0).then_some(state)
    })
}

/// The name of a Lua function's first parameter.
pub(crate) fn first_parameter(lua: &Lua, function: &Function) -> Option<String> {
    let mut name = None;
    // SAFETY: with no activation record lua_getlocal reads the name from the function on the top of the stack, which is
    // the one argument, and pops it; the name lives as long as the function.
    let looked = unsafe {
        lua.exec_raw::<()>(function, |state| {
            name = text(ffi::lua_getlocal(state, std::ptr::null(), 1));
            ffi::lua_settop(state, 0);
        })
    };
    looked.ok().and(name)
}

/// A place in the source of a suspended coroutine: the innermost frame that `of_user` accepts, as source and line.
pub(crate) fn suspended_at(thread: &Thread, of_user: impl Fn(&str) -> bool) -> Option<(String, u32)> {
    let state = thread.state();
    for level in 0.. {
        // SAFETY: lua_Debug is plain data for which all zeros is a value.
        let mut record: lua_Debug = unsafe { mem::zeroed() };
        // SAFETY: the thread is alive, because `thread` refers to it; a level past the end is answered with 0, and the
        // record of an existing level may be asked for source and line.
        let known = unsafe {
            ffi::lua_getstack(state, level, &mut record) != 0
                && ffi::lua_getinfo(state, c"Sl".as_ptr(), &mut record) != 0
        };
        if !known {
            break;
        }
        // SAFETY: lua_getinfo with `S` leaves a pointer to a terminated text of the function's, which the frame keeps alive.
        let source = unsafe { text(record.source) }?;
        if record.currentline > 0 && of_user(&source) {
            return Some((source, record.currentline as u32));
        }
    }
    None
}

/// # Safety
/// `pointer` is null or points to a terminated string that lives during the call.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}
