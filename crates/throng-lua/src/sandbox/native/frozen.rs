//! What a frozen table does, and the raw functions that see through it.
//!
//! A frozen table is empty but for its metamethods: its contents are in another table that its metatable
//! knows under [`MARK`], and that scripts never get hold of.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use mlua::ffi::{self, lua_CFunction, lua_Debug, lua_State};
use mlua::{Function, LightUserData, Lua, Table, Value};

use super::text::{ErrorText, Shown, to_bytes};
use super::{function, pointer_of, set};

static MARK: u8 = 0;

static ORIGINALS: OnceLock<Originals> = OnceLock::new();

struct Originals {
    rawget: lua_CFunction,
    rawlen: lua_CFunction,
    rawset: lua_CFunction,
}

/// The metamethods of frozen tables.
pub(in crate::sandbox) struct Metamethods {
    pub(in crate::sandbox) length: Function,
    pub(in crate::sandbox) pairs: Function,
}

/// Replaces the raw functions.
pub(in crate::sandbox) fn install(lua: &Lua) -> mlua::Result<()> {
    let globals = lua.globals();
    let find = |name: &str| pointer_of(lua, &globals.raw_get(name)?);
    if ORIGINALS.get().is_none() {
        let originals =
            Originals { rawget: find("rawget")?, rawlen: find("rawlen")?, rawset: find("rawset")? };
        // Another thread's find is the same.
        let _ = ORIGINALS.set(originals);
    }
    set(lua, &globals, "next", next)?;
    set(lua, &globals, "rawget", rawget)?;
    set(lua, &globals, "rawlen", rawlen)?;
    set(lua, &globals, "rawset", rawset)
}

impl Metamethods {
    pub(in crate::sandbox) fn new(lua: &Lua) -> mlua::Result<Metamethods> {
        Ok(Metamethods { length: function(lua, length)?, pairs: function(lua, pairs)? })
    }
}

/// The key under which a frozen table's metatable has its contents.
pub(in crate::sandbox) fn mark() -> Value {
    Value::LightUserData(LightUserData((&raw const MARK).cast_mut().cast()))
}

/// A function that refuses a write to the frozen table of that name, or to the globals.
pub(in crate::sandbox) fn refusal(lua: &Lua, name: Option<&str>) -> mlua::Result<Function> {
    // SAFETY: the closure takes the name from the stack as its upvalue, and is the one result.
    unsafe { lua.exec_raw(name, |state| ffi::lua_pushcclosure(state, refuse, 1)) }
}

/// A function that looks into `contents` first and asks `original`, an `__index` of the script's, about what
/// is not there.
pub(in crate::sandbox) fn index(lua: &Lua, contents: &Table, original: &Function) -> mlua::Result<Function> {
    // SAFETY: the closure takes both from the stack as its upvalues, and is the one result.
    unsafe { lua.exec_raw((contents, original), |state| ffi::lua_pushcclosure(state, look_up, 2)) }
}

/// Moves all fields of `table` to `contents`, but leaves copies of those that begin with two underscores:
/// where the table is the metatable of others, Lua looks for them in it and nowhere else.
pub(in crate::sandbox) fn move_contents(lua: &Lua, table: &Table, contents: &Table) -> mlua::Result<()> {
    // SAFETY: the two arguments are tables; assigning nil to a field that exists is allowed during a
    // traversal.
    unsafe {
        lua.exec_raw((table, contents), |state| {
            ffi::lua_pushnil(state);
            while ffi::lua_next(state, 1) != 0 {
                let is_event = ffi::lua_type(state, 3) == ffi::LUA_TSTRING
                    && to_bytes(state, 3).is_some_and(|key| key.starts_with(b"__"));
                ffi::lua_pushvalue(state, 3);
                ffi::lua_insert(state, 4);
                ffi::lua_rawset(state, 2);
                if !is_event {
                    ffi::lua_pushvalue(state, 3);
                    ffi::lua_pushnil(state);
                    ffi::lua_rawset(state, 1);
                }
            }
            ffi::lua_settop(state, 0);
        })
    }
}

/// Pushes the contents of the value at `index` if it is a frozen table.
unsafe fn push_contents(state: *mut lua_State, index: c_int) -> bool {
    if ffi::lua_istable(state, index) == 0 || ffi::lua_getmetatable(state, index) == 0 {
        return false;
    }
    if ffi::lua_rawgetp(state, -1, (&raw const MARK).cast::<c_void>()) == ffi::LUA_TTABLE {
        ffi::lua_remove(state, -2);
        return true;
    }
    ffi::lua_pop(state, 2);
    false
}

/// Puts the contents of a frozen table in its place among the arguments.
unsafe fn see_through(state: *mut lua_State) {
    if push_contents(state, 1) {
        ffi::lua_replace(state, 1);
    }
}

unsafe extern "C-unwind" fn next(state: *mut lua_State) -> c_int {
    ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
    ffi::lua_settop(state, 2);
    see_through(state);
    if ffi::lua_next(state, 1) != 0 {
        2
    } else {
        ffi::lua_pushnil(state);
        1
    }
}

unsafe extern "C-unwind" fn rawget(state: *mut lua_State) -> c_int {
    see_through(state);
    (originals().rawget)(state)
}

unsafe extern "C-unwind" fn rawlen(state: *mut lua_State) -> c_int {
    see_through(state);
    (originals().rawlen)(state)
}

unsafe extern "C-unwind" fn rawset(state: *mut lua_State) -> c_int {
    if push_contents(state, 1) {
        ffi::lua_getmetatable(state, 1);
        ffi::lua_getfield(state, -1, c"__newindex".as_ptr());
        ffi::lua_insert(state, 1);
        ffi::lua_settop(state, 4);
        ffi::lua_call(state, 3, 0);
        return 0;
    }
    (originals().rawset)(state)
}

fn originals() -> &'static Originals {
    ORIGINALS.get().expect("natives are reachable only after their installation")
}

unsafe extern "C-unwind" fn length(state: *mut lua_State) -> c_int {
    see_through(state);
    let length = ffi::lua_rawlen(state, 1);
    ffi::lua_pushinteger(state, i64::try_from(length).unwrap_or(i64::MAX));
    1
}

/// The contents are not handed out: `next` sees through the table again at each step.
unsafe extern "C-unwind" fn pairs(state: *mut lua_State) -> c_int {
    ffi::lua_settop(state, 1);
    ffi::lua_pushcfunction(state, next);
    ffi::lua_insert(state, 1);
    ffi::lua_pushnil(state);
    3
}

unsafe extern "C-unwind" fn look_up(state: *mut lua_State) -> c_int {
    ffi::lua_settop(state, 2);
    ffi::lua_pushvalue(state, 2);
    if ffi::lua_rawget(state, ffi::lua_upvalueindex(1)) == ffi::LUA_TNIL {
        ffi::lua_settop(state, 2);
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(2));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, 2, 1);
    }
    1
}

/// A `__newindex`; its upvalue is the table's name, or nil for the globals.
unsafe extern "C-unwind" fn refuse(state: *mut lua_State) -> c_int {
    const ADVICE: &str = "is frozen after load: put it in self (in init)";
    push_place(state);
    let key = if ffi::lua_type(state, 2) == ffi::LUA_TSTRING { to_bytes(state, 2) } else { None };
    let name = to_bytes(state, ffi::lua_upvalueindex(1));
    let text = match (name.map(Shown), key.map(Shown)) {
        (None, Some(key)) => ErrorText::new(format_args!("global '{key}' {ADVICE}")),
        (None, None) => ErrorText::new(format_args!("the table of globals {ADVICE}")),
        (Some(name), Some(key)) => ErrorText::new(format_args!("'{name}.{key}' {ADVICE}")),
        (Some(name), None) if ffi::lua_isinteger(state, 2) != 0 => {
            let index = ffi::lua_tointeger(state, 2);
            ErrorText::new(format_args!("'{name}[{index}]' {ADVICE}"))
        }
        (Some(name), None) => ErrorText::new(format_args!("'{name}' {ADVICE}")),
    };
    text.push(state);
    ffi::lua_concat(state, 2);
    ffi::lua_error(state)
}

/// Pushes the place of the innermost Lua function; a native such as `table.insert` may stand between it and
/// us.
unsafe fn push_place(state: *mut lua_State) {
    let mut frame = MaybeUninit::<lua_Debug>::zeroed();
    let mut level = 1;
    while ffi::lua_getstack(state, level, frame.as_mut_ptr()) != 0 {
        ffi::lua_getinfo(state, c"Sl".as_ptr(), frame.as_mut_ptr());
        let frame = frame.assume_init_ref();
        if frame.currentline > 0 {
            ffi::lua_pushfstring(state, c"%s:%d: ".as_ptr(), frame.short_src.as_ptr(), frame.currentline);
            return;
        }
        level += 1;
    }
    ffi::lua_pushstring(state, c"".as_ptr());
}
