//! What mlua's safe interface does not tell about functions and coroutines, and what it does too dearly.
//!
//! Each function here leaves the stacks as they were and calls nothing that can raise outside of a protected call.
#![allow(unsafe_code)]

use crate::codec;
use mlua::ffi::{self, lua_Debug, lua_State};
use mlua::{FromLuaMulti, Function, IntoLuaMulti, LightUserData, Lua, LuaString, Thread, Value};
use std::ffi::{CStr, c_char, c_int};
use std::mem;
use throng_engine::Incoming;

/// Reads a little of a blocked coroutine: its state, its innermost frames and its stack.
pub(crate) fn warm(thread: &Thread) -> usize {
    /// Frames that a coroutine goes back to at once.
    const FRAMES: c_int = 2;
    let state = thread.state();
    let mut record = mem::MaybeUninit::uninit();
    // SAFETY: the thread is alive; each call reads fields of it only, and one writes which frame was found.
    unsafe {
        ffi::lua_getstack(state, FRAMES, record.as_mut_ptr());
        (ffi::lua_gettop(state)
            + ffi::lua_status(state)
            + ffi::lua_gethookmask(state)
            + ffi::lua_type(state, ffi::lua_upvalueindex(1))) as usize
            ^ ffi::lua_rawlen(state, 1) as usize
    }
}

/// The coroutine that runs now, if it could yield here: not inside a comparator, a `gsub` callback or a metamethod that
/// Lua's own C code called.
pub(crate) fn yieldable_coroutine(lua: &Lua) -> Option<*mut lua_State> {
    lua.exec_raw_lua(|raw| {
        let state = raw.state();
        // SAFETY: the state is the running one; the call reads one of its fields.
        (unsafe { ffi::lua_isyieldable(state) } != 0).then_some(state)
    })
}

/// What a coroutine gave: its first five values.
pub(crate) type Given = (Value, Value, Value, Value, Value);

/// What a coroutine is resumed with.
pub(crate) trait Arguments {
    /// Pushes them and tells how many.
    ///
    /// # Safety
    /// `state` is the running one of `lua`.
    unsafe fn push_onto(self, lua: &Lua, state: *mut lua_State) -> mlua::Result<c_int>;
}

impl<T: IntoLuaMulti> Arguments for T {
    unsafe fn push_onto(self, lua: &Lua, _: *mut lua_State) -> mlua::Result<c_int> {
        // SAFETY: makes room for what it pushes.
        lua.exec_raw_lua(|raw| unsafe { self.push_into_stack_multi(raw) })
    }
}

/// What a coroutine that waited is resumed with: whether it went well, the value or the failure, and a message's name.
pub(crate) type Woken = (bool, Value, Value);

/// A message for a coroutine that waited, which [`has_room`] was found for.
pub(crate) struct Reply<'a, F> {
    pub(crate) incoming: &'a Incoming<'a>,
    /// Told how many fields the schema does not know, if any.
    pub(crate) unknown: &'a dyn Fn(u32),
    /// What takes its place where it cannot be decoded.
    pub(crate) otherwise: F,
}

impl<F: FnOnce() -> Woken> Arguments for Reply<'_, F> {
    unsafe fn push_onto(self, lua: &Lua, state: *mut lua_State) -> mlua::Result<c_int> {
        /// What pushing takes at the most, before the codec makes room for itself.
        const SLOTS: c_int = 8;
        // SAFETY: the caller's promise; room is made; what is made finds memory.
        unsafe {
            room(state, SLOTS)?;
            ffi::lua_pushboolean(state, 1);
            if let Some(unknown) = codec::push_body(state, self.incoming) {
                if unknown > 0 {
                    (self.unknown)(unknown);
                }
                return Ok(2);
            }
            ffi::lua_pop(state, 1);
            (self.otherwise)().push_onto(lua, state)
        }
    }
}

/// Whether values of about `bytes` can be made in `lua` without its memory coming near `ceiling`; 0 is no limit.
pub(crate) fn has_room(lua: &Lua, ceiling: usize, bytes: usize) -> bool {
    /// What small values take beside their bytes.
    const SPARE: usize = 64 << 10;
    // Half of what is in use is more than the table of strings may grow by.
    let used = lua.used_memory();
    ceiling == 0 || used.saturating_add(used / 2).saturating_add(bytes).saturating_add(SPARE) < ceiling
}

/// How a resume ended.
enum Resumed {
    /// It yielded the token alone.
    Waits,
    Gave(Given),
    /// It died of this error.
    Died(c_int, Value),
}

/// Resumes a coroutine. `None` is what all waits look like: it yielded `token` alone.
///
/// What mlua's own `resume` does beside this, asking twice for the coroutine's state and making values of what nobody looks
/// at, costs as much as running a short script. Its errors are the same.
pub(crate) fn resume(
    lua: &Lua,
    thread: &Thread,
    token: LightUserData,
    arguments: impl Arguments,
) -> mlua::Result<Option<Given>> {
    let coroutine = thread.state();
    let resumed = lua.exec_raw_lua(|raw| {
        let state = raw.state();
        let resume = || {
            // SAFETY: both states are alive and belong together, every push is preceded by a check for room, and nothing that
            // is called here raises but what `lua_resume` catches: of what cannot be resumed it would make a string first,
            // which is why that is found out here.
            unsafe {
                let pending = match ffi::lua_status(coroutine) {
                    ffi::LUA_YIELD => 0,
                    ffi::LUA_OK if is_new(coroutine) => ffi::lua_gettop(coroutine) - 1,
                    _ => return Err(mlua::Error::CoroutineUnresumable),
                };
                let count = arguments.push_onto(lua, state)?;
                room(coroutine, count)?;
                ffi::lua_xmove(state, coroutine, count);
                let mut given = 0;
                match ffi::lua_resume(coroutine, state, pending + count, &mut given) {
                    ffi::LUA_YIELD if given == 1 && ffi::lua_touserdata(coroutine, -1) == token.0 => {
                        ffi::lua_settop(coroutine, -2);
                        Ok(Resumed::Waits)
                    }
                    ffi::LUA_OK | ffi::LUA_YIELD => {
                        room(state, given + 1)?;
                        ffi::lua_xmove(coroutine, state, given);
                        Given::from_stack_multi(given, raw).map(Resumed::Gave)
                    }
                    status => {
                        room(state, 2)?;
                        ffi::lua_xmove(coroutine, state, 1);
                        let wraps = ffi::lua_type(state, -1) == ffi::LUA_TUSERDATA;
                        // An error that wraps a panic goes on as that panic here, the first time.
                        match <(Value,)>::from_stack_multi(1, raw)?.0 {
                            Value::Nil if wraps => Err(mlua::Error::PreviouslyResumedPanic),
                            value => Ok(Resumed::Died(status, value)),
                        }
                    }
                }
            }
        };
        // SAFETY: the stack is left as it was found.
        unsafe {
            let top = ffi::lua_gettop(state);
            let resumed = resume();
            ffi::lua_settop(state, top);
            resumed
        }
    });
    match resumed? {
        Resumed::Waits => Ok(None),
        Resumed::Gave(values) => Ok(Some(values)),
        Resumed::Died(status, value) => Err(error_of(lua, coroutine, status, value)),
    }
}

/// # Safety
/// `coroutine` is alive.
unsafe fn is_new(coroutine: *mut lua_State) -> bool {
    // SAFETY: lua_Debug is plain data for which all zeros is a value; a level past the end is answered with 0.
    unsafe {
        let mut record: lua_Debug = mem::zeroed();
        ffi::lua_getstack(coroutine, 0, &mut record) == 0 && ffi::lua_gettop(coroutine) > 0
    }
}

/// # Safety
/// `state` is alive.
unsafe fn room(state: *mut lua_State, values: c_int) -> mlua::Result<()> {
    // SAFETY: growing a stack raises nothing; a refusal is answered with 0.
    if unsafe { ffi::lua_checkstack(state, values) } == 0 { Err(mlua::Error::StackError) } else { Ok(()) }
}

/// The error that `coroutine` died of as mlua tells it: with a traceback, unless it is the host's own or about memory.
#[cold]
fn error_of(lua: &Lua, coroutine: *mut lua_State, status: c_int, value: Value) -> mlua::Error {
    match value {
        Value::Error(error) => *error,
        value if status == ffi::LUA_ERRMEM => {
            mlua::Error::MemoryError(value.as_string().map(LuaString::to_string_lossy).unwrap_or_default())
        }
        value => {
            // SAFETY: the call is protected; the closure captures a pointer to a coroutine that is alive, is called with the
            // error and leaves one value.
            let told = unsafe {
                lua.exec_raw::<LuaString>(value, |state| {
                    let text = ffi::luaL_tolstring(state, 1, std::ptr::null_mut());
                    if ffi::lua_checkstack(state, ffi::LUA_TRACEBACK_STACK) != 0 {
                        ffi::luaL_traceback(state, coroutine, text, 0);
                    }
                    ffi::lua_replace(state, 1);
                    ffi::lua_settop(state, 1);
                })
            };
            told.map_or_else(|error| error, |text| mlua::Error::RuntimeError(text.to_string_lossy()))
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::wait_token;

    type Told = Result<(Value, Value), String>;

    fn told(resumed: mlua::Result<(Value, Value)>) -> Told {
        resumed.map_err(|error| format!("{error:?}"))
    }

    /// What a coroutine of `source` gives at its first resumes, by `resume` and by mlua's own.
    #[track_caller]
    fn check(source: &str) -> Vec<Told> {
        let lua = Lua::new();
        let fail = lua.create_function(|_, ()| Err::<(), _>(mlua::Error::runtime("refused"))).unwrap();
        lua.globals().set("fail", fail).unwrap();
        lua.set_memory_limit(lua.used_memory() + (4 << 20)).unwrap();
        let thread =
            || lua.create_thread(lua.load(source).set_name("=chunk").into_function().unwrap()).unwrap();
        let (ours, theirs) = (thread(), thread());
        let mut all = Vec::new();
        for _ in 0..3 {
            let resumed = resume(&lua, &ours, wait_token(), (1, "a"));
            let resumed = resumed.map(|given| match given {
                Some((first, second, ..)) => (first, second),
                None => (Value::LightUserData(wait_token()), Value::Nil),
            });
            let ours_told = told(resumed);
            assert_eq!(ours_told, told(theirs.resume((1, "a"))), "{source}");
            assert_eq!(ours.status(), theirs.status(), "{source}");
            all.push(ours_told);
        }
        // SAFETY: reads a field of the state.
        let left = lua.exec_raw_lua(|raw| unsafe { ffi::lua_gettop(raw.state()) });
        assert_eq!(left, 0, "{source}");
        all
    }

    #[test]
    fn nothing_is_made_unprotected_where_memory_is_short() {
        let lua = Lua::new();
        let used = lua.used_memory();
        assert!(has_room(&lua, 0, 100));
        assert!(has_room(&lua, used + (1 << 20), 100));
        assert!(!has_room(&lua, used + (1 << 20), 1 << 20));
        assert!(!has_room(&lua, used + used / 2 + 100, 100));
    }

    #[test]
    fn a_resume_gives_what_mlua_gives() {
        let given = check("local a, b = ... local c, d = coroutine.yield(a, b) return d, c");
        assert!(matches!(&given[0], Ok((Value::Integer(1), Value::String(_)))));
        assert!(matches!(&given[1], Ok((Value::String(_), Value::Integer(1)))));
        assert!(given[2].as_ref().unwrap_err().contains("CoroutineUnresumable"));
        check("coroutine.yield() coroutine.yield(1, 2, 3, 4, 5, 6, 7)");
        check("pcall(coroutine.yield, 1) return pcall(error, 'x')");
    }

    #[test]
    fn a_coroutine_dies_of_what_it_dies_of_with_mlua() {
        for source in [
            "error('text')",
            "error('text', 0)",
            "error(nil)",
            "error(12)",
            "error(setmetatable({}, { __tostring = function() return 'shown' end }))",
            "error(setmetatable({}, { __tostring = function() error('no') end }))",
            "error(setmetatable({}, { __tostring = function() return {} end }))",
            "coroutine.yield(1) error('later')",
            "fail()",
            "local ok, error_of_fail = pcall(fail) coroutine.yield() error(error_of_fail)",
            "local function deep() return 1 + deep() end deep()",
            "string.rep('x', 64 << 20)",
            "local c <close> = setmetatable({}, { __close = function() error('closing') end }) error('first')",
        ] {
            let given = check(source);
            assert!(given.iter().any(Result::is_err), "{source}");
        }
        assert!(check("string.rep('x', 64 << 20)")[0].as_ref().unwrap_err().contains("MemoryError"));
    }

    #[test]
    fn a_coroutine_that_runs_is_not_resumed() {
        let lua = Lua::new();
        let asks = lua
            .create_function(|lua, ()| {
                let own = resume(lua, &lua.current_thread(), wait_token(), ());
                Ok(matches!(own, Err(mlua::Error::CoroutineUnresumable)))
            })
            .unwrap();
        let thread = lua.create_thread(asks).unwrap();
        assert!(thread.resume::<bool>(()).unwrap());
    }

    #[test]
    #[should_panic(expected = "a native's own")]
    fn a_panic_of_a_native_goes_on() {
        let lua = Lua::new();
        let fail = lua.create_function(|_, ()| -> mlua::Result<()> { panic!("a native's own") }).unwrap();
        let thread = lua.create_thread(fail).unwrap();
        let _ = resume(&lua, &thread, wait_token(), ());
    }
}
