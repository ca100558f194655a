//! The functions Lua calls directly: the sandbox's only unsafe code.
//!
//! The standard functions these replace cost 30 to 60 ns a call, so they are written against the C interface;
//! a callback through mlua would cost several times that. Three rules hold in this folder:
//!
//! - Whatever can raise (most calls that take a state) jumps over the frames between it and the protected
//!   call that catches it. So no value with a destructor is alive in a native function when such a call is
//!   made.
//! - A native that may work long without executing Lua instructions says so with [`hook::work`], or checks
//!   its arguments first.
//! - A native that only has to look first ends by calling the original, found once at installation, in its
//!   own frame.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

pub(super) mod base;
pub(super) mod coroutines;
pub(super) mod frozen;
pub(super) mod hook;
pub(super) mod matching;
pub(super) mod protected;
pub(super) mod pulse;
pub(super) mod random;
pub(super) mod reach;
pub(super) mod refused;
pub(super) mod strings;
pub(super) mod tables;
mod text;
pub(super) mod upvalues;

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_CFunction, lua_State};
use mlua::{Function, Lua, Table};

/// The longest string that a single call may make, in bytes.
const MAX_STRING: usize = 64 << 20;
/// Nanoseconds that a call from a native costs at the least, with a protected call and an error in it.
const CALL: u64 = 500;

/// Puts a native function into `table`.
fn set(lua: &Lua, table: &Table, name: &str, native: lua_CFunction) -> mlua::Result<()> {
    table.raw_set(name, function(lua, native)?)
}

fn function(lua: &Lua, native: lua_CFunction) -> mlua::Result<Function> {
    // SAFETY: every native here follows the rules above, and takes nothing from the state but its arguments.
    unsafe { lua.create_c_function(native) }
}

/// The C function behind a standard function.
fn pointer_of(lua: &Lua, function: &Function) -> mlua::Result<lua_CFunction> {
    let mut pointer = None;
    // SAFETY: reads the one argument and leaves no results.
    unsafe {
        lua.exec_raw::<()>(function, |state| {
            pointer = ffi::lua_tocfunction(state, -1);
            ffi::lua_settop(state, 0);
        })?;
    }
    pointer.ok_or_else(|| mlua::Error::runtime("the sandbox needs the standard library's own functions"))
}

/// The C function `library.name`.
fn original(lua: &Lua, library: &str, name: &str) -> mlua::Result<lua_CFunction> {
    let library: Table = lua.globals().raw_get(library)?;
    pointer_of(lua, &library.raw_get(name)?)
}

/// Raises `message` with the line of the script that called.
unsafe fn raise(state: *mut lua_State, message: &CStr) -> c_int {
    ffi::luaL_error(state, c"%s".as_ptr(), message.as_ptr())
}

unsafe fn raise_too_large(state: *mut lua_State) -> c_int {
    let limit = MAX_STRING >> 20;
    text::ErrorText::new(format_args!("resulting string too large: the limit is {limit} MiB")).raise(state)
}
