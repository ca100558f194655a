//! Lua values on the stack, walked to be written.
//!
//! Everything here is called with functions that cannot raise: no string is made, no metamethod runs.
#![allow(unsafe_code)]

use mlua::ffi::{self, lua_State};
use mlua::{Lua, Table, Value};
use std::ffi::{c_int, c_void};
use std::fmt;
use std::ptr;
use std::slice;
use throng_wire::DocumentForm;

use super::Unfit;
use super::write::{Json, Msgpack, Writer, called};

/// How deep what is sent may nest; a table that holds itself is deeper.
const DEPTH: usize = 64;
/// Slots of the Lua stack one step takes.
const SLOTS: c_int = 8;

/// Their addresses are keys of the registry: the metatable that marks lists, and the string `"__index"`.
static LIST_MARK: u8 = 1;
static INDEX: u8 = 2;

/// What cannot be sent.
struct Problem {
    /// Where it stands, from the outermost table inwards.
    path: String,
    reason: &'static str,
}

impl Problem {
    fn new(reason: &'static str) -> Problem {
        Problem { path: String::new(), reason }
    }

    fn within(self, segment: impl fmt::Display) -> Problem {
        Problem { path: format!("{segment}{}", self.path), reason: self.reason }
    }
}

/// Puts into a state's registry what the functions here look for.
pub(crate) fn register(lua: &Lua) -> mlua::Result<()> {
    let mark = lua.create_table()?;
    mark.raw_set("__name", "list")?;
    // SAFETY: the call is protected and its arguments are the two values; the addresses are keys and never followed.
    unsafe {
        lua.exec_raw((mark, "__index"), |state| {
            ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, address(&INDEX));
            ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, address(&LIST_MARK));
        })
    }
}

fn address(key: &'static u8) -> *const c_void {
    ptr::from_ref(key).cast()
}

/// The metatable that marks lists.
pub(super) fn list_mark(lua: &Lua) -> mlua::Result<Table> {
    // SAFETY: the call is protected; the registry is a table.
    unsafe {
        lua.exec_raw((), |state| {
            ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, address(&LIST_MARK));
        })
    }
}

/// Pushes the metatable that marks lists, if the state has one.
///
/// # Safety
/// The state is alive and has room for a value.
pub(super) unsafe fn push_list_mark(state: *mut lua_State) -> bool {
    // SAFETY: the registry is a table; an absent key raises nothing.
    unsafe {
        let found = ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, address(&LIST_MARK)) == ffi::LUA_TTABLE;
        if !found {
            ffi::lua_pop(state, 1);
        }
        found
    }
}

/// Marks a table as a list.
///
/// # Errors
/// It has a metatable of its own.
pub(crate) fn mark_list(lua: &Lua, table: &Table) -> mlua::Result<bool> {
    let mark = list_mark(lua)?;
    match table.metatable() {
        Some(other) if other != mark => Ok(false),
        _ => table.set_metatable(Some(mark)).map(|()| true),
    }
}

pub(super) fn encode(lua: &Lua, form: DocumentForm, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    lua.exec_raw_lua(|raw| {
        let state = raw.state();
        // SAFETY: the state is the running one; the stack is left as it was found.
        unsafe {
            let top = ffi::lua_gettop(state);
            if ffi::lua_checkstack(state, SLOTS) == 0 {
                return Err("Lua's stack is full".to_owned());
            }
            raw.push(value).map_err(|error| error.to_string())?;
            let written = walk(state, form, out);
            ffi::lua_settop(state, top);
            written.map_err(|problem| match &*problem.path {
                "" => problem.reason.to_owned(),
                path => format!("{}: {}", path.trim_start_matches('.'), problem.reason),
            })
        }
    })
}

/// # Safety
/// `state` is alive, and `index` is one of its stack's.
pub(super) unsafe fn encode_at(
    state: *mut lua_State,
    index: c_int,
    form: DocumentForm,
    out: &mut Vec<u8>,
) -> Result<(), Unfit> {
    // SAFETY: the stack is left as it was found on every path.
    unsafe {
        let top = ffi::lua_gettop(state);
        if ffi::lua_checkstack(state, SLOTS) == 0 {
            return Err(Unfit);
        }
        ffi::lua_pushvalue(state, index);
        let written = walk(state, form, out).map_err(|_| Unfit);
        ffi::lua_settop(state, top);
        written
    }
}

/// Writes the value on the top of the stack.
unsafe fn walk(state: *mut lua_State, form: DocumentForm, out: &mut Vec<u8>) -> Result<(), Problem> {
    // SAFETY: the callers'.
    unsafe {
        match form {
            DocumentForm::Json => value::<Json>(state, form, DEPTH, out),
            DocumentForm::Msgpack => value::<Msgpack>(state, form, DEPTH, out),
        }
    }
}

/// Writes the value on the top of the stack and leaves one there. The caller has made room.
unsafe fn value<W: Writer>(
    state: *mut lua_State,
    form: DocumentForm,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    // SAFETY: a value is on the top; strings are only asked for where the value is one, so nothing is converted.
    unsafe {
        match ffi::lua_type(state, -1) {
            ffi::LUA_TNIL => W::null(out),
            ffi::LUA_TBOOLEAN => W::boolean(ffi::lua_toboolean(state, -1) != 0, out),
            ffi::LUA_TNUMBER if ffi::lua_isinteger(state, -1) != 0 => {
                W::integer(ffi::lua_tointegerx(state, -1, ptr::null_mut()), out);
            }
            ffi::LUA_TNUMBER => {
                W::number(ffi::lua_tonumberx(state, -1, ptr::null_mut()), out).map_err(Problem::new)?;
            }
            ffi::LUA_TSTRING => W::text(bytes(state, -1), out).map_err(Problem::new)?,
            ffi::LUA_TLIGHTUSERDATA if ffi::lua_touserdata(state, -1).is_null() => W::null(out),
            ffi::LUA_TTABLE => return table::<W>(state, form, depth, out),
            found => return Err(Problem::new(refused(found, form))),
        }
    }
    Ok(())
}

fn refused(found: c_int, form: DocumentForm) -> &'static str {
    match (found, form) {
        (ffi::LUA_TFUNCTION, DocumentForm::Json) => "a function cannot be JSON",
        (ffi::LUA_TFUNCTION, DocumentForm::Msgpack) => "a function cannot be MessagePack",
        (ffi::LUA_TTHREAD, _) => "a coroutine cannot be sent",
        (_, _) => "a userdata cannot be sent",
    }
}

/// The bytes of a string, for as long as it stays on the stack.
unsafe fn bytes<'a>(state: *mut lua_State, index: c_int) -> &'a [u8] {
    // SAFETY: the caller's: the value is a string.
    unsafe {
        let mut length = 0;
        let pointer = ffi::lua_tolstring(state, index, &mut length);
        slice::from_raw_parts(pointer.cast(), length)
    }
}

/// What a table's keys are.
enum Shape {
    List(u32),
    Map(u32),
}

unsafe fn table<W: Writer>(
    state: *mut lua_State,
    form: DocumentForm,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let depth = depth.checked_sub(1).ok_or_else(|| Problem::new("it nests too deeply, or holds itself"))?;
    // SAFETY: room is made; each step leaves the table on the top.
    unsafe {
        if ffi::lua_checkstack(state, SLOTS) == 0 {
            return Err(Problem::new("it nests more deeply than Lua's stack"));
        }
        let marked = uncover(state);
        match shape::<W>(state, marked)? {
            Shape::List(count) => {
                W::open_list(count, out);
                for place in 1..=i64::from(count) {
                    if place > 1 {
                        W::between(out);
                    }
                    ffi::lua_rawgeti(state, -1, place);
                    value::<W>(state, form, depth, out)
                        .map_err(|problem| problem.within(format_args!("[{place}]")))?;
                    ffi::lua_pop(state, 1);
                }
                W::close_list(out);
            }
            Shape::Map(count) => {
                W::open_map(count, out);
                let mut first = true;
                ffi::lua_pushnil(state);
                while ffi::lua_next(state, -2) != 0 {
                    if !std::mem::take(&mut first) {
                        W::between(out);
                    }
                    let at = ffi::lua_absindex(state, -2);
                    key::<W>(state, form, out).map_err(|problem| problem.within(segment(state, at)))?;
                    W::colon(out);
                    value::<W>(state, form, depth, out)
                        .map_err(|problem| problem.within(segment(state, at)))?;
                    ffi::lua_pop(state, 1);
                }
                W::close_map(out);
            }
        }
    }
    Ok(())
}

/// Writes the key below the top.
unsafe fn key<W: Writer>(
    state: *mut lua_State,
    form: DocumentForm,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    // SAFETY: a key and its value are on the top; a string is only asked for where the key is one.
    unsafe {
        match ffi::lua_type(state, -2) {
            ffi::LUA_TSTRING => W::text(bytes(state, -2), out).map_err(Problem::new),
            ffi::LUA_TNUMBER if W::ANY_KEY && ffi::lua_isinteger(state, -2) != 0 => {
                W::integer(ffi::lua_tointegerx(state, -2, ptr::null_mut()), out);
                Ok(())
            }
            ffi::LUA_TNUMBER if W::ANY_KEY => {
                W::number(ffi::lua_tonumberx(state, -2, ptr::null_mut()), out).map_err(Problem::new)
            }
            _ => Err(Problem::new(match called(form) {
                "JSON" => "a key of JSON is a string",
                _ => "a key is a string or a number",
            })),
        }
    }
}

/// The key at an absolute index, for a path.
unsafe fn segment(state: *mut lua_State, at: c_int) -> String {
    // SAFETY: an error leaves the key where it was; only a string is asked for its bytes.
    unsafe {
        match ffi::lua_type(state, at) {
            ffi::LUA_TSTRING => format!(".{}", String::from_utf8_lossy(bytes(state, at))),
            ffi::LUA_TNUMBER => format!("[{}]", ffi::lua_tonumberx(state, at, ptr::null_mut())),
            _ => String::new(),
        }
    }
}

/// Puts in the place of a frozen table, which is empty and reads through its metatable, what it stands for. Whether the table
/// is marked as a list.
unsafe fn uncover(state: *mut lua_State) -> bool {
    // SAFETY: room was made; the table is on the top before and after.
    unsafe {
        if ffi::lua_getmetatable(state, -1) == 0 {
            return false;
        }
        let marked = push_list_mark(state) && {
            let same = ffi::lua_rawequal(state, -1, -2) != 0;
            ffi::lua_pop(state, 1);
            same
        };
        ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, address(&INDEX));
        ffi::lua_rawget(state, -2);
        let behind = ffi::lua_type(state, -1) == ffi::LUA_TTABLE;
        ffi::lua_pushnil(state);
        let filled = ffi::lua_next(state, -4) != 0;
        if filled {
            ffi::lua_pop(state, 2);
        }
        if behind && !filled {
            ffi::lua_replace(state, -3);
            ffi::lua_pop(state, 1);
        } else {
            ffi::lua_pop(state, 2);
        }
        marked
    }
}

/// Looks at all keys of the table on the top.
unsafe fn shape<W: Writer>(state: *mut lua_State, marked: bool) -> Result<Shape, Problem> {
    let (mut count, mut places, mut last) = (0_u32, 0_u32, 0_i64);
    // SAFETY: room was made; a walk that is not disturbed raises nothing.
    unsafe {
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, -2) != 0 {
            count = count.saturating_add(1);
            if ffi::lua_type(state, -2) == ffi::LUA_TNUMBER && ffi::lua_isinteger(state, -2) != 0 {
                let place = ffi::lua_tointegerx(state, -2, ptr::null_mut());
                places += u32::from(place > 0);
                last = last.max(place);
            }
            ffi::lua_pop(state, 1);
        }
    }
    if count > 0 && places == count && last == i64::from(count) || count == 0 && marked {
        return Ok(Shape::List(count));
    }
    if marked {
        return Err(Problem::new("a list has the keys 1 to n and no others"));
    }
    if places > 0 && !W::ANY_KEY {
        let reason = if places == count {
            "a list with holes; use throng.json.null for them"
        } else {
            "it has fields and list elements"
        };
        return Err(Problem::new(reason));
    }
    Ok(Shape::Map(count))
}
