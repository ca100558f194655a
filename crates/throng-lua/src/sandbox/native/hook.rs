//! The count hook that cuts runaway scripts off, and the checks of those who execute no instructions.
//!
//! The hook is set on the main state before anything else runs; Lua hands a state's hook on to every
//! coroutine created from it, so `coroutine.create` and `coroutine.wrap` give no way out. A state that
//! [`pulse`] covers loses its hook at its first check, runs at full speed, and gets the hook back for one
//! check at each signal. A state that was cut off is checked at every instruction until it stops or somebody
//! watches it anew; the hook itself restores the normal pace then.

use std::ffi::{CStr, c_int, c_void};
use std::mem::MaybeUninit;

use mlua::ffi::{self, lua_Debug, lua_State};
use mlua::{Lua, Thread};

use super::pulse;
use crate::sandbox::guard::{self, Place};
use crate::sandbox::watch::{PERIOD, Reason, Step};

/// What a script sees of its being cut off, if it can catch anything at all.
pub(in crate::sandbox) const DEADLINE: &CStr = c"cut off: ran too long without waiting";
/// The same for memory.
pub(in crate::sandbox) const MEMORY: &CStr = c"cut off: took too much memory without waiting";

/// Watches `lua`'s main state, and so all that will come from it.
pub(in crate::sandbox) fn install(lua: &Lua) -> mlua::Result<()> {
    // SAFETY: the closure leaves the stack as it was; the hook keeps the rules of hooks (no values on the
    // stack when it yields).
    unsafe {
        lua.exec_raw::<()>((), |state| {
            let main = main_state(state);
            ffi::lua_sethook(main, Some(on_count), ffi::LUA_MASKCOUNT, PERIOD);
            plant_sentinel(state);
        })
    }
}

/// Bytes in use by the state that `thread` belongs to.
pub(in crate::sandbox) fn memory_of(thread: &Thread) -> usize {
    // SAFETY: the thread is alive; the count is only read.
    unsafe { memory(thread.state()) }
}

/// Counts work that executed no Lua instructions, in units of about a nanosecond, and raises if the script is
/// over its limit.
pub(super) unsafe fn work(state: *mut lua_State, units: u64) {
    if guard::is_due_after(units) {
        check(state);
    }
}

/// The same for a function that cannot raise: a script that is over its limit stops at its next instruction.
pub(in crate::sandbox) fn worked(lua: &Lua, units: u64) {
    // SAFETY: the state is the running one.
    lua.exec_raw_lua(|raw| unsafe { worked_in(raw.state(), units) });
}

/// The same where `state` is known, which is the running one.
pub(in crate::sandbox) unsafe fn worked_in(state: *mut lua_State, units: u64) {
    // SAFETY: nothing is pushed or raised.
    if guard::is_due_after(units)
        && let Step::Cut(_) = guard::check(|| memory(state))
    {
        press(state);
    }
}

/// Raises if the script is over its limit.
pub(super) unsafe fn check(state: *mut lua_State) {
    if let Step::Cut(reason) = guard::check(|| memory(state)) {
        press(state);
        raise(state, reason);
    }
}

/// Has the script stopped at its next instruction if it is over its limit.
pub(super) unsafe fn look(state: *mut lua_State) {
    guard::starved(memory(state));
    if let Step::Cut(_) = guard::check(|| memory(state)) {
        press(state);
    }
}

/// Checks `state` at its next instruction.
pub(super) unsafe fn press(state: *mut lua_State) {
    ffi::lua_sethook(state, Some(on_count), ffi::LUA_MASKCOUNT, 1);
}

/// Watches `state` by its own hook, if it has none.
pub(super) unsafe fn keep(state: *mut lua_State) {
    if ffi::lua_gethookmask(state) == 0 {
        ffi::lua_sethook(state, Some(on_count), ffi::LUA_MASKCOUNT, PERIOD);
    }
}

/// Whether the value on top of `state` is the error of a script that was cut off.
pub(super) unsafe fn is_cut_off_error(state: *mut lua_State) -> bool {
    if ffi::lua_type(state, -1) != ffi::LUA_TSTRING {
        return false;
    }
    let text = ffi::lua_tostring(state, -1);
    let text = CStr::from_ptr(text);
    text == DEADLINE || text == MEMORY
}

/// Whether the value on top of `state` is Lua's error for want of memory.
pub(super) unsafe fn is_memory_error(state: *mut lua_State) -> bool {
    ffi::lua_type(state, -1) == ffi::LUA_TSTRING
        && CStr::from_ptr(ffi::lua_tostring(state, -1)) == c"not enough memory"
}

unsafe extern "C-unwind" fn on_count(state: *mut lua_State, _: *mut lua_Debug) {
    match guard::check(|| memory(state)) {
        Step::Run { .. } if pulse::covers(state) => ffi::lua_sethook(state, None, 0, 0),
        Step::Run { period } => {
            if ffi::lua_gethookcount(state) != period {
                ffi::lua_sethook(state, Some(on_count), ffi::LUA_MASKCOUNT, period);
            }
        }
        Step::Cut(reason) => {
            press(state);
            if ffi::lua_isyieldable(state) != 0 {
                guard::blame(place(state));
                ffi::lua_yield(state, 0);
            } else {
                raise(state, reason);
            }
        }
    }
}

unsafe fn raise(state: *mut lua_State, reason: Reason) -> ! {
    guard::blame(place(state));
    let message = match reason {
        Reason::Deadline => DEADLINE,
        Reason::Memory => MEMORY,
    };
    ffi::lua_pushstring(state, message.as_ptr());
    ffi::lua_error(state)
}

/// The line of the innermost Lua function.
unsafe fn place(state: *mut lua_State) -> Place {
    let mut frame = MaybeUninit::<lua_Debug>::zeroed();
    let mut level = 0;
    while ffi::lua_getstack(state, level, frame.as_mut_ptr()) != 0 {
        ffi::lua_getinfo(state, c"Sl".as_ptr(), frame.as_mut_ptr());
        let frame = frame.assume_init_ref();
        if let Ok(line @ 1..) = u32::try_from(frame.currentline) {
            return Place::new(CStr::from_ptr(frame.short_src.as_ptr()).to_bytes(), line);
        }
        level += 1;
    }
    Place::new(b"?", 0)
}

unsafe fn memory(state: *mut lua_State) -> usize {
    let kib = ffi::lua_gc(state, ffi::LUA_GCCOUNT);
    usize::try_from(kib).unwrap_or(0) << 10
}

unsafe fn main_state(state: *mut lua_State) -> *mut lua_State {
    ffi::lua_rawgeti(state, ffi::LUA_REGISTRYINDEX, ffi::LUA_RIDX_MAINTHREAD);
    let main = ffi::lua_tothread(state, -1);
    ffi::lua_pop(state, 1);
    main
}

/// The registry key of the sentinels' metatable.
static SENTINEL: u8 = 0;

/// Leaves a piece of garbage whose finalizer tells that a collection has been: a few instructions that make
/// huge strings take as long as millions of others, but they cannot do so without driving the collector.
unsafe fn plant_sentinel(state: *mut lua_State) {
    let key = (&raw const SENTINEL).cast::<c_void>();
    ffi::lua_newtable(state);
    if ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, key) != ffi::LUA_TTABLE {
        ffi::lua_pop(state, 1);
        ffi::lua_createtable(state, 0, 1);
        ffi::lua_pushcfunction(state, on_collected);
        ffi::lua_setfield(state, -2, c"__gc".as_ptr());
        ffi::lua_pushvalue(state, -1);
        ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, key);
    }
    ffi::lua_setmetatable(state, -2);
    ffi::lua_pop(state, 1);
}

unsafe extern "C-unwind" fn on_collected(state: *mut lua_State) -> c_int {
    press(state);
    plant_sentinel(state);
    0
}
