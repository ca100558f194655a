//! The table functions, which loop over whatever length a table claims.
//!
//! A `__len` may say a billion, and an `__index` that is a C function gives an element for each. So the loops
//! are ours and count their work; the semantics are those of the originals, metamethods included.

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use mlua::ffi::{self, lua_CFunction, lua_State, luaL_Buffer};
use mlua::{Lua, Table};

use super::text::{ErrorText, append, check_bytes};
use super::{CALL, MAX_STRING, hook, original, raise, raise_too_large, set};

/// Nanoseconds that moving an element takes, about.
const ELEMENT: u64 = 10;
/// Longer tables are sorted with a comparator that counts its work.
const SHORT: i64 = 1_000;

static ORIGINALS: OnceLock<Originals> = OnceLock::new();

struct Originals {
    concat: lua_CFunction,
    insert: lua_CFunction,
    mov: lua_CFunction,
    remove: lua_CFunction,
    sort: lua_CFunction,
}

/// Replaces the functions.
pub(in crate::sandbox) fn install(lua: &Lua) -> mlua::Result<()> {
    let find = |name| original(lua, "table", name);
    if ORIGINALS.get().is_none() {
        let originals = Originals {
            concat: find("concat")?,
            insert: find("insert")?,
            mov: find("move")?,
            remove: find("remove")?,
            sort: find("sort")?,
        };
        // Another thread's find is the same.
        let _ = ORIGINALS.set(originals);
    }
    let library: Table = lua.globals().raw_get("table")?;
    set(lua, &library, "concat", concat)?;
    set(lua, &library, "insert", insert)?;
    set(lua, &library, "move", move_elements)?;
    set(lua, &library, "remove", remove)?;
    set(lua, &library, "sort", sort)?;
    set(lua, &library, "unpack", unpack)
}

fn originals() -> &'static Originals {
    ORIGINALS.get().expect("natives are reachable only after their installation")
}

unsafe fn is_table(state: *mut lua_State, argument: c_int) -> bool {
    ffi::lua_istable(state, argument) != 0
}

unsafe extern "C-unwind" fn insert(state: *mut lua_State) -> c_int {
    // Whatever is not a table, or not three arguments, has nothing to move and the original's errors.
    if !is_table(state, 1) || ffi::lua_gettop(state) != 3 {
        return (originals().insert)(state);
    }
    let end = ffi::luaL_len(state, 1).wrapping_add(1);
    let position = ffi::luaL_checkinteger(state, 2);
    if position < 1 || position > end {
        return ffi::luaL_argerror(state, 2, c"position out of bounds".as_ptr());
    }
    for to in (position + 1..=end).rev() {
        move_element(state, 1, to - 1, 1, to);
    }
    ffi::lua_seti(state, 1, position);
    0
}

unsafe extern "C-unwind" fn remove(state: *mut lua_State) -> c_int {
    if !is_table(state, 1) || ffi::lua_isnoneornil(state, 2) != 0 {
        return (originals().remove)(state);
    }
    let size = ffi::luaL_len(state, 1);
    let position = ffi::luaL_checkinteger(state, 2);
    let is_in_bounds = position == size || (position >= 1 && position <= size.wrapping_add(1));
    if !is_in_bounds {
        return ffi::luaL_argerror(state, 2, c"position out of bounds".as_ptr());
    }
    ffi::lua_geti(state, 1, position);
    for to in position..size {
        move_element(state, 1, to + 1, 1, to);
    }
    ffi::lua_pushnil(state);
    ffi::lua_seti(state, 1, position.max(size));
    1
}

unsafe extern "C-unwind" fn move_elements(state: *mut lua_State) -> c_int {
    let target = if ffi::lua_isnoneornil(state, 5) != 0 { 1 } else { 5 };
    let first = ffi::luaL_checkinteger(state, 2);
    let last = ffi::luaL_checkinteger(state, 3);
    let to = ffi::luaL_checkinteger(state, 4);
    if last < first || !is_table(state, 1) || !is_table(state, target) {
        return (originals().mov)(state);
    }
    if first <= 0 && last >= i64::MAX.wrapping_add(first) {
        return ffi::luaL_argerror(state, 3, c"too many elements to move".as_ptr());
    }
    let count = last - first + 1;
    if to > i64::MAX - count + 1 {
        return ffi::luaL_argerror(state, 4, c"destination wrap around".as_ptr());
    }
    let overlaps =
        to <= last && to > first && (target == 1 || ffi::lua_compare(state, 1, target, ffi::LUA_OPEQ) != 0);
    for step in 0..count {
        let at = if overlaps { count - 1 - step } else { step };
        move_element(state, 1, first + at, target, to + at);
    }
    ffi::lua_pushvalue(state, target);
    1
}

unsafe fn move_element(state: *mut lua_State, source: c_int, from: i64, target: c_int, to: i64) {
    hook::work(state, ELEMENT);
    ffi::lua_geti(state, source, from);
    ffi::lua_seti(state, target, to);
}

unsafe extern "C-unwind" fn concat(state: *mut lua_State) -> c_int {
    if !is_table(state, 1) {
        return (originals().concat)(state);
    }
    let length = ffi::luaL_len(state, 1);
    let separator = if ffi::lua_isnoneornil(state, 2) != 0 { &[] } else { check_bytes(state, 2) };
    let first = ffi::luaL_optinteger(state, 3, 1);
    let last = ffi::luaL_optinteger(state, 4, length);
    let mut buffer = MaybeUninit::<luaL_Buffer>::uninit();
    let buffer = buffer.as_mut_ptr();
    ffi::luaL_buffinit(state, buffer);
    for index in first..=last {
        hook::work(state, ELEMENT);
        ffi::lua_geti(state, 1, index);
        if ffi::lua_isstring(state, -1) == 0 {
            let found = CStr::from_ptr(ffi::luaL_typename(state, -1)).to_bytes().escape_ascii();
            let text = format_args!("invalid value ({found}) at index {index} in table for 'concat'");
            return ErrorText::new(text).raise(state);
        }
        ffi::luaL_addvalue(buffer);
        if index != last {
            append(buffer, separator);
        }
        if ffi::luaL_bufflen(buffer) > MAX_STRING {
            return raise_too_large(state);
        }
    }
    ffi::luaL_pushresult(buffer);
    1
}

unsafe extern "C-unwind" fn unpack(state: *mut lua_State) -> c_int {
    let first = ffi::luaL_optinteger(state, 2, 1);
    let last = if ffi::lua_isnoneornil(state, 3) != 0 {
        ffi::luaL_len(state, 1)
    } else {
        ffi::luaL_checkinteger(state, 3)
    };
    if first > last {
        return 0;
    }
    let count = last.checked_sub(first).and_then(|count| c_int::try_from(count.checked_add(1)?).ok());
    match count {
        Some(count) if count < c_int::MAX && ffi::lua_checkstack(state, count) != 0 => {
            for index in first..=last {
                hook::work(state, ELEMENT);
                ffi::lua_geti(state, 1, index);
            }
            count
        }
        _ => raise(state, c"too many results to unpack"),
    }
}

unsafe extern "C-unwind" fn sort(state: *mut lua_State) -> c_int {
    let is_lua = ffi::lua_isfunction(state, 2) != 0 && ffi::lua_iscfunction(state, 2) == 0;
    let is_ours_to_check = ffi::lua_isnoneornil(state, 2) != 0 || ffi::lua_iscfunction(state, 2) != 0;
    if is_table(state, 1) && !is_lua && is_ours_to_check && ffi::luaL_len(state, 1) > SHORT {
        ffi::lua_settop(state, 2);
        ffi::lua_pushcclosure(state, is_less, 1);
    }
    (originals().sort)(state)
}

/// Compares as the script's C function does, which is the upvalue, or as `<` where there is none, and counts
/// the work.
unsafe extern "C-unwind" fn is_less(state: *mut lua_State) -> c_int {
    hook::work(state, CALL);
    if ffi::lua_isnil(state, ffi::lua_upvalueindex(1)) != 0 {
        let is_less = ffi::lua_compare(state, 1, 2, ffi::LUA_OPLT);
        ffi::lua_pushboolean(state, is_less);
    } else {
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, 2, 1);
    }
    1
}
