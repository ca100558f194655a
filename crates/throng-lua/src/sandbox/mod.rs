//! What keeps one script from harming the others: limits, removed functions, frozen state, a random stream
//! per robot.
//!
//! [`install`] prepares a Lua state before any script is loaded. After that the host enters a [`Guard`]
//! around whatever runs Lua.

pub mod freeze;
mod guard;
mod native;
mod pattern;
pub mod random;
pub mod reach;
mod removed;
mod watch;

pub use guard::{CutOff, Guard, Reason};

use mlua::Lua;

/// What scripts may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes by which the memory of a Lua state may grow in one resume.
    pub memory_per_resume: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { memory_per_resume: 64 << 20 }
    }
}

/// Prepares `lua` for scripts that are not trusted. The limits are the calling thread's: all its states share
/// them.
///
/// # Errors
///
/// When the state lacks the standard library's own functions, because something replaced them before.
pub fn install(lua: &Lua, limits: &Limits) -> mlua::Result<()> {
    guard::limit_memory(limits.memory_per_resume);
    native::hook::install(lua)?;
    native::pulse::start();
    let debug = removed::install(lua)?;
    native::base::install(lua, &debug)?;
    native::protected::install(lua)?;
    native::coroutines::install(lua)?;
    native::matching::install(lua)?;
    native::strings::install(lua)?;
    native::tables::install(lua)?;
    native::frozen::install(lua)?;
    native::random::install(lua)?;
    protect_string_metatable(lua)
}

/// Counts work of a native that executed no Lua instructions, in units of about a nanosecond. A script that is over its limit
/// by it is cut off at its next instruction.
pub(crate) fn work(lua: &Lua, units: u64) {
    native::hook::worked(lua, units);
}

/// The same for a C function of Lua's.
///
/// # Safety
/// `state` is the running one.
#[allow(unsafe_code)]
pub(crate) unsafe fn work_in(state: *mut mlua::ffi::lua_State, units: u64) {
    // SAFETY: the caller's promise.
    unsafe { native::hook::worked_in(state, units) }
}

/// All strings share one metatable; a script that changes it changes every other's strings.
fn protect_string_metatable(lua: &Lua) -> mlua::Result<()> {
    if let Some(metatable) = lua.type_metatable::<mlua::LuaString>() {
        metatable.raw_set("__metatable", false)?;
    }
    Ok(())
}
