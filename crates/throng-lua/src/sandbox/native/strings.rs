//! The string functions that could make a huge string, or look at one for long, in a single call.

use std::ffi::c_int;
use std::sync::OnceLock;

use mlua::ffi::{self, lua_CFunction, lua_State};
use mlua::{Lua, Table};

use super::text::{check_bytes, to_bytes};
use super::{MAX_STRING, hook, original, raise_too_large, set};

static ORIGINALS: OnceLock<Originals> = OnceLock::new();

struct Originals {
    rep: lua_CFunction,
    pack: lua_CFunction,
    utf8_len: lua_CFunction,
    utf8_offset: lua_CFunction,
    utf8_codepoint: lua_CFunction,
}

/// Replaces the functions.
pub(in crate::sandbox) fn install(lua: &Lua) -> mlua::Result<()> {
    if ORIGINALS.get().is_none() {
        let originals = Originals {
            rep: original(lua, "string", "rep")?,
            pack: original(lua, "string", "pack")?,
            utf8_len: original(lua, "utf8", "len")?,
            utf8_offset: original(lua, "utf8", "offset")?,
            utf8_codepoint: original(lua, "utf8", "codepoint")?,
        };
        // Another thread's find is the same.
        let _ = ORIGINALS.set(originals);
    }
    let library: Table = lua.globals().raw_get("string")?;
    set(lua, &library, "rep", rep)?;
    set(lua, &library, "pack", pack)?;
    let library: Table = lua.globals().raw_get("utf8")?;
    set(lua, &library, "len", utf8_len)?;
    set(lua, &library, "offset", utf8_offset)?;
    set(lua, &library, "codepoint", utf8_codepoint)
}

fn originals() -> &'static Originals {
    ORIGINALS.get().expect("natives are reachable only after their installation")
}

unsafe extern "C-unwind" fn rep(state: *mut lua_State) -> c_int {
    let unit = check_bytes(state, 1).len();
    let times = usize::try_from(ffi::luaL_checkinteger(state, 2)).unwrap_or(0);
    let separator = to_bytes(state, 3).map_or(0, <[u8]>::len);
    let length = unit.saturating_add(separator).saturating_mul(times);
    if length.saturating_sub(separator) > MAX_STRING {
        return raise_too_large(state);
    }
    hook::work(state, length as u64 / 4);
    (originals().rep)(state)
}

unsafe extern "C-unwind" fn pack(state: *mut lua_State) -> c_int {
    let format = check_bytes(state, 1);
    hook::work(state, format.len() as u64 * 10);
    if padded_size(format) > MAX_STRING {
        return raise_too_large(state);
    }
    (originals().pack)(state)
}

/// The bytes that the fixed-size strings of a format take, however short their values.
fn padded_size(format: &[u8]) -> usize {
    let sizes = format.split(|&byte| byte == b'c').skip(1);
    sizes.map(leading_number).fold(0, usize::saturating_add)
}

fn leading_number(text: &[u8]) -> usize {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number.saturating_mul(10).saturating_add(usize::from(digit - b'0')))
}

unsafe extern "C-unwind" fn utf8_len(state: *mut lua_State) -> c_int {
    look_through(state);
    (originals().utf8_len)(state)
}

unsafe extern "C-unwind" fn utf8_offset(state: *mut lua_State) -> c_int {
    look_through(state);
    (originals().utf8_offset)(state)
}

unsafe extern "C-unwind" fn utf8_codepoint(state: *mut lua_State) -> c_int {
    look_through(state);
    (originals().utf8_codepoint)(state)
}

/// Counts a look at the whole of the first argument.
unsafe fn look_through(state: *mut lua_State) {
    if ffi::lua_type(state, 1) == ffi::LUA_TSTRING {
        hook::work(state, ffi::lua_rawlen(state, 1) as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::padded_size;

    #[test]
    fn only_fixed_size_strings_pad() {
        assert_eq!(padded_size(b"<i4s2z"), 0);
        assert_eq!(padded_size(b"c10 i4 c5"), 15);
        assert_eq!(padded_size(b"c99999999999999999999999c1"), usize::MAX);
    }
}
